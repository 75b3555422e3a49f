"""An authority's own taxonomy: other codes, new names, retired categories, other labels."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from heed.classifier.v1 import classifier_service_pb2 as pb

from heed_classifier.adapters.build_sorting import build_sorting
from heed_classifier.adapters.workers import BoundedWorkers
from heed_classifier.application.sorting import Sorting, ToSort
from heed_classifier.domain.decision import Sorted
from heed_classifier.domain.nature import Band, Route
from heed_classifier.domain.text import PetitionText
from heed_classifier.learning.sorter import TorchSorter
from heed_local.authority import Authority
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy, TaxonomyTableError
from tests.classifier.builders import NOON, REGION, petition
from tests.classifier.serving import correction, get, serving
from tests.database_templates import MadeDatabase

DAY = date(2026, 3, 2)
# A list as hotlines keep it: drones are new, pollution has a code of its own, and the shipped code
# of rural affairs means something else here.
TABLE = """code,title,parent_code,aliases,sealed,valid_from,valid_to
61,低空经济,,无人机;低空飞行,false,2025-01-01,
6101,无人机扰民,61,无人机噪音;无人机偷拍,false,2025-01-01,
62,生态环保,,环境保护,false,,
6201,大气水体污染,62,,false,,
05,环境保护,,,false,,2025-12-31
0501,环境污染,05,,false,,2025-12-31
0502,环保管理,05,,false,,2025-12-31
04,殡葬管理,,墓地;骨灰,false,,
"""
CROSSWALK = """scheme,label,code,valid_from,valid_to
heed,0501,6201,,
heed,0502,62,,
hotline,环保,62,2026-01-01,
hotline,环保,05,,2025-12-31
"""


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    """The files of a taxonomy and a crosswalk."""
    taxonomy, crosswalk = tmp_path / "taxonomy.csv", tmp_path / "crosswalk.csv"
    taxonomy.write_text(TABLE, encoding="utf-8")
    crosswalk.write_text(CROSSWALK, encoding="utf-8")
    return taxonomy, crosswalk


def used(tables: tuple[Path, Path], sorter: TorchSorter | None = None) -> Sorting:
    return build_sorting(Regions.load(), BoundedWorkers(), sorter, Taxonomy.load(*tables))


def sort(sorting: Sorting, text: str, day: date = DAY) -> Sorted:
    return sorting.sort_now([ToSort(PetitionText(text, ""), REGION, day=day)])[0].sorted


@pytest.mark.parametrize("with_model", [False, True])
def test_a_category_that_no_sorter_knows_is_found_by_its_names(
    tables: tuple[Path, Path], sorter: TorchSorter, with_model: bool
) -> None:
    sorting = used(tables, sorter if with_model else None)

    found = sort(sorting, "小区上空无人机偷拍，无人机噪音很大")

    assert (found.category_code, found.subcategory_code) == ("61", "6101")
    assert found.band is not Band.AUTO
    assert found.route in (Route.PETITION, Route.DUTY, Route.NONE)


@pytest.mark.parametrize("with_model", [False, True])
def test_what_a_sorter_knows_is_carried_over_to_the_own_code(
    tables: tuple[Path, Path], sorter: TorchSorter, with_model: bool
) -> None:
    sorting = used(tables, sorter if with_model else None)

    found = sort(sorting, "夜间工厂偷排废水，臭气熏天，刺鼻气味，污染河流")

    assert (found.category_code, found.subcategory_code) == ("62", "6201")


def test_a_code_that_means_something_else_here_is_not_taken_from_the_sorter(
    tables: tuple[Path, Path],
) -> None:
    rural = sort(used(tables), "土地流转租金拖欠，承包地被收回，惠农补贴没有发")
    graves = sort(used(tables), "墓地涨价，骨灰存放费太贵")

    assert rural.category_code != "04"
    assert graves.category_code == "04"


def test_only_what_is_valid_on_the_day_of_receipt_is_given(tables: tuple[Path, Path]) -> None:
    taxonomy, crosswalk = tables
    crosswalk.write_text("scheme,label,code\n", encoding="utf-8")
    sorting = used((taxonomy, crosswalk))
    text = "夜间工厂偷排废水，臭气熏天，刺鼻气味，污染河流"

    assert sort(sorting, text, date(2025, 6, 1)).category_code == "05"
    assert sort(sorting, text, DAY).category_code != "05"


def test_the_shipped_taxonomy_changes_nothing() -> None:
    plain = build_sorting(Regions.load(), BoundedWorkers())
    told = build_sorting(Regions.load(), BoundedWorkers(), taxonomy=Taxonomy.load())
    text = "工地拖欠工资，包工头失联"

    assert sort(plain, text) == sort(told, text)


def test_labels_of_another_list_are_read_both_ways_by_day(tables: tuple[Path, Path]) -> None:
    taxonomy = Taxonomy.load(*tables)

    assert taxonomy.from_label("hotline", "环保", DAY) == "62"
    assert taxonomy.from_label("hotline", "环保", date(2025, 3, 1)) == "05"
    assert taxonomy.label_of("hotline", "6201", DAY) == "环保"
    assert taxonomy.label_of("hotline", "6101", DAY) is None
    assert taxonomy.from_label("contest-2020", "商贸旅游") == "12"
    assert taxonomy.label_of("contest-2020", "1101") == "商贸旅游"
    assert taxonomy.label_of("contest-2020", "0101") == "城乡建设"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("hotline,环保,99,,", "code 99 is not in the taxonomy"),
        (",环保,05,,", "scheme is empty"),
        ("hotline,环保,05,2026-13-01,", "valid_from must be a date"),
    ],
)
def test_every_wrong_line_of_a_crosswalk_is_named(tmp_path: Path, row: str, problem: str) -> None:
    path = tmp_path / "crosswalk.csv"
    path.write_text(f"scheme,label,code,valid_from,valid_to\n{row}\n", encoding="utf-8")

    with pytest.raises(TaxonomyTableError, match=f"line 2: {problem}"):
        Taxonomy.load(None, path)


async def test_a_mounted_taxonomy_works_from_registration_to_correction(
    tables: tuple[Path, Path],
    make_database: Callable[[str], MadeDatabase],
    authority: Authority,
) -> None:
    taxonomy, crosswalk = tables
    mounted = {"HEED_TAXONOMY": str(taxonomy), "HEED_CROSSWALK": str(crosswalk)}
    async with serving(make_database("classifier"), authority, **mounted) as served:
        served.feed.sorting = used(tables)
        item = petition("小区上空无人机偷拍", "无人机噪音很大", at=NOON)
        await served.feed.register(item)
        found = (await get(served, item)).matters[0]
        assert (found.category_code, found.subcategory_code) == ("61", "6101")
        assert found.candidates[0].category_title == "低空经济"

        request = correction(await get(served, item), category_code="6201")
        after = (await served.stub().CorrectClassification(request)).classification.matters[0]
        assert (after.category_code, after.subcategory_code) == ("62", "6201")

        listed = await served.stub().ListCategories(pb.ListCategoriesRequest(valid_on="2026-03-02"))
        codes = {category.code for category in listed.categories}
        assert {"61", "6101", "62"} <= codes
        assert not {"05", "0501"} & codes
        text = pb.ClassifyRequest(request="工厂偷排废水，污染河流", facts="臭气熏天")
        answer = (await served.stub().Classify(text)).classification
        assert answer.matters[0].category_code == "62"
