"""Evaluates every cell as of a closed day and moves warnings by one step.

Everything that takes time happens before the one short transaction: reading counts, the models, the
judgement. The transaction claims the day, so that a second evaluation of it, by whomever, changes
nothing; then it locks the standing warnings and moves them.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from heed_shared import telemetry
from heed_shared.clock import Clock, local_day
from heed_shared.database import Database, Transaction
from heed_shared.errors import InvalidField
from heed_shared.ids import new_uid
from heed_warning.application.places import Places, working_day
from heed_warning.application.ports import (
    Kept,
    Models,
    Panels,
    Policies,
    RegionCount,
    Run,
    Skips,
    Warnings,
)
from heed_warning.application.settlement import Settlement
from heed_warning.domain.board import Board, evaluate
from heed_warning.domain.evaluator import Outcome
from heed_warning.domain.evidence import Evidence
from heed_warning.domain.indicator_levels import IndicatorBoard, grade
from heed_warning.domain.indicator_readings import read_indicators
from heed_warning.domain.indicators import IndicatorDefinition, valid_definitions
from heed_warning.domain.life import CellWarning, Change, Step, advance
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import Level


@dataclass(frozen=True)
class Evaluated:
    """What an evaluation did."""

    run: Run
    changed: Sequence[Kept]


@dataclass(frozen=True)
class _Moves:
    """What is to be written."""

    saved: list[CellWarning]
    forgotten: list[CellWarning]
    announced: list[tuple[CellWarning, Change]]


@dataclass(frozen=True)
class Evaluator:
    """The use case Evaluate."""

    database: Database
    clock: Clock
    places: Places
    panels: Panels
    policies: Policies
    warnings: Warnings
    settlement: Settlement
    models: Models
    skips: Skips
    indicators: Sequence[IndicatorDefinition]

    async def evaluate(self, as_of: date | None) -> Evaluated:
        """Evaluate as of a closed day, yesterday by default.

        Raises:
            InvalidField: The day is not closed, or lies before the latest evaluation.
        """
        started = time.monotonic()
        day = closed_day(as_of, self.clock)
        async with self.database.read() as connection:
            latest = await self.warnings.latest_run(connection)
            policies = await self.policies.all(connection)
            skips = await self.skips.until(connection, day)
        if latest and day < latest.as_of:
            raise InvalidField("as_of", f"lies before the latest evaluation, {latest.as_of}")
        if latest and day == latest.as_of:
            return await self._again(latest)
        model = await self.models.current()
        panel, evidence = await self.panels.evidence(day)
        definitions = valid_definitions(self.indicators, day)
        with telemetry.span("warning.evaluate"):
            # Side by side: numpy lets one thread run while the other does.
            indicators, board = await asyncio.gather(
                asyncio.to_thread(_graded, definitions, evidence),
                asyncio.to_thread(
                    evaluate,
                    panel,
                    day,
                    policies=policies,
                    model=model,
                    working=working_day,
                    ancestors=self.places.still_above,
                    skips=skips,
                    parents=evidence.parents,
                ),
            )
            run = await self._move(replace(board, indicators=indicators))
        telemetry.record("heed.warning.evaluation_duration", time.monotonic() - started)
        telemetry.record("heed.warning.evaluated_cells", run.cell_count)
        return await self._again(run)

    async def close(self, day: date) -> None:
        """Evaluate a day that has just closed, unless it or a later one was evaluated by hand."""
        async with self.database.read() as connection:
            latest = await self.warnings.latest_run(connection)
        if latest is None or latest.as_of < day:
            await self.evaluate(day)

    async def _again(self, run: Run) -> Evaluated:
        """Answer from what is stored."""
        async with self.database.read() as connection:
            kept = await self.warnings.get_all(connection, run.changed) if run.changed else []
        return Evaluated(run, kept)

    async def _move(self, board: Board) -> Run:
        now = self.clock.now()
        run = _run_of(board)
        async with self.database.transaction() as tx:
            if not await self.warnings.begin_run(tx, run, now):
                return await self._made_already(tx, run)
            standing = await self.warnings.standing(tx)
            moves = self._decide(board, standing, now)
            changed = tuple(warning.uid for warning, _ in moves.announced)
            await self._write(tx, moves, standing, now)
            await self.warnings.finish_run(tx, board.as_of, changed)
            await tx.commit()
        return replace(run, changed=changed)

    async def _made_already(self, tx: Transaction, run: Run) -> Run:
        """Return the run of another process for the same day."""
        stored = await self.warnings.latest_run(tx.connection)
        if stored is None or stored.as_of != run.as_of:
            raise InvalidField("as_of", "a later day was evaluated meanwhile")
        return stored

    def _decide(self, board: Board, standing: dict[Cell, CellWarning], now: datetime) -> _Moves:
        moves = _Moves([], [], [])
        for row in _rows_to_move(board, standing):
            before = standing.get(board.panel.cells[row])
            evaluation = board.evaluation(row, self.places.region_title)
            step = advance(before, evaluation, board.policy(row), new_uid(now))
            _note(moves, before, step)
        return moves

    async def _write(
        self, tx: Transaction, moves: _Moves, standing: dict[Cell, CellWarning], now: datetime
    ) -> None:
        await self.warnings.forget(tx, moves.forgotten)
        gone = {warning.uid for warning in moves.forgotten}
        await self.settlement.keep_all(
            tx,
            [warning for warning in standing.values() if warning.uid not in gone],
            moves.saved,
            {warning.name: change for warning, change in moves.announced},
            now=now,
        )
        raised = [warning for warning, change in moves.announced if change is Change.RAISED]
        await self.warnings.end_rest(tx, raised)


def _graded(definitions: Sequence[IndicatorDefinition], evidence: Evidence) -> IndicatorBoard:
    """Judge every cell by its indicators."""
    return grade(read_indicators(definitions, evidence, evidence.every_row()), evidence)


def closed_day(asked: date | None, clock: Clock) -> date:
    """Return the day asked for, yesterday by default.

    Raises:
        InvalidField: The day is not closed yet.
    """
    yesterday = local_day(clock.now()) - timedelta(days=1)
    if asked and asked > yesterday:
        raise InvalidField("as_of", f"is not closed; the last closed day is {yesterday}")
    return asked or yesterday


def _run_of(board: Board) -> Run:
    short = board.outcome == Outcome.INSUFFICIENT_HISTORY
    regions = [cell.region for cell in board.panel.cells]
    cells = Counter(regions)
    shorts = Counter(region for region, is_short in zip(regions, short, strict=True) if is_short)
    return Run(
        as_of=board.as_of,
        cell_count=len(regions),
        insufficient_history_count=int(short.sum()),
        forecaster=board.forecaster,
        changed=(),
        regions=tuple(RegionCount(name, cells[name], shorts[name]) for name in sorted(cells)),
    )


def _rows_to_move(board: Board, standing: dict[Cell, CellWarning]) -> Iterator[int]:
    """Yield the cells that exceed or have a warning already; all others stay as they are."""
    for row in range(len(board.panel.cells)):
        if board.highest(row) > Level.NONE or board.panel.cells[row] in standing:
            yield row


def _note(moves: _Moves, before: CellWarning | None, step: Step) -> None:
    if step.ended is not None:
        ended = replace(step.ended, version=step.ended.version + 1)
        moves.saved.append(ended)
        moves.announced.append((ended, Change.RESOLVED))
    if step.warning is None:
        if before is not None:
            moves.forgotten.append(before)
        return
    if step.warning == before:
        return
    after = replace(step.warning, version=step.warning.version + 1)
    moves.saved.append(after)
    if step.change is not None:
        moves.announced.append((after, step.change))
