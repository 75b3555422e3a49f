"""Simulated cells for tests: stationary or seasonal counts, planted surges, seeded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import numpy as np

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.board import evaluate
from heed_warning.domain.history import Forecaster
from heed_warning.domain.life import CellWarning, Change, advance
from heed_warning.domain.panel import CITY, COUNTY, PROVINCE, Cell, Floats, Panel
from heed_warning.domain.policy import Level, Policy
from heed_warning.domain.transitions import State

FIRST_DAY = date(2024, 1, 1)
CITY_CODE, PROVINCE_CODE = "9A0100", "9A0000"
WEEK = np.array([1.2, 1.2, 1.1, 1.1, 1.0, 0.7, 0.7])


def every_weekday_as_it_is(_day: date) -> None:
    """A calendar without notices."""


def ancestors(code: str) -> list[str]:
    """The prefix rule."""
    above = {COUNTY: [CITY_CODE, PROVINCE_CODE], CITY: [PROVINCE_CODE], PROVINCE: []}
    return above[level_of(code)]


def level_of(code: str) -> int:
    """The level that a code says."""
    return PROVINCE if code.endswith("0000") else CITY if code.endswith("00") else COUNTY


def panel_of(rows: Mapping[Cell, list[float] | Floats], first_day: date = FIRST_DAY) -> Panel:
    """A panel of the rows given, counted from the first day on."""
    cells = tuple(sorted(rows))
    return Panel(
        cells=cells,
        levels=np.array([level_of(cell.region) for cell in cells], dtype=np.int64),
        first_day=first_day,
        counts=np.array([rows[cell] for cell in cells], dtype=float),
        started=np.zeros(len(cells), dtype=np.int64),
    )


def stationary(
    seed: int,
    *,
    days: int,
    counties: int = 6,
    categories: int = 10,
    dispersion: float = 0.1,
    season: float = 0.0,
) -> Panel:
    """Counties of one city with weekly and perhaps yearly shape, and their parents."""
    rng = np.random.default_rng(seed)
    volume, shares = rng.gamma(2, 0.5, counties), rng.dirichlet(np.full(categories, 0.8)) * 3
    number = np.arange(days)
    week = WEEK[(number + FIRST_DAY.weekday()) % 7]
    year = np.exp(season * np.sin(2 * np.pi * number / 365))
    mean = (volume[:, None] * shares)[:, :, None] * week * year
    counts = nb.draw(rng, mean, np.array([dispersion])).astype(float)
    rows: dict[Cell, list[float] | Floats] = {}
    for category in range(categories):
        code = f"{category + 1:02d}"
        for county in range(counties):
            rows[Cell(f"9A01{county + 1:02d}", code)] = counts[county, category]
        for parent in (CITY_CODE, PROVINCE_CODE):
            rows[Cell(parent, code)] = counts[:, category].sum(axis=0)
    return panel_of(rows)


def planted(panel: Panel, cell: Cell, start: int, extra: list[int]) -> Panel:
    """The panel with extra items in one county from a day on, its parents included."""
    counts = panel.counts.copy()
    for region in (cell.region, CITY_CODE, PROVINCE_CODE):
        row = panel.cells.index(Cell(region, cell.category))
        counts[row, start : start + len(extra)] += extra
    return replace(panel, counts=counts)


def replay(
    panel: Panel,
    first: int,
    last: int,
    *,
    policies: tuple[Policy, ...] = (),
    model: Forecaster | None = None,
) -> list[tuple[int, Change, CellWarning]]:
    """Evaluate day by day, and return the changes of warnings."""
    standing: dict[Cell, CellWarning] = {}
    changes = []
    for day in range(first, last):
        board = evaluate(
            panel,
            panel.first_day + timedelta(days=day),
            policies=policies,
            model=model,
            working=every_weekday_as_it_is,
            ancestors=ancestors,
        )
        for row, cell in enumerate(panel.cells):
            before = standing.pop(cell, None)
            if board.level[row] == Level.NONE and before is None:
                continue
            uid = UUID(int=day * 1000 + row)
            evaluation = board.evaluation(row, str)
            step = advance(before, evaluation, board.policy(row), uid)
            if step.warning is not None and step.warning.state is not State.RESOLVED:
                standing[cell] = step.warning
            if step.change is not None and step.warning is not None:
                changes.append((day, step.change, step.warning))
    return changes
