"""What the audit costs: RegisterPetition and GetCase with it and without, in alternating rounds.

Both servers run at once on one database with fsync on, each in a process of its own; the client
takes short turns, so that whatever else the machine does meets both alike. Compared are medians
over rounds: of the time of a call that is alone, of calls a second with 32 at a time, and of the
processor time that the service spends on a call.
`python -m tests.benchmarks.shared.audit_cost`
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from heed.disposal.v1 import disposal_service_pb2 as disposal
from heed.disposal.v1.disposal_service_pb2_grpc import DisposalServiceStub
from heed.intake.v1 import intake_service_pb2 as intake
from heed.intake.v1 import resources_pb2 as resources
from heed.intake.v1.intake_service_pb2_grpc import IntakeServiceStub

from heed_local.authority import Authority, make_authority
from heed_local.postgres import EmbeddedPostgres
from heed_shared.rpc.client import TlsFiles, open_channel_for
from tests.benchmarks.report import print_table, write_json
from tests.benchmarks.shared.serving import Place, Server, processes
from tests.database_templates import DatabaseTemplates
from tests.disposal.serving import open_request

ROUNDS: Final = 25
ROUND_S: Final = 0.3
AT_ONCE: Final = 32

Ask = Callable[[], Awaitable[Any]]


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="heed-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedPostgres(folder / "postgres") as cluster:
            templates = DatabaseTemplates(cluster, folder / "passwords.json")
            authority = make_authority(folder / "authority")
            found = {}
            for service, method in (("intake", "RegisterPetition"), ("disposal", "GetCase")):
                made = templates.copy(service)
                pair = [Server(service, authority, made, audited) for audited in (False, True)]
                with processes(pair) as places:
                    found[method] = asyncio.run(_compare(authority, service, places))
    _report(found)


async def _compare(authority: Authority, service: str, places: list[Place]) -> dict[str, Any]:
    tls = TlsFiles(authority.client_certificate, authority.client_key, authority.ca)
    role = "clerk" if service == "intake" else "officer"
    channels = [open_channel_for(tls, to.target, authority.demo_token(role)) for to in places]
    asks = [_registering(channel) for channel in channels]
    if service == "disposal":
        opened = await DisposalServiceStub(channels[0]).OpenCase(open_request())
        asks = [_reading(channel, opened.case.name) for channel in channels]
    alone: list[list[float]] = [[], []]
    rates: list[list[float]] = [[], []]
    spent: list[list[float]] = [[], []]
    for number in range(ROUNDS + 1):
        for side, ask in enumerate(asks):
            waited = await _alone(ask)
            before = places[side].processor_s()
            done, rate = await _together(ask)
            if number:  # the first round warms up
                alone[side].append(waited)
                rates[side].append(rate)
                spent[side].append((places[side].processor_s() - before) / done * 1000)
    for channel in channels:
        await channel.close()
    return {"alone_ms": alone, "per_second": rates, "processor_ms": spent}


def _registering(channel: Any) -> Ask:
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


def _reading(channel: Any, name: str) -> Ask:
    stub = DisposalServiceStub(channel)

    def ask() -> Awaitable[Any]:
        answer: Awaitable[Any] = stub.GetCase(disposal.GetCaseRequest(name=name))
        return answer

    return ask


async def _alone(ask: Ask) -> float:
    """Return the median time of a call that is alone, in milliseconds."""
    times = []
    ends_at = time.perf_counter() + ROUND_S / 2
    while time.perf_counter() < ends_at:
        began_at = time.perf_counter()
        await ask()
        times.append(time.perf_counter() - began_at)
    return statistics.median(times) * 1000


async def _together(ask: Ask) -> tuple[int, float]:
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


def _report(found: dict[str, dict[str, Any]]) -> None:
    rows = []
    for method, measured in found.items():
        for what, values in measured.items():
            without, with_audit = (statistics.median(side) for side in values)
            ratios = [b / a for a, b in zip(*values, strict=True)]
            low, _, high = statistics.quantiles(ratios, n=4)
            spread = f"{low:.2f}-{high:.2f}"
            rows.append((method, what, without, with_audit, statistics.median(ratios), spread))
    columns = ("method", "measure", "without", "with audit", "ratio", "half of the rounds")
    print_table("Cost of the audit", columns, rows)
    write_json("shared-audit-cost", found)


if __name__ == "__main__":
    main()
