"""`heed up`: keeps the suite serving until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from rich.console import Console

from heed_local.launcher import Suite


def serve_until_stopped(run_dir: Path, console: Console) -> int:
    """Run the suite from `run_dir` until SIGINT or SIGTERM, or until a service ends by itself.

    Raises:
        ServiceError: a service could not start or ended by itself.
        PostgresError: the embedded server could not start, or another suite runs there already.
    """
    return asyncio.run(_run(run_dir, console))


async def _run(run_dir: Path, console: Console) -> int:
    serving = asyncio.ensure_future(_serve(run_dir, console))
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        console.print("已停止 stopped")
    return 0


async def _serve(run_dir: Path, console: Console) -> None:
    console.print(f"正在启动 starting from {run_dir}")
    async with Suite(run_dir) as suite:
        for service, target in suite.targets.items():
            console.print(f"  {service:<12}{target}")
        console.print(f"证书和令牌 certificates and tokens: {suite.authority.directory}")
        console.print('另开一个终端: heed status;或 eval "$(heed env)"。Ctrl-C 停止')
        await suite.watch()
