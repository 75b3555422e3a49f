"""Rules of the region table and of a user's own table over it."""

from pathlib import Path

import pytest

from heed_shared.errors import UnknownRegion
from heed_shared.reference.regions import (
    Regions,
    RegionTableError,
    level_of,
    parent_code_of,
    prefix_of,
)

OWN = """code,title,parent_code,level,valid_from,valid_to
9H0000,禾安省,,province,2000-01-01,
9H0100,临川市,9H0000,city,2000-01-01,
9H010A,东湖区,9H0100,county,2000-01-01,
"""


@pytest.fixture(scope="module")
def regions() -> Regions:
    return Regions.load(None)


def own_table(folder: Path, text: str) -> Path:
    path = folder / "regions.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_parent_exists_one_level_up_and_is_the_prefix(regions: Regions) -> None:
    levels = {"county": "city", "city": "province"}
    for code in regions:
        parent = regions.parent(code)
        if regions.level(code) == "province":
            assert parent is None
        else:
            assert parent is not None
            assert regions.level(parent) == levels[regions.level(code)]
            assert code.startswith(prefix_of(parent))


@pytest.mark.parametrize(
    ("code", "title", "ancestors"),
    [
        pytest.param("110105", "北京市朝阳区", ("110100", "110000"), id="municipality"),
        pytest.param("500229", "重庆市城口县", ("500200", "500000"), id="county of a municipality"),
        pytest.param("130102", "河北省石家庄市长安区", ("130100", "130000"), id="ordinary"),
        pytest.param("429004", "湖北省仙桃市", ("429000", "420000"), id="directly administered"),
        pytest.param("659013", "新疆维吾尔自治区草湖市", ("659000", "650000"), id="newest code"),
        pytest.param("441900", "广东省东莞市", ("440000",), id="city without counties"),
        pytest.param("710000", "台湾省", (), id="province without a subdivision"),
    ],
)
def test_full_titles_leave_holders_out(
    regions: Regions, code: str, title: str, ancestors: tuple[str, ...]
) -> None:
    assert regions.title(code) == title
    assert regions.ancestors(code) == ancestors


def test_the_table_is_complete(regions: Regions) -> None:
    levels = [regions.level(code) for code in regions]
    assert levels.count("province") == 34
    assert levels.count("county") == 2847
    assert len(regions.children("110100")) == 16
    assert regions.children("441900") == ()


@pytest.mark.parametrize("code", ["", "11", "110199", "9H0101", "１１０１０５"])
def test_an_unknown_code_is_named(regions: Regions, code: str) -> None:
    assert code not in regions
    with pytest.raises(UnknownRegion) as caught:
        regions.get(code)
    assert caught.value.metadata["region_code"] == code


@pytest.mark.parametrize(
    ("code", "prefix", "level", "parent"),
    [
        ("110000", "11", "province", ""),
        ("110100", "1101", "city", "110000"),
        ("110105", "110105", "county", "110100"),
        ("9A0000", "9A", "province", ""),
        ("9A0100", "9A01", "city", "9A0000"),
        ("9A01Z0", "9A01Z0", "county", "9A0100"),
        ("9A1000", "9A10", "city", "9A0000"),
    ],
)
def test_the_code_says_prefix_level_and_parent(
    code: str, prefix: str, level: str, parent: str
) -> None:
    assert (prefix_of(code), level_of(code), parent_code_of(code)) == (prefix, level, parent)


def test_own_regions_are_merged_over_the_shipped_ones(tmp_path: Path) -> None:
    regions = Regions.load(own_table(tmp_path, OWN))
    assert regions.title("9H010A") == "禾安省临川市东湖区"
    assert regions.children("9H0100") == ("9H010A",)
    assert "110105" in regions
    assert "9H0100" not in Regions.load(None)


def test_parent_and_level_may_be_left_to_the_code(tmp_path: Path) -> None:
    table = own_table(tmp_path, "title,code\n某省,9Q0000\n某市,9Q0100\n")
    assert Regions.load(table).parent("9Q0100") == "9Q0000"


def test_all_bad_lines_are_listed(tmp_path: Path) -> None:
    table = own_table(
        tmp_path,
        OWN
        + "9H0100,临川市,,city,,\n"  # line 5: duplicate
        + "9J0101,远县,,county,,\n"  # line 6: no such parent
        + "110105,朝阳区,,,,\n"  # line 7: not a code of one's own
        + "9h0102,小写区,,,,\n"  # line 8: pattern
        + "9H0103,,,,,\n"  # line 9: no title
        + "9H0104,错区,9H0000,,,\n"  # line 10: parent against the prefix rule
        + "9H0105,错县,,city,,\n"  # line 11: level against the code
        + "9H0106,错日,,,2000-13-01,\n",  # line 12: no date
    )
    with pytest.raises(RegionTableError) as caught:
        Regions.load(table)
    assert [bad.line for bad in caught.value.bad_lines] == [5, 6, 7, 8, 9, 10, 11, 12]
    assert "line 6: parent 9J0100 of 9J0101 is not in the table" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"code,name\n9H0000,x\n", "column title is missing", id="column"),
        pytest.param("code,title\n9H0000,禾安省\n".encode("gb18030"), "UTF-8", id="encoding"),
    ],
)
def test_an_unreadable_table_says_why(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "regions.csv"
    path.write_bytes(content)
    with pytest.raises(RegionTableError, match=problem):
        Regions.load(path)


def test_a_missing_table_says_so(tmp_path: Path) -> None:
    with pytest.raises(RegionTableError, match="No such file"):
        Regions.load(tmp_path / "absent.csv")
