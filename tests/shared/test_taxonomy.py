"""Rules of the content taxonomy and of a user's own table over it."""

from datetime import date
from pathlib import Path

import pytest

from heed_shared.errors import UnknownCategory
from heed_shared.reference.taxonomy import Taxonomy, TaxonomyTableError


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return Taxonomy.load(None)


def test_there_are_seventeen_first_level_categories_each_divided(taxonomy: Taxonomy) -> None:
    first = taxonomy.first_level(date(2026, 6, 1))
    assert [item.code for item in first] == [f"{number:02}" for number in range(1, 18)]
    assert all(2 <= len(taxonomy.children(item.code)) <= 8 for item in first)


def test_second_level_codes_begin_with_their_parent(taxonomy: Taxonomy) -> None:
    for code in taxonomy:
        category = taxonomy.get(code)
        assert category.parent_code == (code[:2] if len(code) == 4 else "")
        assert category.parent_code == "" or category.parent_code in taxonomy


def test_only_discipline_matters_are_sealed(taxonomy: Taxonomy) -> None:
    sealed = {code for code in taxonomy if taxonomy.get(code).sealed}
    assert sealed == {"14", "1401", "1402", "1403", "1404", "1405"}


def test_current_names_are_aliases(taxonomy: Taxonomy) -> None:
    assert "生态环境" in taxonomy.get("05").aliases
    assert taxonomy.get("0407").aliases == ("乡村振兴",)
    assert taxonomy.title("0304") == "就业培训"


def test_an_unknown_category_is_named(taxonomy: Taxonomy) -> None:
    assert "18" not in taxonomy
    with pytest.raises(UnknownCategory) as caught:
        taxonomy.get("18")
    assert caught.value.metadata["category_code"] == "18"


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("城乡建设", "01"),
        ("劳动和社会保障", "03"),
        ("环境保护", "05"),
        ("交通运输", "06"),
        ("教育文体", "07"),
        ("卫生计生", "08"),
        ("商贸旅游", "12"),
        ("天文地理", None),
    ],
)
def test_labels_of_another_scheme_are_crossed_over(
    taxonomy: Taxonomy, label: str, code: str | None
) -> None:
    assert taxonomy.from_label("contest-2020", label) == code


def test_own_rows_add_replace_and_end_categories(tmp_path: Path) -> None:
    table = tmp_path / "taxonomy.csv"
    table.write_text(
        "code,title,valid_from,valid_to\n"
        "0606,共享单车,2026-01-01,\n"
        "17,其他事项,,2026-12-31\n"
        "18,数字政府,2027-01-01,\n",
        encoding="utf-8",
    )
    taxonomy = Taxonomy.load(table)
    assert taxonomy.get("0606").parent_code == "06"
    assert [item.code for item in taxonomy.first_level(date(2026, 12, 31))][-1] == "17"
    assert [item.code for item in taxonomy.first_level(date(2027, 1, 1))][-2:] == ["16", "18"]


def test_a_mounted_table_cannot_unseal_discipline_matters(tmp_path: Path) -> None:
    table = tmp_path / "taxonomy.csv"
    table.write_text("code,title,sealed\n14,纪检,false\n1406,其他,\n", encoding="utf-8")
    taxonomy = Taxonomy.load(table)
    assert taxonomy.get("14").sealed
    assert taxonomy.get("1406").sealed


def test_all_bad_lines_are_listed(tmp_path: Path) -> None:
    table = tmp_path / "taxonomy.csv"
    table.write_text(
        "code,title,parent_code,sealed,valid_from\n"
        "06,交通,,,\n"
        "6,交通,,,\n"  # line 3: pattern
        "9901,无上级,,,\n"  # line 4: no parent
        "06,交通,,,\n"  # line 5: duplicate
        "0607,错位,05,,\n"  # line 6: another parent
        "0608,含糊,,maybe,\n"  # line 7
        "0609,,,,\n"  # line 8: no title
        "0610,错日,,,20260101x\n",  # line 9
        encoding="utf-8",
    )
    with pytest.raises(TaxonomyTableError) as caught:
        Taxonomy.load(table)
    assert [bad.line for bad in caught.value.bad_lines] == [3, 4, 5, 6, 7, 8, 9]
