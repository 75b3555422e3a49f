"""Trains the network on the history there is, and puts it into use where it is better."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from heed_shared import telemetry
from heed_shared.clock import Clock
from heed_shared.database import Database, Transaction
from heed_shared.errors import InsufficientHistory, NotFound, WrongState
from heed_shared.identity import Caller
from heed_shared.ids import new_uid, require_etag
from heed_warning.application.evaluation import closed_day
from heed_warning.application.ports import Forecasters, Panels, Trainer
from heed_warning.domain.forecaster_record import (
    DAYS_FOR_TRAINING,
    ForecasterRecord,
    ForecasterState,
    better,
)
from heed_warning.domain.life import Staff
from heed_warning.domain.panel import Panel

DEFAULT_SECONDS = 60


@dataclass(frozen=True)
class School:
    """The use cases TrainForecaster and PromoteForecaster."""

    database: Database
    clock: Clock
    panels: Panels
    forecasters: Forecasters
    trainer: Trainer

    async def lesson(self, data_to: date | None) -> Panel:
        """Return what there is to train on, up to a closed day, yesterday by default.

        Raises:
            InvalidField: The day is not closed.
            InsufficientHistory: There are too few days.
        """
        panel = (await self.panels.latest(closed_day(data_to, self.clock))).after_silence()
        if panel.day_count < DAYS_FOR_TRAINING:
            raise InsufficientHistory(panel.day_count, DAYS_FOR_TRAINING)
        return panel

    async def train(
        self,
        panel: Panel,
        *,
        seed: int,
        max_seconds: int,
        report: Callable[[float], Awaitable[None]],
    ) -> ForecasterRecord:
        """Train in a process of its own and store the result, in use if it is better."""
        with telemetry.span("warning.train"):
            async with self.database.read() as connection:
                current = await self.forecasters.in_use(connection)
            result = await self.trainer.train(
                panel,
                seed=seed or 1,
                max_seconds=float(max_seconds or DEFAULT_SECONDS),
                current=current,
                report=report,
            )
        trained_at = datetime.now(UTC)
        record = ForecasterRecord(
            uid=new_uid(trained_at),
            state=ForecasterState.CANDIDATE,
            kind=result.kind,
            data_from=panel.first_day,
            data_to=panel.first_day + timedelta(days=panel.day_count - 1),
            seed=seed or 1,
            code_version=result.code_version,
            validation_loss=result.validation_loss,
            baseline_loss=result.baseline_loss,
            coverage_90=result.coverage_90,
            cell_count=len(panel.cells),
            trained_at=trained_at,
            losses=result.losses,
        )
        if better(record, beats_current=result.beats_current):
            record = replace(record, state=ForecasterState.CURRENT, promoted_at=trained_at)
        async with self.database.transaction() as tx:
            await self.forecasters.add(tx, record, result.weights)
            await tx.commit()
        telemetry.record("heed.warning.forecast_coverage", record.coverage_90)
        return record

    async def promote(
        self, tx: Transaction, caller: Caller, name: str, etag: str, reason: str
    ) -> ForecasterRecord:
        """Put a stored forecaster to use. Does not commit.

        Raises:
            NotFound: There is no such forecaster.
            StaleEtag: It has changed since the caller saw it.
            WrongState: It is in use already.
        """
        try:
            uid = UUID(name.removeprefix("forecasters/"))
        except ValueError:
            raise NotFound(name) from None
        stored = await self.forecasters.lock(tx, uid)
        if stored is None:
            raise NotFound(name)
        require_etag(etag, stored.version, name)
        if stored.state is ForecasterState.CURRENT:
            raise WrongState("STATE_CURRENT", ["STATE_CANDIDATE", "STATE_RETIRED"], name)
        used = replace(
            stored,
            state=ForecasterState.CURRENT,
            promoted_at=datetime.now(UTC),
            promoted_by=Staff(caller.identity, caller.display_name, caller.unit),
            version=stored.version + 1,
        )
        await self.forecasters.promote(tx, used, reason)
        return used
