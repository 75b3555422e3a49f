"""Indicators over RPC: computed as of a day, small counts hidden, a region at a time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from heed.common.v1.observation_pb2 import Measure
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.resources_pb2 import IndicatorFamily, IndicatorValue
from heed.warning.v1.resources_pb2 import Warning as WarningMessage

from heed_warning.adapters.indicator_table import IndicatorFileError, load_indicators
from tests.warning.conftest import CITY, COUNTY, SECOND_COUNTY, START, Post, cell, counts
from tests.warning.rpc_setup import refused

BEGIN = START - timedelta(days=280)
YESTERDAY = START - timedelta(days=1)


async def recorded(post: Post, daily: list[int], measure: int, region: str = COUNTY) -> None:
    """History of one measure from BEGIN on."""
    given = counts(daily, BEGIN, region=region)
    for item in given:
        item.measure = Measure.ValueType(measure)
    await post.record([item for item in given if item.count], f"history-{measure}")


async def values(post: Post, region: str = COUNTY, **fields: str) -> dict[str, IndicatorValue]:
    request = pb.GetIndicatorsRequest(cells=[cell(region)], **fields)
    response = await post.stub().GetIndicators(request)
    return {value.code: value for value in response.cells[0].values}


async def test_indicators_are_answered_with_counts_percentile_and_version(post: Post) -> None:
    await recorded(post, [2] * 280, 1)
    await recorded(post, [0, 0, 0, 0, 1, 1, 1] * 36 + [1] * 28, Measure.MEASURE_REPEAT)
    found = await values(post)
    assert set(found) == {"A1", "A2", "B1", "B2", "B3", "B4", "B5", "B6", "B7", "C1", "C2", "C3",
                          "C4"}  # fmt: skip
    share = found["B1"]
    assert (share.outcome, share.numerator, share.denominator) == (1, 28, 56)
    assert (share.value, share.percentile, share.over) == (0.5, 1.0, True)
    assert share.title == "重复率"
    assert share.family == IndicatorFamily.INDICATOR_FAMILY_SERVICE_PRESSURE
    assert share.version
    assert found["A1"].outcome == IndicatorValue.OUTCOME_VALUE
    assert found["B4"].outcome == IndicatorValue.OUTCOME_NOT_COUNTED
    assert found["C1"].outcome == IndicatorValue.OUTCOME_NOT_COUNTED


async def test_an_earlier_day_is_answered_as_it_was(post: Post) -> None:
    await recorded(post, [2] * 280, 1)
    await recorded(post, [0] * 252 + [1] * 28, Measure.MEASURE_JOINT)
    before = (START - timedelta(days=29)).isoformat()
    assert (await values(post, as_of=before))["B2"].numerator == 0
    assert (await values(post))["B2"].numerator == 28
    code, reason = await refused(
        post.stub().GetIndicators(pb.GetIndicatorsRequest(cells=[cell()], as_of=START.isoformat()))
    )
    assert (code.name, reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")


async def test_small_counts_do_not_leave(post: Post) -> None:
    await recorded(post, [2] * 280, 1)
    await recorded(post, [0] * 276 + [1] * 4, Measure.MEASURE_REPEAT)
    hidden = (await values(post))["B1"]
    assert hidden.outcome == IndicatorValue.OUTCOME_SUPPRESSED
    assert (hidden.value, hidden.numerator, hidden.denominator, hidden.percentile) == (0, 0, 0, -1)


async def test_a_cell_that_nobody_counted_has_no_figures(post: Post) -> None:
    found = await values(post, SECOND_COUNTY)
    assert {value.outcome for value in found.values()} == {IndicatorValue.OUTCOME_NOT_COUNTED}


async def test_suggestions_change_nothing(post: Post) -> None:
    await recorded(post, [2] * 280, 1)
    before = await values(post)
    await recorded(post, [50] * 280, Measure.MEASURE_SUGGESTION)
    assert await values(post) == before


async def test_indicators_stay_in_the_callers_region(post: Post) -> None:
    other = post.caller(["ROLE_ANALYST"], COUNTY)
    for asked, reason in (
        (cell(SECOND_COUNTY), "REGION_NOT_ALLOWED"),
        (cell(CITY), "REGION_NOT_ALLOWED"),
        (cell(category="99"), "UNKNOWN_CATEGORY"),
        (cell("329999"), "UNKNOWN_REGION"),
    ):
        request = pb.GetIndicatorsRequest(cells=[asked])
        assert (await refused(other.GetIndicators(request)))[1] == reason, asked


async def test_definitions_are_listed_as_valid_on_a_day(post: Post) -> None:
    stub = post.stub("leader")
    today = await stub.ListIndicatorDefinitions(pb.ListIndicatorDefinitionsRequest())
    assert [one.code for one in today.definitions] == sorted(one.code for one in today.definitions)
    assert len(today.definitions) == 13
    for one in today.definitions:
        assert one.definition
        assert one.formula
        assert one.citation
        assert one.limit_percentile == 0.99
    old = pb.ListIndicatorDefinitionsRequest(valid_on="2021-12-31")
    assert not (await stub.ListIndicatorDefinitions(old)).definitions


async def test_overdue_items_propose_orange_and_say_why(post: Post) -> None:
    await recorded(post, [2] * 280, 1)
    await recorded(post, [2] * 280, Measure.MEASURE_DUE)
    await recorded(post, [0] * 252 + [0, 1, 1] * 9 + [0], Measure.MEASURE_OVERDUE)
    for day in (YESTERDAY, START):
        response = await post.evaluate(day)
    warning = next(item for item in response.changed_warnings if item.cell == cell())
    assert warning.state == WarningMessage.STATE_FIRING
    assert warning.effective_level == 3
    evaluation = warning.latest_evaluation
    assert [value.code for value in evaluation.indicators] == ["B4"]
    assert "指标建议橙色:逾期率3" in evaluation.reason
    assert "件)" in evaluation.reason
    stored = await post.stub().GetWarning(pb.GetWarningRequest(name=warning.name))
    assert stored.warning.latest_evaluation == evaluation
    assert {item.cell.region_code for item in response.changed_warnings} == {COUNTY}, (
        "city and province are silent about what the county says"
    )


def write(folder: Path, *changes: tuple[str, str]) -> Path:
    """A file with one good definition, changed."""
    text = """[[indicator]]
