"""Reads the indicator definitions: the shipped file, or the one a deploying authority mounts."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

from heed_warning.domain.indicator_formulas import COMPUTATIONS
from heed_warning.domain.indicators import Direction, Family, IndicatorDefinition

_SHIPPED = "indicators.toml"
_TEXTS = ("code", "version", "title", "definition", "formula", "unit", "citation")
_WEEKS = range(7, 57, 7)


class IndicatorFileError(ValueError):
    """The file cannot be used; the text names the entry and the key."""


def load_indicators(mounted: Path | None = None) -> tuple[IndicatorDefinition, ...]:
    """Read all versions of all definitions.

    Raises:
        IndicatorFileError: An entry is wrong, or versions of one code overlap.
    """
    file = mounted or resources.files("heed_warning.reference") / _SHIPPED
    try:
        entries = tomllib.loads(file.read_text("utf-8")).get("indicator", [])
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise IndicatorFileError(f"{mounted or _SHIPPED}: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise IndicatorFileError("there is no [[indicator]]")
    read = [_definition(number, entry) for number, entry in enumerate(entries, start=1)]
    _refuse_overlaps(read)
    return tuple(read)


def _definition(number: int, entry: Any) -> IndicatorDefinition:
    where = f"indicator {number}"
    if not isinstance(entry, dict):
        raise IndicatorFileError(f"{where}: is no table")
    where = f"{where} ({entry.get('code', '')})"
    for key in _TEXTS:
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise IndicatorFileError(f"{where}: {key} must be a text")
    if entry["code"] not in COMPUTATIONS:
        raise IndicatorFileError(f"{where}: code must be one of {', '.join(COMPUTATIONS)}")
    return IndicatorDefinition(
        **{key: entry[key] for key in _TEXTS},
        family=_named(where, entry, "family", Family),
        direction=_named(where, entry, "direction", Direction),
        minimum_denominator=_number(where, entry, "minimum_denominator", range(1, 1_000_001)),
        window_days=_number(where, entry, "window_days", _WEEKS),
        limit_percentile=_share(where, entry),
        valid_from=_day(where, entry, "valid_from"),
        valid_to=_day(where, entry, "valid_to") if "valid_to" in entry else None,
    )


def _named(where: str, entry: dict[str, Any], key: str, names: Any) -> Any:
    known = {name.lower(): value for name, value in names.__members__.items()}
    if entry.get(key) not in known:
        raise IndicatorFileError(f"{where}: {key} must be one of {', '.join(known)}")
    return known[entry[key]]


def _number(where: str, entry: dict[str, Any], key: str, allowed: range) -> int:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        step = f" in steps of {allowed.step}" if allowed.step > 1 else ""
        raise IndicatorFileError(
            f"{where}: {key} must be a whole number from {allowed[0]} to {allowed[-1]}{step}"
        )
    return value


def _share(where: str, entry: dict[str, Any]) -> float:
    value = entry.get("limit_percentile")
    if not isinstance(value, float) or not 0.5 <= value < 1.0:
        raise IndicatorFileError(f"{where}: limit_percentile must lie from 0.5 to below 1")
    return value


def _day(where: str, entry: dict[str, Any], key: str) -> date:
    value = entry.get(key)
    if type(value) is not date:
        raise IndicatorFileError(f"{where}: {key} must be a date such as 2026-01-31")
    return value


def _refuse_overlaps(definitions: list[IndicatorDefinition]) -> None:
    last: dict[str, IndicatorDefinition] = {}
    for one in sorted(definitions, key=lambda item: (item.code, item.valid_from)):
        before = last.get(one.code)
        if before and (before.valid_to is None or before.valid_to >= one.valid_from):
            raise IndicatorFileError(
                f"{one.code}: versions {before.version} and {one.version} overlap"
            )
        last[one.code] = one
