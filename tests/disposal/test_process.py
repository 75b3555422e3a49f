"""The program itself: migrate, serve, end in order."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable

from heed_local.authority import Authority
from tests.database_templates import MadeDatabase


def environment(authority: Authority, made: MadeDatabase) -> dict[str, str]:
    targets = {f"HEED_{peer}_TARGET": "127.0.0.1:1" for peer in ("INTAKE", "CLASSIFIER", "WARNING")}
    return {
        **os.environ,
        **authority.environment("disposal"),
        **targets,
        "HEED_DATABASE_URL": made["url"],
        "HEED_MIGRATION_URL": made["owner_url"],
    }


async def start(command: str, environ: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "heed_disposal.main",
        command,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_it_migrates_serves_and_ends_on_sigterm(
    make_database: Callable[[str], MadeDatabase], authority: Authority
) -> None:
    environ = environment(authority, make_database("disposal"))
    migrated = await start("migrate", environ)
    assert await migrated.wait() == 0
    served = await start("serve", environ)
    assert served.stdout is not None
    line = json.loads(await asyncio.wait_for(served.stdout.readline(), 20))
    assert (line["event"], line["service"]) == ("serving", "disposal")
    assert line["port"] > 0
    served.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(served.wait(), 15) == 0


async def test_it_names_everything_that_is_not_set() -> None:
    refused = await start("serve", {"PATH": os.environ["PATH"]})
    _, error = await refused.communicate()
    assert refused.returncode == 2
    for variable in (b"HEED_DATABASE_URL", b"HEED_TLS_CERT", b"HEED_JWKS"):
        assert variable in error


async def test_it_does_not_start_without_its_peers(
    make_database: Callable[[str], MadeDatabase], authority: Authority
) -> None:
    environ = environment(authority, make_database("disposal")) | {"HEED_INTAKE_TARGET": ""}
    refused = await start("serve", environ)
    _, error = await refused.communicate()
    assert refused.returncode == 2
    assert b"HEED_INTAKE_TARGET" in error
