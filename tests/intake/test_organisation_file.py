"""The organisation table: released by two persons, every fault named by line and column."""

import dataclasses
import logging
from pathlib import Path

import pytest

from heed_intake.adapters.organisation_file import load_organisation
from heed_intake.main import open_service
from heed_local.authority import Authority
from heed_local.simulator.city import TEXTS, City
from heed_shared.reference.mounted_table import BadTableError
from heed_shared.reference.regions import Regions
from tests.database_templates import MadeDatabase
from tests.intake.conftest import Settings
from tests.intake.organisation import HEAD, ROWS, write_table


def faults(tmp_path: Path, *rows: str, head: tuple[str, ...] = HEAD) -> list[tuple[int, str]]:
    """Line and column of every fault of a table."""
    path = write_table(tmp_path / "organisation.csv", rows, head)
    with pytest.raises(BadTableError) as caught:
        load_organisation(path, Regions.load())
    return [(bad.line, bad.problem.partition(":")[0]) for bad in caught.value.bad_lines]


def test_a_table_says_who_released_it(tmp_path: Path) -> None:
    table = load_organisation(write_table(tmp_path / "organisation.csv"), Regions.load())
    assert table.released_by == ("甄明 staff/2001", "陆安 staff/2002")
    assert len(table.units) == len(ROWS)


async def test_a_service_logs_which_table_is_in_force(
    settings_for: Settings,
    authority: Authority,
    database: MadeDatabase,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = settings_for(database)
    with caplog.at_level(logging.INFO, "heed_intake"):
        async with open_service(settings):
            pass
    (record,) = (item for item in caplog.records if "organisation" in item.getMessage())
    assert record.__dict__["released_by"] == ["甄明 staff/2001", "陆安 staff/2002"]
    assert len(record.__dict__["digest"]) == 64


def test_files_that_cannot_be_used_stop_the_start_with_every_fault(
    settings_for: Settings, database: MadeDatabase, tmp_path: Path
) -> None:
    settings = settings_for(database)
    table = write_table(tmp_path / "bad.csv", ("甲局,,999999,,,", "乙局,丙局,110000,,,"), HEAD[1:])
    rules, holidays = tmp_path / "rules.toml", tmp_path / "holidays.csv"
    rules.write_text("", "utf-8")
    holidays.write_text("day\n", "utf-8")
    bad = dataclasses.replace(settings, organisation=table, deadline_rules=rules, holidays=holidays)
    problems = sorted(bad.problems())
    assert [text.partition(":")[0] for text in problems] == [
        "HEED_DEADLINE_RULES",
        "HEED_HOLIDAYS",
        "HEED_ORGANISATION",
    ]
    for part in ("released_by", "line 4: region_code", "line 5: parent"):
        assert part in problems[2]
    assert "D14, D14R, D15" in problems[0]
    assert settings.problems() == []


@pytest.mark.parametrize(
    "head",
    [
        HEAD[1:],
        (HEAD[0], HEAD[0], *HEAD[2:]),
        (HEAD[0], HEAD[0].replace("甄明", " 甄 明"), *HEAD[2:]),
        (HEAD[0], "# released_by:", *HEAD[2:]),
        (*HEAD[:2], "# released_by: 第三人", *HEAD[2:]),
    ],
    ids=["one person", "twice the same", "the same with spaces", "nobody", "three"],
)
def test_two_different_persons_release_it(tmp_path: Path, head: tuple[str, ...]) -> None:
    assert faults(tmp_path, *ROWS, head=head) == [(1, "released_by")]


def test_the_day_of_release_is_a_date(tmp_path: Path) -> None:
    for line in ("# released_on: 2026-02-30", "#"):
        assert faults(tmp_path, *ROWS, head=(*HEAD[:2], line, HEAD[3])) == [(1, "released_on")]


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    assert faults(
        tmp_path,
        "甲局,,110000,,,",
        ",,110000,,,",
        "乙局,,999999,,,",
        "丙局,没有的局,110000,,,",
        "丁局,,110000,,昨天,",
        "戊局,,110000,,2026-02-01,2026-01-01",
        "甲局,,110000,,,",
        "己局,庚局,110000,,,",
        "庚局,己局,110000,,,",
    ) == [
        (6, "unit"),
        (7, "region_code"),
        (8, "parent"),
        (9, "valid_from"),
        (10, "valid_to"),
        (11, "unit"),
        (12, "parent"),
        (13, "parent"),
    ]


def test_a_missing_column_and_a_missing_file_are_named(tmp_path: Path) -> None:
    head = (*HEAD[:3], HEAD[3].replace("led_by,", ""))
    assert faults(tmp_path, "甲局,,110000,,", head=head) == [(4, "led_by")]
    with pytest.raises(BadTableError):
        load_organisation(tmp_path / "absent.csv", Regions.load())


def test_a_unit_may_have_periods_that_do_not_overlap(tmp_path: Path) -> None:
    rows = ("甲局,,110000,旧人,,2025-12-31", "甲局,,110000,新人,2026-01-01,")
    path = write_table(tmp_path / "organisation.csv", rows)
    assert len(load_organisation(path, Regions.load()).units) == 2


def test_the_table_of_the_made_up_city_can_be_used(tmp_path: Path) -> None:
    City().write_regions(tmp_path / "regions.csv")
    regions = Regions.load(tmp_path / "regions.csv")
    table = load_organisation(TEXTS / "organisation.csv", regions)
    assert {unit.region_code for unit in table.units} <= set(regions)
