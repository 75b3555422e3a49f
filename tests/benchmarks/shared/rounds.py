"""Two servers side by side under the same calls, in alternating rounds.

The client takes short turns, so that whatever else the machine does meets both alike. Compared are
medians over rounds: of the time of a call that is alone, of calls a second with 32 at a time, and
of the processor time that the server spends on a call.
"""

from __future__ import annotations

import asyncio
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from heed.intake.v1 import intake_service_pb2 as intake
from heed.intake.v1 import resources_pb2 as resources
from heed.intake.v1.intake_service_pb2_grpc import IntakeServiceStub

from tests.benchmarks.shared.serving import Place

ROUNDS: Final = 25
ROUND_S: Final = 0.3
AT_ONCE: Final = 32

Ask = Callable[[], Awaitable[Any]]
Measured = dict[str, list[list[float]]]


async def compare(asks: Sequence[Ask], places: Sequence[Place]) -> Measured:
    """Return what the rounds measured, for each of the two sides."""
    alone: list[list[float]] = [[], []]
    rates: list[list[float]] = [[], []]
    spent: list[list[float]] = [[], []]
    for number in range(ROUNDS + 1):
        for side, ask in enumerate(asks):
            waited = await alone_once(ask)
            before = places[side].processor_s()
            done, rate = await together(ask)
            if number:  # the first round warms up
                alone[side].append(waited)
                rates[side].append(rate)
                spent[side].append((places[side].processor_s() - before) / done * 1000)
    return {"alone_ms": alone, "per_second": rates, "processor_ms": spent}


def ratio_rows(label: str, measured: Measured) -> list[tuple[object, ...]]:
    """Return a row for each measure: both medians, their ratio, and half of the rounds' ratios."""
    rows: list[tuple[object, ...]] = []
    for what, values in measured.items():
        first, second = (statistics.median(side) for side in values)
        ratios = [b / a for a, b in zip(*values, strict=True)]
        low, _, high = statistics.quantiles(ratios, n=4)
        spread = f"{low:.2f}-{high:.2f}"
        rows.append((label, what, first, second, statistics.median(ratios), spread))
    return rows


def registering(channel: Any) -> Ask:
    """Return a call that registers a petition without rare fields, each time another."""
    stub = IntakeServiceStub(channel)
    submission = resources.PetitionSubmission(
        region_code="110105",
        channel=5,  # type: ignore[arg-type]
        request="请求尽快恢复供水。",
        facts="我们小区已经停水三天,物业没有说明原因。",
    )

    def ask() -> Awaitable[Any]:
        request = intake.RegisterPetitionRequest(
            request_id=str(uuid.uuid4()), submission=submission
        )
        answer: Awaitable[Any] = stub.RegisterPetition(request)
        return answer

    return ask


async def alone_once(ask: Ask) -> float:
    """Return the median time of a call that is alone, in milliseconds."""
    times = []
    ends_at = time.perf_counter() + ROUND_S / 2
    while time.perf_counter() < ends_at:
        began_at = time.perf_counter()
        await ask()
        times.append(time.perf_counter() - began_at)
    return statistics.median(times) * 1000


async def together(ask: Ask) -> tuple[int, float]:
    """Return how many calls are answered with several at a time, in all and a second."""
    done = 0
    ends_at = time.perf_counter() + ROUND_S

    async def one() -> None:
        nonlocal done
        while time.perf_counter() < ends_at:
            await ask()
            done += 1

    began_at = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    return done, done / (time.perf_counter() - began_at)
