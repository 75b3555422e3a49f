"""What the audit costs: RegisterPetition and GetCase with it and without, in alternating rounds.

Both servers run at once on one database with fsync on, each in a process of its own; the client
takes short turns, so that whatever else the machine does meets both alike. Compared are medians
over rounds: of the time of a call that is alone, of calls a second with 32 at a time, and of the
processor time that the service spends on a call.
`python -m tests.benchmarks.shared.audit_cost`
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from heed.disposal.v1 import disposal_service_pb2 as disposal
from heed.disposal.v1.disposal_service_pb2_grpc import DisposalServiceStub

from heed_local.authority import Authority, make_authority
from heed_local.postgres import EmbeddedPostgres
from heed_shared.rpc.client import TlsFiles, open_channel_for
from tests.benchmarks.report import print_table, write_json
from tests.benchmarks.shared.rounds import Ask, Measured, compare, ratio_rows, registering
from tests.benchmarks.shared.serving import Place, Server, processes
from tests.database_templates import DatabaseTemplates
from tests.disposal.serving import open_request


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


async def _compare(authority: Authority, service: str, places: list[Place]) -> Measured:
    tls = TlsFiles(authority.client_certificate, authority.client_key, authority.ca)
    role = "clerk" if service == "intake" else "officer"
    channels = [open_channel_for(tls, to.target, authority.demo_token(role)) for to in places]
    asks = [registering(channel) for channel in channels]
    if service == "disposal":
        opened = await DisposalServiceStub(channels[0]).OpenCase(open_request())
        asks = [_reading(channel, opened.case.name) for channel in channels]
    measured = await compare(asks, places)
    for channel in channels:
        await channel.close()
    return measured


def _reading(channel: Any, name: str) -> Ask:
    stub = DisposalServiceStub(channel)

    def ask() -> Awaitable[Any]:
        answer: Awaitable[Any] = stub.GetCase(disposal.GetCaseRequest(name=name))
        return answer

    return ask


def _report(found: dict[str, Measured]) -> None:
    rows = [row for method, measured in found.items() for row in ratio_rows(method, measured)]
    columns = ("method", "measure", "without", "with audit", "ratio", "half of the rounds")
    print_table("Cost of the audit", columns, rows)
    write_json("shared-audit-cost", found)


if __name__ == "__main__":
    main()
