"""Reads the rules of escalation from their data file, shipped or mounted."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from heed.common.v1.access_pb2 import Role

from heed_warning.domain.escalation import (
    LEVELS,
    EscalationRulesError,
    Rules,
    RuleVersions,
    Rung,
)
from heed_warning.domain.policy import Level

SHIPPED = Path(__file__).parents[1] / "reference" / "escalation.toml"


def read_escalation_rules(path: Path | None = None) -> RuleVersions:
    """Read every version of the rules.

    Raises:
        EscalationRulesError: The file cannot be read, or something in it is missing or wrong.
    """
    source = path or SHIPPED
    try:
        document = tomllib.loads(source.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EscalationRulesError(f"{source.name}: {error}") from error
    entries = document.get("version", [])
    if not isinstance(entries, list):
        raise EscalationRulesError(f"{source.name}: versions are written as [[version]]")
    return RuleVersions(tuple(_rules(entry) for entry in entries))


def _rules(entry: Mapping[str, Any]) -> Rules:
    version, valid_from = entry.get("version"), entry.get("valid_from")
    if not isinstance(version, str) or type(valid_from) is not date:
        raise EscalationRulesError("each version needs `version` and a day `valid_from`")
    named = {"version", "valid_from", "citation", *(level.name.lower() for level in LEVELS)}
    if unknown := sorted(set(entry) - named):
        raise EscalationRulesError(f"{version}: unknown fields {', '.join(unknown)}")
    chains = {level: _chain(version, level, entry) for level in LEVELS}
    return Rules(version, valid_from, str(entry.get("citation", "")), chains)


def _chain(version: str, level: Level, entry: Mapping[str, Any]) -> tuple[Rung, ...]:
    name = level.name.lower()
    try:
        return tuple(
            Rung(Role.Value(str(step.get("role"))), **_wait(step)) for step in entry.get(name, ())
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise EscalationRulesError(f"{version}, {name}: {error}") from error


def _wait(step: Mapping[str, Any]) -> dict[str, int]:
    wait = {key: value for key, value in step.items() if key != "role"}
    if unknown := sorted(set(wait) - {"working_days", "hours"}):
        raise EscalationRulesError(f"unknown fields {', '.join(unknown)}")
    if not all(type(value) is int for value in wait.values()):
        raise EscalationRulesError("working_days and hours are whole numbers")
    return wait
