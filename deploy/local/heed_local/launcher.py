"""Starts the whole suite on this machine and stops it again.

    async with Suite(run_dir) as suite:
        stub = IntakeServiceStub(suite.channel("intake", "clerk"))

Postgres (unless another one is named), certificates, roles, schemas and the four services are made
or started in the order they need; a second start on the same run directory finds everything there.
Services get their settings by environment variables only, as anywhere else. Whatever is started
here dies with this process. Start a suite from the main thread.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import grpc

from heed_local.authority import SERVICES, Authority, make_authority
from heed_local.collector import Collector, render
from heed_local.postgres import EmbeddedPostgres
from heed_local.run_state import RunState
from heed_local.service_databases import ServiceDatabases
from heed_local.service_process import ServiceError, ServiceProcess
from heed_shared.rpc.client import TlsFiles, open_channel_for

__all__ = ["SERVICES", "ServiceError", "Suite"]

DATABASE: Final = "heed"
_HOST: Final = "127.0.0.1"
_WITH_STARTER_MODEL: Final = ("classifier",)
_OWN_DATABASE: Final = ("HEED_DATABASE_URL", "HEED_MIGRATION_URL")
_WATCH_EVERY_S: Final = 0.5
# One thread for each service and library: four processes share the cores already.
_SINGLE_THREADED: Final = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class Suite:
    """The four services with everything they need; an async context manager."""

    def __init__(
        self,
        run_dir: Path | None = None,
        *,
        clock: Literal["system", "replay"] = "system",
        replay_start: datetime | None = None,
        regions: Path | None = None,
        environment: Mapping[str, str] | None = None,
        database_url: str | None = None,
        collect_spans: bool = False,
        fsync: bool = True,
    ) -> None:
        """Describe a suite; nothing is started yet.

        Args:
            run_dir: Keeps data, certificates, secrets and logs. None: a temporary one, removed at
                the end.
            clock: Business clock of all services; `replay` needs `replay_start`.
            replay_start: Where a replay clock starts.
            regions: A region table of the user's own.
            environment: Further settings for all services; they win over what is made here.
            database_url: Superuser's DSN of another Postgres to use instead of the embedded one;
                default is HEED_DATABASE_URL. Roles and schemas are made in the database it names.
            collect_spans: Receive the services' spans here, for `trace_tree`.
            fsync: False only where the data may be lost with the machine.
        """
        self._temporary = run_dir is None
        self.run_dir = (run_dir or Path(tempfile.gettempdir())).resolve()
        self._settings = _clock_settings(clock, replay_start)
        if regions is not None:
            self._settings["HEED_REGIONS"] = str(regions.resolve())
        self._extra = dict(environment or {})
        self._database_url = database_url or os.environ.get("HEED_DATABASE_URL")
        self._fsync = fsync
        self.collector = Collector() if collect_spans else None
        self.targets: dict[str, str] = {}
        self._services: dict[str, ServiceProcess] = {}
        self._channels: dict[tuple[str, str], grpc.aio.Channel] = {}
        self._authority: Authority | None = None
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def authority(self) -> Authority:
        """Certificates and tokens of the started suite."""
        if self._authority is None:
            raise RuntimeError("the suite is not started")
        return self._authority

    async def start(self) -> None:
        """Start everything and return when all four services serve.

        Raises:
            ServiceError: a service failed; the message has the end of its log.
            PostgresError: the embedded server could not be started.
        """
        try:
            self._make_run_dir()
            self._authority = make_authority(self.run_dir / "authority")
            databases = await ServiceDatabases.provisioned(
                await self._admin_url(), self.run_dir / "passwords.json"
            )
            endpoint = await self._start_collector()
            self._plan(databases, endpoint)
            self._opened.push_async_callback(self._stop_services)
            # All schemas first, then all servers: a consumer that finds no peer backs off.
            for step in (_prepare, ServiceProcess.serve):
                async with asyncio.TaskGroup() as group:
                    for service in self._services.values():
                        group.create_task(step(service))
            RunState(os.getpid(), self.targets).write(self.run_dir)
            self._opened.callback(RunState.remove, self.run_dir)
        except BaseException as error:
            await self.stop()
            raise _first(error) from None

    async def stop(self) -> None:
        """Stop services in reverse order, then what they need; safe to call twice."""
        await self._opened.aclose()

    def channel(self, service: str, identity: str) -> grpc.aio.Channel:
        """Return a channel to a service as one of the demo identities, such as "clerk".

        Channels are kept and closed when the suite stops.
        """
        key = (service, identity)
        if key not in self._channels:
            authority = self.authority
            tls = TlsFiles(
                cert=authority.client_certificate, key=authority.client_key, ca=authority.ca
            )
            token = authority.demo_token(identity)
            self._channels[key] = open_channel_for(tls, self.targets[service], token)
        return self._channels[key]

    async def trace_tree(self, trace_id: str) -> str:
        """Wait for the last spans of a trace and show it; needs `collect_spans`."""
        if self.collector is None:
            raise RuntimeError("the suite was started without collect_spans")
        return render(await self.collector.settled(trace_id))

    async def start_service(self, name: str) -> None:
        """Serve again after `stop_service`, on the same port.

        Returns when the kept channels to it are connected again: one that tried while the service
        was down waits up to five seconds before the next try, and refuses every call till then.
        """
        await self._services[name].serve()
        for (service, _), channel in self._channels.items():
            if service == name:
                await channel.channel_ready()

    async def stop_service(self, name: str, *, kill: bool = False) -> int:
        """Stop one service, gracefully or by kill -9; return its exit code."""
        service = self._services[name]
        if kill:
            service.kill()
        else:
            service.terminate()
        return await service.ended()

    def service_pid(self, name: str) -> int:
        """Process number of a serving service."""
        pid = self._services[name].pid
        if pid is None:
            raise RuntimeError(f"{name} is not serving")
        return pid

    async def watch(self) -> None:
        """Run until a service ends by itself.

        Raises:
            ServiceError: which one, with the end of its log.
        """
        while True:
            for service in self._services.values():
                code = service.exit_code()
                if code is not None:
                    raise ServiceError(
                        f"{service.name} ended with exit code {code}; last lines of "
                        f"{service.log_file}:\n{service.last_log_lines()}"
                    )
            await asyncio.sleep(_WATCH_EVERY_S)

    def _make_run_dir(self) -> None:
        if self._temporary:
            self.run_dir = Path(tempfile.mkdtemp(prefix="heed-"))
            self.run_dir.chmod(0o711)  # The server's account must pass; it can list nothing.
            self._opened.callback(shutil.rmtree, self.run_dir, ignore_errors=True)
        (self.run_dir / "logs").mkdir(parents=True, exist_ok=True)

    async def _admin_url(self) -> str:
        """Return the superuser's DSN of the database that the schemas live in."""
        if self._database_url:
            return self._database_url
        with ExitStack() as undo:
            postgres = EmbeddedPostgres(self.run_dir / "postgres", fsync=self._fsync)
            undo.callback(postgres.stop)
            cluster = postgres.start()
            await ServiceDatabases.make_database(cluster.admin_url, DATABASE)
            self._opened.callback(undo.pop_all().close)
        return cluster.url(DATABASE)

    async def _start_collector(self) -> str:
        if self.collector is None:
            return os.environ.get("HEED_OTLP_ENDPOINT", "")
        self._opened.push_async_callback(self.collector.stop)
        return await self.collector.start()

    def _plan(self, databases: ServiceDatabases, otlp_endpoint: str) -> None:
        """Choose ports and write down every service's environment."""
        ports = _free_ports(len(SERVICES))
        self.targets = {name: f"{_HOST}:{port}" for name, port in zip(SERVICES, ports, strict=True)}
        peers = {f"HEED_{name.upper()}_TARGET": target for name, target in self.targets.items()}
        telemetry = {"HEED_OTLP_ENDPOINT": otlp_endpoint}
        if self.collector is not None:
            telemetry["HEED_TRACE_RATIO"] = "0"  # Only traces that a caller asked for.
        inherited = {key: value for key, value in os.environ.items() if key not in _OWN_DATABASE}
        for name in SERVICES:
            environment = {
                **inherited,
                **_SINGLE_THREADED,
                **self.authority.environment(name),
                **databases.environment(name),
                **peers,
                **telemetry,
                **self._settings,
                "HEED_LISTEN": self.targets[name],
                "HEED_DEVELOPMENT": "1",
                **self._extra,
            }
            self._services[name] = ServiceProcess(name, environment, self.run_dir / "logs")

    async def _stop_services(self) -> None:
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()
        for name in reversed(SERVICES):
            self._services[name].terminate()
        for name in reversed(SERVICES):
            await self._services[name].ended()


async def _prepare(service: ServiceProcess) -> None:
    """Take a service's schema to where it can serve; the four do this side by side."""
    await service.run("migrate")
    if service.name in _WITH_STARTER_MODEL:
        await service.run("prepare")


def _clock_settings(clock: str, replay_start: datetime | None) -> dict[str, str]:
    if clock == "system":
        return {"HEED_CLOCK": clock}
    if replay_start is None:
        raise ValueError("a replay clock needs replay_start")
    return {"HEED_CLOCK": clock, "HEED_REPLAY_START": replay_start.isoformat()}


def _free_ports(count: int) -> list[int]:
    """Find distinct free ports: the services must know each other's before they start."""
    with ExitStack() as opened:
        probes = [opened.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((_HOST, 0))
        return [probe.getsockname()[1] for probe in probes]


def _first(error: BaseException) -> BaseException:
    """The first of several services that failed says most; the others were cancelled for it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
