"""What all sections of the report share: what is printed, headings and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heed.warning.v1 import resources_pb2 as warning
from rich.console import Console
from rich.table import Table

from heed_local.demo.life import Life
from heed_local.demo.office import Office
from heed_local.demo.replay import Replayed
from heed_local.demo.results import Results
from heed_local.demo.score import Score
from heed_local.importing.reader import RejectedRow

ROWS = 15
"""Rows of a table that may be long."""


@dataclass(frozen=True)
class Report:
    """Everything that is printed."""

    title: str
    replayed: Replayed
    rejected: Sequence[RejectedRow]
    results: Results
    score: Score | None
    warnings: Sequence[warning.Warning]
    life: Life | None
    trace: str
    office: Office | None


def heading(console: Console, text: str) -> None:
    """Prints the heading of a section."""
    console.print()
    console.rule(f"[bold]{text}", align="left")


def new_table(*columns: str) -> Table:
    """Returns an empty table; a column whose name ends with # is aligned right."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in columns:
        right = column.endswith("#")
        table.add_column(column.removesuffix("#"), justify="right" if right else "left")
    return table
