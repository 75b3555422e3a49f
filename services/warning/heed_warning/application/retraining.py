"""Trains anew on a schedule and on drift; the better model is put to use, as after any training."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from heed_shared import logs, telemetry
from heed_shared.database import Database
from heed_shared.errors import InsufficientHistory
from heed_warning.application.log_names import WarningLog
from heed_warning.application.places import working_day
from heed_warning.application.ports import Forecasters, Models, Panels
from heed_warning.application.training import School
from heed_warning.domain.drift import has_drifted, recent_coverage
from heed_warning.domain.forecaster_record import ForecasterState

SOONEST_AFTER_DRIFT = timedelta(days=7)
"""A drift that a training did not cure is not answered by another one every day."""


@dataclass(frozen=True)
class Retrainer:
    """The daily look at the model in use."""

    database: Database
    panels: Panels
    forecasters: Forecasters
    models: Models
    school: School
    every: timedelta

    async def close(self, day: date) -> None:
        """Train when the latest training is too old, or the model in use has drifted.

        Run by one replica at a time, with no transaction open; the training itself is a process of
        its own. Too little history is no failure: the baseline answers until there is enough.
        """
        reason = await self._reason(day)
        if not reason:
            return
        try:
            panel = await self.school.lesson(day)
        except InsufficientHistory:
            return
        logs.info(WarningLog.RETRAINING, reason=reason, data_to=day)
        await self.school.train(panel, seed=0, max_seconds=0, report=_unreported)

    async def _reason(self, day: date) -> str:
        """Return why a training is due, empty when none is."""
        async with self.database.read() as connection:
            latest = await self.forecasters.list(connection, None, 1)
        if not latest:
            return "none"
        model = await self.models.current()
        if model is None and latest[0].state is ForecasterState.CURRENT:
            return "unreadable"  # made by other code: the baseline answers in its place
        # A training takes place by the system clock, whatever day it learns up to.
        age = datetime.now(UTC) - latest[0].trained_at
        if age >= self.every:
            return "schedule"
        if age < SOONEST_AFTER_DRIFT:
            return ""
        if model is None:
            return ""
        panel = await self.panels.latest(day)
        coverage = await asyncio.to_thread(recent_coverage, panel, day, model, working_day)
        if coverage is not None:
            telemetry.record("heed.warning.forecast_coverage", coverage)
        return "drift" if has_drifted(coverage) else ""


async def _unreported(_share: float) -> None:
    """Nobody waits for the progress of a training by the clock."""
