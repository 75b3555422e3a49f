"""The `heed` command: reads arguments, runs one command, prints its answer.

Commands that ask something find the suite that `heed up` keeps running by its run directory. Errors
are one line on stderr: exit code 1 when the suite refuses or does not answer, 2 for a bad argument
or file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import grpc
from rich.console import Console

from heed_local.postgres import PostgresError, forget_libpq_variables
from heed_local.run_state import NotRunningError, default_run_dir
from heed_local.service_commands import add_service_commands
from heed_local.service_process import ServiceError
from heed_shared.commands import CommandError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    options = _parser(words).parse_args(words)
    if "HEED_DATABASE_URL" not in os.environ:
        forget_libpq_variables()
    try:
        return int(options.run(options))
    except (NotRunningError, PostgresError, ServiceError, _CallError) as error:
        print(f"heed: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except CommandError as error:
        print(f"heed: {error}", file=sys.stderr)  # noqa: T201
        return 2


class _CallError(RuntimeError):
    """A service refused a call; the message is what it answered, in one line."""


def _up(options: argparse.Namespace) -> int:
    from heed_local.up import serve_until_stopped

    return serve_until_stopped(options.run_dir, Console(highlight=False))


def _demo(options: argparse.Namespace) -> int:
    from heed_local.demo.run import run_demo

    named = dict(options.map or ())
    return run_demo(options.input, options.out, options.seed, named)


def _env(options: argparse.Namespace) -> int:
    from heed_local.desk import Desk
    from heed_local.desk_commands import exports

    print("\n".join(exports(Desk(options.run_dir))))  # noqa: T201
    return 0


def _ask(options: argparse.Namespace) -> int:
    from heed_local.answers import Answer
    from heed_local.desk import Desk, in_one_line
    from heed_local.desk_commands import COMMANDS

    async def answer() -> Answer:
        async with Desk(options.run_dir) as desk:
            return await COMMANDS[options.command](desk, options)

    try:
        found = asyncio.run(answer())
    except grpc.aio.AioRpcError as error:
        raise _CallError(in_one_line(error)) from None
    if options.output == "json":
        print(json.dumps(found.data, ensure_ascii=False, indent=1))  # noqa: T201
        return int(found.failed)
    found.show()
    return int(found.failed)


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="heed", description="信访信息预警与处置 Heed")
    parser.add_argument(
        "--run-dir",
        type=Path,
        default=default_run_dir(),
        help="where `heed up` keeps its data (default: %(default)s)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="keep the suite serving until Ctrl-C")
    up.set_defaults(run=_up)

    demo = commands.add_parser("demo", help="run the whole job once, on a made-up city or a file")
    demo.add_argument("--input", type=Path, help="CSV or JSONL of petitions, also .gz")
    demo.add_argument("--out", type=Path, help="also write the results here as JSON")
    demo.add_argument("--seed", type=int, default=1, help="of the made-up city")
    demo.add_argument(
        "--map",
        type=_mapping,
        action="append",
        metavar="FIELD=COLUMN",
        help="which column of the file holds a field, where the guess is wrong",
    )
    demo.set_defaults(run=_demo)

    env = commands.add_parser("env", help='shell settings for other clients: eval "$(heed env)"')
    env.set_defaults(run=_env)
    _add_questions(commands)
    add_service_commands(commands, words)
    return parser


def _add_questions(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands that ask a running suite."""
    from heed_local import audit_commands, case_commands, petition_commands, sealed_commands
    from heed_local.desk_commands import COMMANDS

    petition_commands.add_arguments(commands)
    simple = {
        "warnings": "list warnings",
        "incidents": "list incidents, groups of petitions on one matter",
        "status": "show the feeds of all services and how far their consumers are",
    }
    for name, text in simple.items():
        commands.add_parser(name, help=text)
    case_commands.add_arguments(commands)
    sealed_commands.add_arguments(commands)
    audit_commands.add_arguments(commands)
    for name in COMMANDS:
        command = commands.choices[name]
        command.add_argument("--output", choices=("table", "json"), default="table")
        command.set_defaults(run=_ask)


def _mapping(text: str) -> tuple[str, str]:
    field, equals, column = text.partition("=")
    if not (field and equals and column):
        raise argparse.ArgumentTypeError("must be FIELD=COLUMN")
    return field, column


if __name__ == "__main__":
    sys.exit(main())
