"""Reads the organisation table of the routing guard, which two different persons must release.

The CSV file begins with three lines that say who released it and when::

    # released_by: 甄明 staff/2001
    # released_by: 陆安 staff/2002
    # released_on: 2026-01-05
    unit,parent,region_code,led_by,valid_from,valid_to

``led_by`` has persons separated by 、 or ;. A unit may have several rows for periods that do not
overlap. A wrong tree sends an accusation to whom it accuses, so every fault refuses the whole file.
"""

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from heed_intake.domain.organisation import Organisation, OrganisationUnit, normal_name
from heed_shared.reference.mounted_table import (
    BadLine,
    BadTableError,
    read_day,
    validity_problem,
)
from heed_shared.reference.regions import Regions

COLUMNS = ("unit", "parent", "region_code", "led_by", "valid_from", "valid_to")
_RELEASE = re.compile(r"#\s*(released_by|released_on)\s*:\s*(.*?)\s*")
_PERSONS = re.compile(r"[、;；]")
_RELEASERS = 2
_LONGEST_NAME = 200


def load_organisation(path: Path, regions: Regions) -> Organisation:
    """Return the table.

    Raises:
        BadTableError: it cannot be used; every fault is listed with its line and column.
    """
    try:
        raw = path.read_bytes()
        lines = raw.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise BadTableError(path, [BadLine(0, error.strerror or "cannot be read")]) from error
    except UnicodeDecodeError as error:
        raise BadTableError(path, [BadLine(0, "is not encoded in UTF-8")]) from error
    start = next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))
    releasers, released_on, bad = _release(lines[:start])
    rows = list(_rows(lines, start, bad))
    units = _units(rows, regions, bad)
    _check_tree(rows, units, bad)
    if bad or released_on is None:
        raise BadTableError(path, sorted(bad, key=lambda item: item.line))
    digest = hashlib.sha256(raw).hexdigest()
    return Organisation(tuple(units.values()), tuple(releasers), released_on, digest)


def _release(lines: Sequence[str]) -> tuple[list[str], date | None, list[BadLine]]:
    """Return who released the file and when, with the faults of its head."""
    told: dict[str, list[str]] = {"released_by": [], "released_on": []}
    for line in lines:
        if match := _RELEASE.fullmatch(line):
            told[match[1]].append(match[2])
    bad = []
    releasers = told["released_by"]
    different = {normal_name(person) for person in releasers if person}
    if len(releasers) != _RELEASERS or len(different) != _RELEASERS:
        bad.append(BadLine(1, "released_by: must name two different persons, a line for each"))
    released_on = None
    try:
        (text,) = told["released_on"]
        released_on = date.fromisoformat(text)
    except ValueError:
        bad.append(BadLine(1, "released_on: must be one date such as 2026-01-31"))
    return releasers, released_on, bad


def _rows(
    lines: Sequence[str], start: int, bad: list[BadLine]
) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.reader(lines[start:])
    header = [name.strip() for name in next(reader, [])]
    missing = [name for name in COLUMNS if name not in header]
    bad += [BadLine(start + 1, f"{name}: the column is missing") for name in missing]
    if missing:
        return
    for row in reader:
        if any(field.strip() for field in row):
            fields = dict(zip(header, (field.strip() for field in row), strict=False))
            yield start + reader.line_num, {name: fields.get(name, "") for name in COLUMNS}


def _units(
    rows: Sequence[tuple[int, Mapping[str, str]]], regions: Regions, bad: list[BadLine]
) -> dict[int, OrganisationUnit]:
    """Return the units by line, those that can be read."""
    units: dict[int, OrganisationUnit] = {}
    for line, row in rows:
        problem = _problem(row, regions)
        if problem:
            bad.append(BadLine(line, problem))
            continue
        code = row["region_code"]
        chain = (*reversed(regions.ancestors(code)), code)
        full_title = regions.title(code)
        units[line] = OrganisationUnit(
            name=row["unit"],
            parent=row["parent"],
            region_code=code,
            # A full title leaves out what only holds others together, and so do people.
            region_titles=tuple(
                title for part in chain if (title := regions.get(part).title) in full_title
            ),
            leaders=tuple(name for part in _PERSONS.split(row["led_by"]) if (name := part.strip())),
            valid_from=read_day(row["valid_from"]),
            valid_to=read_day(row["valid_to"]),
        )
    return units


def _problem(row: Mapping[str, str], regions: Regions) -> str:
    if not 0 < len(row["unit"]) <= _LONGEST_NAME or "\0" in row["unit"]:
        return f"unit: must have 1 to {_LONGEST_NAME} characters"
    if row["region_code"] not in regions:
        return f"region_code: no region has the code {row['region_code']!r}"
    if problem := validity_problem(row):
        return problem.replace(" ", ": ", 1)
    first, last = read_day(row["valid_from"]), read_day(row["valid_to"])
    if first and last and last < first:
        return "valid_to: lies before valid_from"
    return ""


def _check_tree(
    rows: Sequence[tuple[int, Mapping[str, str]]],
    units: Mapping[int, OrganisationUnit],
    bad: list[BadLine],
) -> None:
    known = {normal_name(row["unit"]) for _, row in rows}
    parents: dict[str, set[str]] = {}
    for line, unit in units.items():
        above = normal_name(unit.parent)
        if above and above not in known:
            bad.append(BadLine(line, f"parent: {unit.parent} is not in the table"))
        parents.setdefault(unit.key, set()).add(above)
    for line, unit in units.items():
        if _reaches_itself(unit.key, parents):
            bad.append(BadLine(line, f"parent: {unit.name} lies below itself"))
    earlier: dict[str, list[OrganisationUnit]] = {}
    for line, unit in units.items():
        same = earlier.setdefault(unit.key, [])
        if any(_overlap(unit, other) for other in same):
            bad.append(BadLine(line, f"unit: {unit.name} stands there already for that time"))
        same.append(unit)


def _reaches_itself(key: str, parents: Mapping[str, set[str]]) -> bool:
    seen: set[str] = set()
    waiting = set(parents[key])
    while waiting:
        above = waiting.pop()
        if above == key:
            return True
        if above not in seen:
            seen.add(above)
            waiting |= parents.get(above, set())
    return False


def _overlap(one: OrganisationUnit, other: OrganisationUnit) -> bool:
    return (one.valid_from or date.min) <= (other.valid_to or date.max) and (
        other.valid_from or date.min
    ) <= (one.valid_to or date.max)
