"""The command line of a service: ``migrate``, ``serve`` and, where there is a model, ``prepare``.

Exit status 2 means that the settings are wrong; every problem is then on standard error.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import uvloop

from heed_shared.clock import Clock, ReplayClock, SystemClock
from heed_shared.logs import setup_logs
from heed_shared.migrations import run_migrations
from heed_shared.settings import ServiceSettings, SettingsError, load_settings

S = TypeVar("S", bound=ServiceSettings)


@dataclass(frozen=True, kw_only=True)
class Program(Generic[S]):
    """What the command line of one service needs to know."""

    name: str
    """Of the service and of its schema, such as "intake"."""
    settings: type[S]
    serve: Callable[[S], Awaitable[None]]
    prepare: Callable[[S], Awaitable[None]] | None = None
    """Makes what serving starts from and migrations do not make."""
    jobs: Mapping[str, Callable[[Sequence[str]], int]] = field(default_factory=dict)
    """Commands that take arguments of their own and return the exit status."""

    def run(self, arguments: Sequence[str] | None = None) -> int:
        """Run the command that the arguments name; return the exit status."""
        commands = {"migrate": self._migrate, "serve": self.serve}
        if self.prepare is not None:
            commands["prepare"] = self.prepare
        given = list(sys.argv[1:] if arguments is None else arguments)
        if given and given[0] in self.jobs:
            return self.jobs[given[0]](given[1:])
        parser = argparse.ArgumentParser(prog=f"heed-{self.name}")
        parser.add_argument("command", choices=sorted([*commands, *self.jobs]))
        command = parser.parse_args(given).command
        try:
            settings = load_settings(self.settings, os.environ)
        except SettingsError as error:
            sys.stderr.write(f"{error}\n")
            return 2
        if command == "migrate" and settings.migration_url is None:
            sys.stderr.write("HEED_MIGRATION_URL: required to migrate\n")
            return 2
        setup_logs(self.name, development=settings.development)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_finished(commands[command](settings)))
        return 0

    async def _migrate(self, settings: S) -> None:
        url = settings.migration_url or ""  # Checked above.
        await run_migrations(self.name, f"heed_{self.name}", url, self.name)


async def _finished(work: Awaitable[None]) -> None:
    await work


def business_clock(settings: ServiceSettings) -> Clock:
    """Return the business clock that the settings ask for."""
    if settings.clock == "replay" and settings.replay_start is not None:
        return ReplayClock(settings.replay_start)
    return SystemClock()
