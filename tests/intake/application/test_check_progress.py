"""check_progress and its counting of wrong codes, with fakes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from heed_intake.application.check_progress import (
    WINDOW_S,
    WRONG_CODES,
    WrongCodes,
    check_progress,
)
from heed_intake.application.ports import ReceiptRecord
from heed_intake.domain.petition import Lane
from heed_intake.domain.progress import Stage, Step
from heed_shared.errors import ReceiptNotFound
from heed_shared.identity import Caller

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
NUMBER = "110105-2026-000001"
PORTAL = Caller("agency/portal", "", "", frozenset({8}), "")


@dataclass
class FakeProgress:
    """One petition, and a note of what was asked."""

    lane: Lane = Lane.ORDINARY
    asked: list[str] = field(default_factory=list)

    async def receipt(self, number: str) -> ReceiptRecord | None:
        self.asked.append("receipt")
        if number != NUMBER:
            return None
        return ReceiptRecord(self.lane, "110105", uuid4(), b"", NOW, NOW)

    async def steps(self, lane: Lane, uid: object) -> Sequence[Step]:
        self.asked.append("steps")
        return [Step(Stage.ROUTED, NOW, NOW, "区水务局")]

    def code_matches(self, record: ReceiptRecord | None, query_code: str) -> bool:
        self.asked.append("compare")
        return record is not None and query_code == "RIGHT"


@dataclass
class Watch:
    """A monotonic clock that is moved by hand."""

    at: float = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.mark.parametrize(("number", "code"), [(NUMBER, "WRONG"), ("110105-2026-000002", "RIGHT")])
async def test_the_work_is_the_same_whatever_is_wrong(number: str, code: str) -> None:
    reader = FakeProgress()
    with pytest.raises(ReceiptNotFound):
        await check_progress(number, code, PORTAL, reader, WrongCodes(Watch()))
    assert reader.asked == ["receipt", "compare"]


@pytest.mark.parametrize("lane", Lane)
async def test_the_page_of_a_sealed_petition_names_no_unit_and_no_due_date(lane: Lane) -> None:
    reader = FakeProgress(lane)
    progress = await check_progress(NUMBER, "RIGHT", PORTAL, reader, WrongCodes(Watch()))
    assert [step.stage for step in progress.steps] == [Stage.REGISTERED, Stage.ROUTED]
    shown = lane is Lane.ORDINARY
    assert [bool(step.due_at) for step in progress.steps] == [shown, shown]
    assert progress.steps[1].unit == ("区水务局" if shown else "")


def test_waiting_ends_with_the_window() -> None:
    watch = Watch()
    wrong_codes = WrongCodes(watch)
    waits = [wrong_codes.note("portal", NUMBER) for _ in range(WRONG_CODES + 1)]
    assert waits == [0.0] * WRONG_CODES + [WINDOW_S]
    watch.at = WINDOW_S - 1
    assert wrong_codes.note("portal", NUMBER) == pytest.approx(1.0)
    watch.at = WINDOW_S
    assert wrong_codes.note("portal", NUMBER) == 0.0


def test_the_right_code_starts_the_count_anew() -> None:
    wrong_codes = WrongCodes(Watch())
    for _ in range(WRONG_CODES):
        wrong_codes.note("portal", NUMBER)
    wrong_codes.forget("portal", NUMBER)
    assert wrong_codes.note("portal", NUMBER) == 0.0


def test_what_is_remembered_is_bounded() -> None:
    wrong_codes = WrongCodes(Watch())
    for index in range(10_500):
        wrong_codes.note("portal", str(index))
    assert len(wrong_codes._counts) == 10_000
