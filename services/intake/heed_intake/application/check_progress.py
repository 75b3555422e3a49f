"""Tells a petitioner how it goes on, by receipt number and query code, without an account.

An unknown number and a wrong code get the same answer after the same work. Wrong codes are
throttled for each caller and number; the right code passes at any time, so nobody can lock its
holder out.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from heed_intake.application.ports import ProgressReader, ReceiptRecord
from heed_intake.domain.petition import Lane
from heed_intake.domain.progress import ShownStep, sealed_steps, shown_steps
from heed_intake.domain.receipts import normal_receipt_number
from heed_shared import audit, telemetry
from heed_shared.errors import RateLimited, ReceiptNotFound
from heed_shared.identity import Caller
from heed_shared.ids import petition_name

WRONG_CODES = 5
"""Wrong codes for one number that are answered before the next ones have to wait."""
WINDOW_S = 60.0
_REMEMBERED = 10_000


class WrongCodes:
    """Counts wrong codes for each caller and number in the last minute, of this process.

    What it keeps is bounded: the entries that were not touched for longest go first.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._counts: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def note(self, caller: str, number: str) -> float:
        """Count one more; returns the seconds to wait, or 0 while there were few."""
        now = self._monotonic()
        began_at, count = self._counts.pop((caller, number), (now, 0))
        if now - began_at >= WINDOW_S:
            began_at, count = now, 0
        self._counts[caller, number] = (began_at, count + 1)
        if len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)
        return WINDOW_S - (now - began_at) if count >= WRONG_CODES else 0.0

    def forget(self, caller: str, number: str) -> None:
        """Start anew after the right code."""
        self._counts.pop((caller, number), None)


@dataclass(frozen=True)
class Progress:
    """The page of one petition."""

    receipt_number: str
    received_at: datetime
    steps: Sequence[ShownStep]


async def open_receipt(
    receipt_number: str,
    query_code: str,
    caller: Caller,
    reader: ProgressReader,
    wrong_codes: WrongCodes,
) -> tuple[str, ReceiptRecord]:
    """Return the number as it is stored, and what stands behind it.

    Raises:
        ReceiptNotFound: number or code is wrong.
        RateLimited: the same, after too many wrong codes for this number.
    """
    number = normal_receipt_number(receipt_number)
    record = await reader.receipt(number)
    if not reader.code_matches(record, query_code) or record is None:
        wait_s = wrong_codes.note(caller.identity, number)
        telemetry.record("heed.intake.queries", 1, outcome="throttled" if wait_s else "wrong")
        raise RateLimited(wait_s) if wait_s else ReceiptNotFound
    wrong_codes.forget(caller.identity, number)
    audit.note(resource=petition_name(record.region_code, record.uid))
    return number, record


async def check_progress(
    receipt_number: str,
    query_code: str,
    caller: Caller,
    reader: ProgressReader,
    wrong_codes: WrongCodes,
) -> Progress:
    """Return the page.

    Raises:
        ReceiptNotFound: number or code is wrong.
        RateLimited: the same, after too many wrong codes for this number.
    """
    number, record = await open_receipt(receipt_number, query_code, caller, reader, wrong_codes)
    telemetry.record("heed.intake.queries", 1, outcome="shown")
    steps = await reader.steps(record.lane, record.uid)
    if record.lane is Lane.SEALED:
        return Progress(number, record.received_at, sealed_steps(record.registered_at, steps))
    shown = shown_steps(record.received_at, record.registered_at, steps)
    return Progress(number, record.received_at, shown)
