"""Intake and disposal in processes of their own, with audit and without, on one database each.

A server without audit exists only here: `serve` of a service always has one.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import uvloop

from heed_disposal.main import build
from heed_disposal.settings import DisposalSettings
from heed_intake.main import open_service
from heed_intake.settings import IntakeSettings
from heed_local.authority import Authority
from heed_shared.database import Database
from heed_shared.rpc.client import TlsFiles, open_channel_for
from heed_shared.rpc.server import Service, serve
from heed_shared.settings import load_settings
from tests.database_templates import MadeDatabase

_NOWHERE: Final = "127.0.0.1:1"
_FAST: Final = {"HEED_CALLS_PER_SECOND": "1000000", "HEED_SHUTDOWN_GRACE_S": "2"}


@dataclass(frozen=True)
class Server:
    """What a process needs to know to serve."""

    name: str
    authority: Authority
    made: MadeDatabase
    audited: bool

    def environment(self) -> dict[str, str]:
        """Return the settings of the service."""
        settings = self.authority.environment(self.name) | _FAST
        settings["HEED_DATABASE_URL"] = self.made["url"]
        if self.name == "intake":
            settings["HEED_SEALED_DATABASE_URL"] = self.made["sealed_url"]
        else:
            peers = ("INTAKE", "CLASSIFIER", "WARNING")
            settings |= {f"HEED_{peer}_TARGET": _NOWHERE for peer in peers}
        return settings


@dataclass(frozen=True)
class Place:
    """Where a process serves."""

    target: str
    pid: int

    def processor_s(self) -> float:
        """Return the processor time that the process has spent so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def processes(servers: list[Server]) -> Iterator[list[Place]]:
    """Serve in as many processes until the block ends; yields where."""
    context = multiprocessing.get_context("spawn")
    started, places = [], []
    try:
        for server in servers:
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(server, theirs), daemon=True)
            process.start()
            started.append((process, ours))
            places.append(Place(f"127.0.0.1:{ours.recv()}", process.pid or 0))
        yield places
    finally:
        for process, ours in started:
            ours.send("stop")
            process.join(10)
            if process.is_alive():
                process.kill()


def _serve(server: Server, parent: Connection) -> None:
    run = _intake if server.name == "intake" else _disposal
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_told(server, parent, run))


async def _until_told(
    server: Server,
    parent: Connection,
    run: Callable[[Server, Callable[[Service], Awaitable[None]]], Awaitable[None]],
) -> None:
    async def until_told(service: Service) -> None:
        if not server.audited:
            service.audit = None
        ready, stop = asyncio.Event(), asyncio.Event()
        asyncio.get_running_loop().add_reader(parent.fileno(), stop.set)
        serving = asyncio.create_task(serve(service, ready=ready, stop=stop))
        await ready.wait()
        parent.send(service.port)
        await serving

    await run(server, until_told)


async def _intake(server: Server, until_told: Callable[[Service], Awaitable[None]]) -> None:
    settings = load_settings(IntakeSettings, server.environment())
    async with open_service(settings) as service:
        await until_told(service)


async def _disposal(server: Server, until_told: Callable[[Service], Awaitable[None]]) -> None:
    settings = load_settings(DisposalSettings, server.environment())
    database = await Database.open(server.made["url"], server.made["schema"], settings.pool_size)
    folder = server.authority.directory
    tls = TlsFiles(folder / "disposal.pem", folder / "disposal.key", server.authority.ca)
    channels: dict[str, Any] = {
        peer: open_channel_for(tls, _NOWHERE) for peer in ("intake", "classifier", "warning")
    }
    await until_told(build(settings, database, channels))
    for channel in channels.values():
        await channel.close()
    await database.close()
