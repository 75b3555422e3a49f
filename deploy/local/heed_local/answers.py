"""What a command of the desk answers, and how contract messages become rows and data."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table

from heed_local.desk import Desk
from heed_shared.clock import SHANGHAI
from heed_shared.commands import CommandError
from heed_shared.reference.regions import Regions, RegionTableError

PAGE = 500
"""Entries in a page; the most that a service gives."""


PIPE_WIDTH = 160
"""A pipe has no width of its own, and eighty columns would fold every name."""


@cache
def _regions() -> Regions:
    """The regions that the suite was started with, when it was started from here.

    Raises:
        CommandError: the mounted table cannot be used.
    """
    own = os.environ.get("HEED_REGIONS")
    try:
        return Regions.load(Path(own) if own else None)
    except RegionTableError as error:
        raise CommandError(f"HEED_REGIONS: {' '.join(str(error).split())}") from None


def place(region_code: str) -> str:
    """Name a region; a code that is in no table here is shown as it is."""
    return _regions().title(region_code) if region_code in _regions() else region_code


@dataclass(frozen=True)
class Answer:
    """What a command found: rows for people, and the same as data for scripts."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    data: Any
    nothing: str = "没有记录 nothing found"
    """What is said in place of an empty table."""
    note: str = ""
    """What is said below the table, such as that there is more."""
    failed: bool = False
    """What was asked is not as it must be; the command ends with status 1."""

    def show(self) -> None:
        """Print it for people."""
        terminal = sys.stdout.isatty()
        console = Console(highlight=False, markup=False, width=None if terminal else PIPE_WIDTH)
        if self.rows:
            table = Table()
            for column in self.columns:
                # A number that is to be copied stays in one piece.
                table.add_column(column, overflow="fold", no_wrap=column == "编号")
            for row in self.rows:
                table.add_row(*row)
            console.print(table)
        else:
            console.print(self.nothing)
        if self.note:
            console.print(self.note)


Command = Callable[[Desk, argparse.Namespace], Awaitable[Answer]]


async def all_pages(method: Callable[[Any], Awaitable[Any]], request: Any, items: str) -> list[Any]:
    """Return the items of every page of a list method."""
    found: list[Any] = []
    while True:
        page = await method(request)
        found += getattr(page, items)
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def first_pages(
    method: Callable[[Any], Awaitable[Any]], request: Any, items: str, limit: int
) -> tuple[list[Any], str]:
    """Return at most so many items of a list method, and a note where there are more."""
    found: list[Any] = []
    while len(found) < limit:
        request.page_size = min(limit - len(found), PAGE)
        page = await method(request)
        found += getattr(page, items)
        if not page.next_page_token:
            return found, ""
        request.page_token = page.next_page_token
    return found, f"仅显示前 {limit} 条,用 --limit 查看更多 more with --limit"


def moment(message: Message, field: str) -> str:
    """Return a time of a message in words of the clock on the wall; empty when absent."""
    if not message.HasField(field):
        return ""
    at: Timestamp = getattr(message, field)
    return at.ToDatetime(tzinfo=SHANGHAI).strftime("%Y-%m-%d %H:%M")


def plain(message: Message) -> dict[str, Any]:
    """Return a message as data for scripts."""
    return MessageToDict(message, preserving_proto_field_name=True)


def plain_list(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages as data for scripts."""
    return [plain(message) for message in messages]
