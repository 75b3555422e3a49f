"""The classifier's own data files: phrase banks, rule tables. Read once at start."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from heed_classifier.domain.content import ContentBook, ContentEntry
from heed_classifier.domain.routing import TargetTableError


@cache
def content_book() -> ContentBook:
    """Read ``content/*.toml`` into the book of content words."""
    entries: list[ContentEntry] = []
    folder = files("heed_classifier").joinpath("content")
    for path in sorted(folder.iterdir(), key=lambda item: item.name):
        if path.name.endswith(".toml"):
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
            entries.extend(_entry(code, table) for code, table in tables.items())
    return ContentBook(entries)


def rule_table(name: str) -> dict[str, Any]:
    """Read one table of ``rules/``."""
    path = files("heed_classifier").joinpath("rules", name)
    return tomllib.loads(path.read_text(encoding="utf-8"))


def own_table(path: Path) -> dict[str, Any]:
    """Read a table that the authority mounts over a shipped one.

    Raises:
        TargetTableError: There is no such file, or it is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TargetTableError(f"{path.name} cannot be read: {error}") from error


def _entry(code: str, table: dict[str, str]) -> ContentEntry:
    return ContentEntry(
        code=code,
        strong=tuple(table["strong"].split()),
        weak=tuple(table.get("weak", "").split()),
        facts=_lines(table.get("facts", "")),
        asks=_lines(table.get("asks", "")),
    )


def _lines(block: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in block.splitlines() if line.strip())