code = "B1"
version = "1"
title = "重复率"
family = "service_pressure"
definition = "重复件占比"
formula = "REPEAT / ITEMS"
unit = "比例"
minimum_denominator = 20
direction = "higher_is_worse"
window_days = 28
limit_percentile = 0.99
valid_from = 2022-05-01
citation = "本地规定"
"""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "indicators.toml"
    path.write_text(text, "utf-8")
    return path


def test_an_authority_mounts_its_own_definitions(tmp_path: Path) -> None:
    (own,) = load_indicators(write(tmp_path, ("20\n", "30\n")))
    assert (own.code, own.minimum_denominator) == ("B1", 30)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('code = "B1"', 'code = "Z9"', "code must be one of"),
        ("window_days = 28", "window_days = 30", "window_days must be a whole number from 7 to 56"),
        ("limit_percentile = 0.99", "limit_percentile = 99", "limit_percentile must lie"),
        ('direction = "higher_is_worse"', 'direction = "up"', "direction must be one of"),
        ("minimum_denominator = 20", "minimum_denominator = 0", "minimum_denominator must be"),
        ("valid_from = 2022-05-01", 'valid_from = "soon"', "valid_from must be a date"),
        ('title = "重复率"', 'title = ""', "title must be a text"),
        ("[[indicator]]", "[[other]]", "there is no"),
        ("[[indicator]]", "[[indicator", "indicators.toml"),
    ],
)
def test_a_wrong_file_is_refused_by_entry_and_key(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    with pytest.raises(IndicatorFileError, match=told.replace("[", r"\[")):
        load_indicators(write(tmp_path, (old, new)))


def test_versions_of_one_code_must_not_overlap(tmp_path: Path) -> None:
    path = write(tmp_path)
    text = path.read_text("utf-8")
    path.write_text(text + text.replace('version = "1"', 'version = "2"'), "utf-8")
    with pytest.raises(IndicatorFileError, match="versions 1 and 2 overlap"):
        load_indicators(path)
    closed = text.replace("citation", "valid_to = 2024-12-31\ncitation")
    later = text.replace('"1"', '"2"').replace("2022-05-01", "2025-01-01")
    path.write_text(closed + later, "utf-8")
    assert [one.version for one in load_indicators(path)] == ["1", "2"]
