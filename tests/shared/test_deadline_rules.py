"""The rule file: shipped rules are complete, a broken file does not load and says which rule."""

import tomllib
from copy import deepcopy
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from heed_shared.reference.deadline_rules import RuleFileError, load_rules, read_rules

SHIPPED = (resources.files("heed_shared.reference") / "deadline_rules.toml").read_text("utf-8")


def document() -> dict[str, Any]:
    return deepcopy(tomllib.loads(SHIPPED))


def without(code: str) -> dict[str, Any]:
    return {"rule": [rule for rule in document()["rule"] if rule["code"] != code]}


def with_second(**changes: Any) -> dict[str, Any]:
    """The file with D01 in two versions, the second as told."""
    changed = document()
    first = next(rule for rule in changed["rule"] if rule["code"] == "D01")
    second = {**first, "version": "2027", "valid_from": date(2027, 1, 1), "period": 10} | changes
    first["valid_to"] = date(2026, 12, 31)
    changed["rule"].append(second)
    return changed


def test_every_shipped_rule_is_cited_titled_and_dated() -> None:
    for rule in document()["rule"]:
        assert rule["citation"], rule["code"]
        assert rule["title"], rule["code"]
        assert rule["trigger"], rule["code"]


@pytest.mark.parametrize(
    ("code", "period", "unit"),
    [
        ("D01", 15, "day"),
        ("D03", 15, "day"),
        ("D04", 5, "working_day"),
        ("D05", 60, "day"),
        ("D06", 30, "day"),
        ("D02", 15, "day"),
        ("D07", 30, "day"),
        ("D08", 30, "day"),
        ("D09", 30, "day"),
        ("D10", 30, "day"),
        ("D14", 15, "working_day"),
        ("D14R", 15, "working_day"),
        ("D15", 5, "working_day"),
        ("H01", 5, "working_day"),
        ("H03", 24, "hour"),
        ("H04", 2, "hour"),
        ("H05", 5, "working_day"),
        ("H06", 15, "day"),
        ("W04", 5, "working_day"),
        ("W03", 3, "working_day"),
        ("W02", 24, "hour"),
    ],
)
def test_the_periods_are_those_of_the_guide(code: str, period: int, unit: str) -> None:
    rule = load_rules().on(code, date(2026, 1, 1))
    assert (rule.period, rule.unit) == (period, unit)


def test_a_file_without_a_needed_rule_is_refused_by_name() -> None:
    for code in ("D01", "W03"):
        with pytest.raises(RuleFileError, match=code):
            read_rules(without(code), required=("D01", "D05", "W03"))
    assert read_rules(without("D01"), required=("D05",)).on("D05", date(2026, 1, 1)).period == 60


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"valid_from": date(2027, 1, 2)}, "hole"),
        ({"valid_from": date(2026, 12, 31)}, "overlap"),
        ({"version": "2022"}, "doubled"),
        ({"period": -1}, "period"),
        ({"unit": "fortnight"}, "fortnight"),
        ({"colour": "red"}, "colour"),
        ({"valid_to": date(2026, 12, 30)}, "valid_to"),
    ],
)
def test_a_hole_an_overlap_or_a_wrong_entry_is_refused_with_the_rule(
    changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(RuleFileError, match=rf"D01.*{problem}"):
        read_rules(with_second(**changes))


def test_a_new_version_rules_new_clocks_and_leaves_old_ones() -> None:
    book = read_rules(with_second())
    assert book.on("D01", date(2026, 12, 31)).version == "2022"
    assert book.on("D01", date(2027, 1, 1)).period == 10
    assert book.version("D01", "2022").period == 15


def test_a_petition_older_than_the_regulation_runs_under_the_oldest_rule() -> None:
    assert load_rules().on("D01", date(2021, 3, 1)).version == "2022"


def test_a_rule_that_ended_without_a_successor_is_named() -> None:
    ended = document()
    for rule in ended["rule"]:
        if rule["code"] == "D05":
            rule["valid_to"] = date(2026, 1, 1)
    with pytest.raises(RuleFileError, match="D05"):
        read_rules(ended).on("D05", date(2026, 1, 2))


def test_a_rule_that_no_file_has_is_named() -> None:
    with pytest.raises(RuleFileError, match="D99"):
        load_rules().on("D99", date(2026, 1, 1))
    with pytest.raises(RuleFileError, match="D01@1999"):
        load_rules().version("D01", "1999")


def test_a_mounted_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "rules.toml"
    broken.write_text("[[rule]\n", "utf-8")
    for path in (broken, tmp_path / "absent.toml"):
        with pytest.raises(RuleFileError, match="cannot be read"):
            load_rules(path)


def test_a_mounted_file_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    mounted = tmp_path / "rules.toml"
    mounted.write_text(SHIPPED.replace("period = 15", "period = 10", 1), "utf-8")
    assert load_rules(mounted).on("D01", date(2026, 1, 1)).period == 10
