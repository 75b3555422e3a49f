"""The routing guard: what stays closed, by which names, and what a refusal says."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heed_intake.adapters.organisation_file import load_organisation
from heed_intake.domain.organisation import Organisation, OrganisationUnit, normal_name
from heed_intake.domain.routing_guard import closed_units, require_open
from heed_intake.domain.sealed_case import Accused
from heed_shared.errors import InvalidField, RouteForbidden
from heed_shared.reference.regions import Regions
from tests.intake.organisation import write_table

TODAY = date(2026, 3, 2)
DISTRICT = "110105"
WATER = ["朝阳区水务局", "朝阳区水务局供水科"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    path = write_table(tmp_path_factory.mktemp("table") / "organisation.csv")
    return load_organisation(path, Regions.load())


def closed(table: Organisation, *units: str, persons: tuple[str, ...] = ()) -> list[str]:
    """What is closed for a petition of the district."""
    return closed_units(table, Accused(units, persons), DISTRICT, TODAY)


@pytest.mark.parametrize(
    "text",
    [
        "朝阳区水务局",
        "北京市朝阳区水务局",
        " 朝阳区 水务局",
        "朝阳区水务局\u3000",
        "区水务局",
        "我区水务局",
        "本区水务局",
        "朝阳区水务局办公室",
    ],
)
def test_an_accused_unit_and_what_is_below_it_are_closed(table: Organisation, text: str) -> None:
    assert closed(table, text) == WATER


def test_a_name_that_several_units_of_the_line_bear_closes_all_of_them(
    table: Organisation,
) -> None:
    assert closed(table, "水务局") == ["北京市水务局", *WATER]
    assert closed(table, "市水务局") == ["北京市水务局"]
    # Another district's unit is meant only where its district is named.
    assert closed(table, "海淀区水务局") == ["海淀区水务局"]


def test_the_longest_name_is_meant(table: Organisation) -> None:
    assert closed(table, "朝阳区水务局供水科副科长") == ["朝阳区水务局供水科"]


def test_a_name_that_begins_like_a_level_is_left_whole(table: Organisation) -> None:
    assert closed(table, "市场监督管理局") == ["朝阳区市场监督管理局"]
    assert closed(table, "区市场监督管理局") == ["朝阳区市场监督管理局"]


@pytest.mark.parametrize("person", ["张三丰", "李 四光", "局长张三丰", "张三丰局长", "张·三丰"])
def test_a_unit_led_by_an_accused_person_is_closed_with_all_below(
    table: Organisation, person: str
) -> None:
    assert closed(table, persons=(person,)) == WATER


def test_a_unit_that_stands_before_a_person_is_closed(table: Organisation) -> None:
    assert closed(table, persons=("区水务局周某",)) == WATER


def test_a_government_that_is_accused_closes_everything_below(table: Organisation) -> None:
    found = closed(table, persons=("罗成",))
    assert "朝阳区人民政府" in found
    assert {*WATER, "朝阳区市场监督管理局", "朝阳区更新中心"} <= set(found)
    assert not {"朝阳区纪委监委", "北京市人民政府"} & set(found)


def test_what_no_longer_exists_still_closes_what_came_below_it(table: Organisation) -> None:
    assert closed(table, "朝阳区旧城改造办") == ["朝阳区更新中心"]
    # Who led it once leads nothing now.
    assert closed(table, persons=("钱七巧",)) == []


def test_nobody_accused_closes_nothing(table: Organisation) -> None:
    assert closed(table) == []
    assert closed(table, "某某公司", persons=("某人",)) == []


def test_a_closed_destination_is_refused_with_the_next_open_unit_above(
    table: Organisation,
) -> None:
    accused = Accused(("朝阳区水务局",), ("罗成",))
    with pytest.raises(RouteForbidden) as caught:
        require_open(table, "朝阳区水务局供水科", accused, DISTRICT, TODAY)
    assert caught.value.metadata == {"open_unit": "北京市人民政府"}
    for name in (*accused.units, *accused.persons, "朝阳区人民政府"):
        assert name not in caught.value.message


def test_where_nothing_above_is_open_none_is_named(table: Organisation) -> None:
    with pytest.raises(RouteForbidden) as caught:
        require_open(table, "北京市水务局", Accused(("北京市人民政府",)), DISTRICT, TODAY)
    assert caught.value.metadata == {}


def test_an_open_destination_gets_its_name_of_the_table(table: Organisation) -> None:
    accused = Accused(("朝阳区水务局",))
    assert require_open(table, "朝阳区 纪委监委", accused, DISTRICT, TODAY) == "朝阳区纪委监委"


@pytest.mark.parametrize("name", ["没有的局", "纪委监委", "朝阳区旧城改造办"])
def test_a_destination_must_be_a_unit_of_today_by_its_full_name(
    table: Organisation, name: str
) -> None:
    with pytest.raises(InvalidField) as caught:
        require_open(table, name, Accused(), DISTRICT, TODAY)
    assert caught.value.violations[0].field == "destination_unit"


NAMES = [f"{letter}局" for letter in "甲乙丙丁戊己庚辛"]


@given(
    parents=st.lists(st.integers(0, 7), min_size=8, max_size=8),
    leaders=st.lists(st.sampled_from(["赵一平", "钱二安", ""]), min_size=8, max_size=8),
    accused=st.sets(st.integers(0, 7)),
    person=st.sampled_from(["赵一平", "钱二安", "孙三"]),
)
def test_nothing_accused_led_or_below_is_ever_open(
    parents: list[int], leaders: list[str], accused: set[int], person: str
) -> None:
    # A parent with a smaller number: a tree whatever was drawn.
    above = [parent % at if at else None for at, parent in enumerate(parents)]
    table = Organisation(
        tuple(
            OrganisationUnit(
                NAMES[at],
                NAMES[parent] if (parent := above[at]) is not None else "",
                DISTRICT,
                (),
                (leaders[at],) if leaders[at] else (),
            )
            for at in range(8)
        ),
        ("甲", "乙"),
        TODAY,
        "",
    )
    named = Accused(tuple(NAMES[at] for at in accused), (person,))
    found = set(closed_units(table, named, DISTRICT, TODAY))
    for at in range(8):
        line: int | None = at
        dirty = False
        while line is not None:
            dirty |= line in accused or leaders[line] == person
            line = above[line]
        assert (NAMES[at] in found) == dirty


def test_names_are_compared_without_width_spaces_and_case() -> None:
    assert normal_name("ＡＢ 局\u3000") == normal_name("ab局")
