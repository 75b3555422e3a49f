"""RegisterPetition with everything on beside a handler with nothing in it.

The floor is grpc.aio over the same mutual TLS with one asyncpg INSERT per call: no identity, roles,
limits, validation, screening, masking, encryption, receipt number, query code, request record,
feed event, trace or audit. The same client calls both, in alternating rounds.
`python -m tests.benchmarks.intake.register_cost`
"""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import uvloop
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_local.authority import Authority, make_authority
from heed_local.postgres import EmbeddedPostgres
from heed_shared.rpc.client import TlsFiles, open_channel_for
from tests.benchmarks.report import print_table, write_json
from tests.benchmarks.shared.rounds import Measured, compare, ratio_rows, registering
from tests.benchmarks.shared.serving import Place, Server, processes
from tests.database_templates import DatabaseTemplates

_TABLE = "CREATE TABLE bare (uid uuid PRIMARY KEY, region_code text, request text, facts text)"
_INSERT = "INSERT INTO bare (uid, region_code, request, facts) VALUES ($1, $2, $3, $4)"
_CONNECTIONS = 10


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="heed-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedPostgres(folder / "postgres") as cluster:
            made = DatabaseTemplates(cluster, folder / "passwords.json").copy("intake")
            authority = make_authority(folder / "authority")
            server = Server("intake", authority, made, audited=True)
            with _bare(authority, made["admin_url"]) as floor, processes([server]) as places:
                found = asyncio.run(_compare(authority, [floor, *places]))
    columns = ("method", "measure", "bare", "RegisterPetition", "ratio", "half of the rounds")
    rows = ratio_rows("RegisterPetition", found)
    print_table("RegisterPetition with everything on over a bare handler", columns, rows)
    write_json("intake-register-cost", {"columns": columns, "rows": rows})


async def _compare(authority: Authority, places: list[Place]) -> Measured:
    tls = TlsFiles(authority.client_certificate, authority.client_key, authority.ca)
    token = authority.demo_token("clerk")
    channels = [open_channel_for(tls, place.target, token) for place in places]
    measured = await compare([registering(channel) for channel in channels], places)
    for channel in channels:
        await channel.close()
    return measured


@contextmanager
def _bare(authority: Authority, database_url: str) -> Iterator[Place]:
    """Serve the floor in a process of its own until the block ends."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    told = (str(authority.directory), database_url, theirs)
    process = context.Process(target=_serve, args=told, daemon=True)
    process.start()
    try:
        yield Place(f"127.0.0.1:{ours.recv()}", process.pid or 0)
    finally:
        process.kill()
        process.join()


def _serve(authority: str, database_url: str, parent: Connection) -> None:
    uvloop.run(_served(Path(authority), database_url, parent))


async def _served(authority: Path, database_url: str, parent: Connection) -> None:
    pool = await asyncpg.create_pool(database_url, min_size=_CONNECTIONS, max_size=_CONNECTIONS)
    await pool.execute(_TABLE)

    async def register(request: pb.RegisterPetitionRequest, _context: Any) -> Any:
        said = request.submission
        async with pool.acquire() as connection:
            values = (uuid.uuid4(), said.region_code, said.request, said.facts)
            await connection.execute(_INSERT, *values)
        return pb.RegisterPetitionResponse(petition=resources.Petition(name="petitions/bare"))

    server = grpc.aio.server()
    handlers = {
        "RegisterPetition": grpc.unary_unary_rpc_method_handler(
            register,
            pb.RegisterPetitionRequest.FromString,
            pb.RegisterPetitionResponse.SerializeToString,
        )
    }
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("heed.intake.v1.IntakeService", handlers),)
    )
    pair = ((authority / "intake.key").read_bytes(), (authority / "intake.pem").read_bytes())
    credentials = grpc.ssl_server_credentials(
        [pair], (authority / "ca.pem").read_bytes(), require_client_auth=True
    )
    parent.send(server.add_secure_port("127.0.0.1:0", credentials))
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    main()
