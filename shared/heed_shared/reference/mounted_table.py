"""Reads the CSV tables of reference data, both the shipped ones and those a user mounts.

Wrong lines are collected and reported together, each with its line number, so that a user corrects
the file once.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class BadLine:
    """One wrong line of a table: its number, counted from 1 with the header, and what is wrong."""

    line: int
    problem: str


class BadTableError(ValueError):
    """A table cannot be used; `bad_lines` lists every wrong line."""

    def __init__(self, path: Path, bad_lines: Iterable[BadLine]) -> None:
        self.path = path
        self.bad_lines = tuple(bad_lines)
        listed = "".join(f"\n  line {bad.line}: {bad.problem}" for bad in self.bad_lines)
        super().__init__(f"{path.name} cannot be used:{listed}")


def read_table(
    path: Path, required: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield line number and trimmed fields of every row that is not empty.

    Raises:
        BadTableError: No such file, not UTF-8, or a required column is missing.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadTableError(path, [BadLine(0, error.strerror or "cannot be read")]) from error
    except UnicodeDecodeError as error:
        raise BadTableError(path, [BadLine(0, "is not encoded in UTF-8")]) from error
    reader = csv.reader(text.splitlines())
    header = [name.strip() for name in next(reader, [])]
    missing = [name for name in required if name not in header]
    if missing:
        raise BadTableError(path, [BadLine(1, f"column {name} is missing") for name in missing])
    places = {name: header.index(name) for name in (*required, *optional) if name in header}
    absent = {name: "" for name in optional if name not in header}
    for row in reader:
        if any(field.strip() for field in row):
            fields = {
                name: row[place].strip() if place < len(row) else ""
                for name, place in places.items()
            }
            yield reader.line_num, fields | absent


def read_day(text: str) -> date | None:
    """Read an ISO date of validity; empty means that the side is open.

    Raises:
        ValueError: The text is no date.
    """
    return date.fromisoformat(text) if text else None


def validity_problem(row: Mapping[str, str]) -> str:
    """Return what is wrong with the dates of validity of a row; empty if nothing is."""
    for column in ("valid_from", "valid_to"):
        try:
            read_day(row[column])
        except ValueError:
            return f"{column} must be a date such as 2026-01-31, or empty, not {row[column]!r}"
    return ""
