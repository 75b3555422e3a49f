"""When a forecaster is trained anew: on a schedule, on drift, and never every day."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import numpy as np
import pytest

from heed_shared.errors import InsufficientHistory
from heed_shared.settings import SettingsError
from heed_warning.application.retraining import Retrainer
from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.drift import DRIFT_DAYS, has_drifted, inside, recent_coverage
from heed_warning.domain.forecaster_record import ForecasterRecord, ForecasterState
from heed_warning.domain.history import History, Prediction
from heed_warning.domain.intervals import nominal
from heed_warning.domain.panel import Cell, Panel
from tests.warning.simulation import every_weekday_as_it_is, panel_of

DAY = date(2025, 6, 2)


@dataclass(frozen=True)
class Knowing:
    """Knows the law of the counts, but for a factor by which it is wrong."""

    level: float
    factor: float = 1.0
    name: str = "forecasters/x"

    def predict(self, history: History, horizon: int) -> Prediction:
        count = len(history.panel.cells)
        mean = np.full((count, horizon), self.level * self.factor)
        forecast = Forecast(mean, np.full(mean.shape, 0.2), np.zeros(count))
        return Prediction(forecast, np.ones(count, bool), [(("x", 1.0),)] * count, nominal(count))


def panel(level: float, cells: int = 60) -> Panel:
    rng = np.random.default_rng(3)
    return panel_of(
        {
            Cell(f"9A01{number:02}", "01"): nb.draw(rng, np.full(90, level), 0.2).astype(float)
            for number in range(1, cells + 1)
        }
    )


@pytest.mark.parametrize("level", [0.05, 0.7, 6.0, 200.0])
def test_a_true_model_covers_ninety_percent_at_any_level_of_counts(level: float) -> None:
    known = panel(level)
    found = recent_coverage(known, known.last_day, Knowing(level), every_weekday_as_it_is)
    assert found == pytest.approx(0.9, abs=0.025)
    assert not has_drifted(found)


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_a_model_that_the_world_has_left_has_drifted(factor: float) -> None:
    known = panel(6.0)
    found = recent_coverage(known, known.last_day, Knowing(6.0, factor), every_weekday_as_it_is)
    assert has_drifted(found)


def test_too_few_days_of_cells_say_nothing() -> None:
    known = panel(6.0, cells=500 // DRIFT_DAYS)
    assert recent_coverage(known, known.last_day, Knowing(6.0), every_weekday_as_it_is) is None
    assert not has_drifted(None)


def test_a_count_lies_inside_as_far_as_its_step_does() -> None:
    rare = inside(np.array([0.0]), np.array([1e-6]), np.array([0.2]))
    assert rare[0] == pytest.approx(0.9, abs=1e-3)
    assert inside(np.array([500.0]), np.array([5.0]), np.array([0.01]))[0] == 0


@dataclass
class School:
    """Notes what was trained."""

    short: bool = False
    trained: list[int] = field(default_factory=list)

    async def lesson(self, _day: date) -> str:
        if self.short:
            raise InsufficientHistory(3, 112)
        return "panel"

    async def train(self, _panel: Any, *, seed: int, **_: Any) -> None:
        self.trained.append(seed)


def record(days_ago: float, state: ForecasterState = ForecasterState.CURRENT) -> ForecasterRecord:
    return ForecasterRecord(
        UUID(int=1), state, "lstm", DAY, DAY, 1, "", 1.0, 2.0, 0.9, 60,
        datetime.now(UTC) - timedelta(days=days_ago),
    )  # fmt: skip


def retrainer(school: School, records: Sequence[ForecasterRecord], model: Any) -> Retrainer:
    async def listed(*_: Any) -> Sequence[ForecasterRecord]:
        return records

    async def current() -> Any:
        return model

    async def latest(_day: date) -> Panel:
        return panel(6.0)

    class Store:
        def read(self) -> Any:
            return nullcontext()

    return Retrainer(
        database=cast("Any", Store()),
        panels=cast("Any", SimpleNamespace(latest=latest)),
        forecasters=cast("Any", SimpleNamespace(list=listed)),
        models=cast("Any", SimpleNamespace(current=current)),
        school=cast("Any", school),
        every=timedelta(days=28),
    )


@pytest.mark.parametrize(
    ("days_ago", "factor", "trains"),
    [
        (None, 1.0, True),
        (28.1, 1.0, True),
        (27.9, 1.0, False),
        (8.0, 3.0, True),
        # The last training did not cure it: not again before a week is over.
        (6.9, 3.0, False),
        (8.0, 1.0, False),
    ],
)
async def test_it_trains_on_schedule_and_on_drift(
    days_ago: float | None, factor: float, trains: bool
) -> None:
    school = School()
    records = [] if days_ago is None else [record(days_ago)]
    last = panel(6.0).last_day
    await retrainer(school, records, Knowing(6.0, factor)).close(last)
    assert bool(school.trained) == trains


async def test_too_little_history_is_no_failure_and_no_model_is_no_drift() -> None:
    school = School(short=True)
    await retrainer(school, [], None).close(DAY)
    assert not school.trained
    fresh = School()
    await retrainer(fresh, [record(8, ForecasterState.CANDIDATE)], None).close(DAY)
    assert not fresh.trained


async def test_a_model_of_other_code_is_replaced_at_once() -> None:
    school = School()
    await retrainer(school, [record(1)], None).close(DAY)
    assert school.trained


def test_a_period_below_a_day_is_refused_at_start(settings_for: Any, database: Any) -> None:
    with pytest.raises(SettingsError, match="HEED_RETRAIN_DAYS"):
        settings_for(database, HEED_RETRAIN_DAYS="0")
