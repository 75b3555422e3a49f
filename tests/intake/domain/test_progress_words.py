"""The words and dates of the progress page."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heed_intake.domain.progress import (
    Stage,
    Step,
    routing_due_at,
    sealed_steps,
    shown_steps,
)
from heed_shared.clock import local_day

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))
def test_routing_is_owed_until_the_end_of_the_fifteenth_day(received_at: datetime) -> None:
    due_at = routing_due_at(received_at)
    assert local_day(due_at) == local_day(received_at) + timedelta(days=15)
    assert local_day(due_at + timedelta(seconds=1)) == local_day(received_at) + timedelta(days=16)


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_has_words_with_and_without_unit_and_date(stage: Stage) -> None:
    for unit in ("", "区水务局"):
        for due_at in (None, NOW):
            (_, shown) = shown_steps(NOW, NOW, [Step(stage, NOW, due_at, unit)])
            assert shown.text.endswith("。")
            assert "{" not in shown.text
            assert ("2026年3月2日" in shown.text) == (due_at is not None)


def test_a_sealed_page_shows_the_stage_alone() -> None:
    (step,) = sealed_steps(NOW, [])
    assert (step.stage, step.due_at, step.unit) == (Stage.REGISTERED, None, "")
