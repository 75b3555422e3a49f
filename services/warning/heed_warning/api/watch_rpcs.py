# ruff: noqa: N802 - methods are named as in the contract
"""The RPC that streams every change of a warning as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from heed.feed.v1.event_pb2 import Event
from heed.warning.v1 import warning_service_pb2 as pb

from heed_shared.errors import BadCursor, BadPageToken, CursorTooOld
from heed_shared.feed import FeedServer
from heed_shared.feed.cursor import Position, decode_cursor
from heed_shared.feed.reading import Asked, read_head
from heed_shared.feed.records import SHARDS
from heed_shared.identity import current_caller, region_prefix
from heed_shared.ids import parse_resource_name
from heed_shared.rpc.stopping import current_stopping
from heed_warning.api import warning_messages
from heed_warning.api.parts import Parts
from heed_warning.application.announcing import WARNINGS_FEED
from heed_warning.application.ports import Kept

_METHOD = "WatchWarnings"
_PAGE = 100
"""Most events in memory for one reader: the next page is read when these have been taken."""
_HEARTBEAT_S = 10.0

Asks = dict[int, Asked]


class WatchRpcs:
    """WatchWarnings."""

    def __init__(self, parts: Parts, feeds: FeedServer) -> None:
        self._parts = parts
        self._feeds = feeds

    async def WatchWarnings(
        self, request: pb.WatchWarningsRequest, _context: Any
    ) -> AsyncIterator[pb.WatchWarningsResponse]:
        """Stream changes from a cursor on; an empty message moves the cursor when none comes.

        Each message carries the cursor behind it, so a reader that goes on from the last message
        it worked on loses nothing and sees nothing twice.
        """
        self._check(request)
        caller, stopping = current_caller(), current_stopping()
        prefixes = (caller.region_prefix, region_prefix(request.region_prefix))
        asked = await self._start(request.cursor)
        wait_s = 0.0  # The first message comes at once and gives a cursor.
        while not stopping.is_set():
            try:
                page = await self._feeds.next_page(WARNINGS_FEED, asked, caller, _PAGE, wait_s)
            except CursorTooOld:
                # Its own way on is the cursor of one shard; a reader here needs one for all.
                raise CursorTooOld(self._cursor(await self._start(""))) from None
            wait_s, told = _HEARTBEAT_S, False
            found = await self._matching(page.events, prefixes, request.category_code)
            for event in page.events:
                epoch, position = decode_cursor(WARNINGS_FEED.name, event.shard, event.cursor)
                asked[event.shard] = Asked(position, epoch)
                kept = found.get(event.subject)
                if kept is not None:
                    told = True
                    yield pb.WatchWarningsResponse(
                        kind=event.warning.kind,
                        warning=warning_messages.from_warning(kept, self._parts.places),
                        cursor=self._cursor(asked),
                    )
            asked = dict(page.asked)
            if not told:
                yield pb.WatchWarningsResponse(cursor=self._cursor(asked))

    def _check(self, request: pb.WatchWarningsRequest) -> None:
        places = self._parts.places
        places.require_prefix(request.region_prefix)
        if request.category_code:
            places.require_category(request.category_code)

    async def _matching(
        self, events: Sequence[Event], prefixes: Sequence[str], category: str
    ) -> Mapping[str, Kept]:
        """Return the warnings of events that lie in the region and category, as they are now."""
        uids: list[UUID] = [parse_resource_name(event.subject, "warnings")[1] for event in events]
        if not uids:
            return {}
        parts = self._parts
        async with parts.database.read() as connection:
            found = await parts.warnings.matching(connection, uids, prefixes, category)
        return {kept.warning.name: kept for kept in found}

    async def _start(self, cursor: str) -> Asks:
        """Return where to go on: behind a cursor, or behind everything there is now."""
        if not cursor:
            return dict.fromkeys(range(SHARDS), await read_head(self._parts.database))
        try:
            epoch, *numbers = map(int, self._parts.page_tokens.decode(_METHOD, b"", cursor))
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            positions = [Position(xid, number) for xid, number in pairs]
            return {
                shard: Asked(position, epoch)
                for shard, position in zip(range(SHARDS), positions, strict=True)
            }
        except (BadPageToken, ValueError) as error:
            raise BadCursor("cursor") from error

    def _cursor(self, asked: Mapping[int, Asked]) -> str:
        """Return the cursor of a place in all shards; no message is sent before each has one."""
        epochs = {item.epoch or 0 for item in asked.values()}
        positions = (number for _, item in sorted(asked.items()) for number in item.position.key)
        return self._parts.page_tokens.encode(_METHOD, b"", [max(epochs), *positions])
