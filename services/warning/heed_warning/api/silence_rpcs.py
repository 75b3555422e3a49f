# ruff: noqa: N802 - methods are named as in the contract
"""RPCs about silences."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from heed.warning.v1 import warning_service_pb2 as pb

from heed_shared.database import Transaction
from heed_shared.errors import NotFound
from heed_shared.identity import current_caller, region_prefix
from heed_shared.paging import filter_digest, page_size
from heed_warning.api import warning_messages
from heed_warning.api.once import once
from heed_warning.api.parts import Parts
from heed_warning.application.warning_ports import SilenceFilter

_LIST = "ListSilences"
_COLLECTION = "silences/"


class SilenceRpcs:
    """SilenceWarnings, EndSilence, ListSilences."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def SilenceWarnings(
        self, request: pb.SilenceWarningsRequest, _context: Any
    ) -> pb.SilenceWarningsResponse:
        """Keep warnings of a place from being announced for a time."""
        parts, caller = self._parts, current_caller()
        parts.places.require_prefix(request.silence.region_prefix, "silence.region_prefix")
        if request.silence.category_code:
            parts.places.require_category(request.silence.category_code, "silence.category_code")
        wish = warning_messages.to_silence(request.silence)

        async def act(tx: Transaction) -> pb.SilenceWarningsResponse:
            silence = await parts.silence_desk.begin(tx, caller, wish)
            return pb.SilenceWarningsResponse(silence=warning_messages.from_silence(silence))

        return await once(parts.database, request, pb.SilenceWarningsResponse, act)

    async def EndSilence(
        self, request: pb.EndSilenceRequest, _context: Any
    ) -> pb.EndSilenceResponse:
        """End a silence before its time."""
        parts, caller = self._parts, current_caller()
        uid = _uid(request.name)

        async def act(tx: Transaction) -> pb.EndSilenceResponse:
            silence = await parts.silence_desk.end(tx, caller, uid, request.etag)
            return pb.EndSilenceResponse(silence=warning_messages.from_silence(silence))

        return await once(parts.database, request, pb.EndSilenceResponse, act)

    async def ListSilences(
        self, request: pb.ListSilencesRequest, _context: Any
    ) -> pb.ListSilencesResponse:
        """Return a page of the silences that touch the caller's region, latest first."""
        parts, digest = self._parts, filter_digest(request)
        size, before = page_size(request.page_size), None
        if request.page_token:
            (uid,) = parts.page_tokens.decode(_LIST, digest, request.page_token)
            before = UUID(str(uid))
        parts.places.require_prefix(request.region_prefix)
        wanted = SilenceFilter(
            caller_prefix=current_caller().region_prefix,
            region_prefix=region_prefix(request.region_prefix),
            lasting_at=None if request.include_ended else parts.clock.now(),
        )
        async with parts.database.read() as connection:
            found = await parts.silences.list(connection, wanted, before, size + 1)
        shown, token = found[:size], ""
        if len(found) > size:
            token = parts.page_tokens.encode(_LIST, digest, [str(shown[-1].uid)])
        silences = [warning_messages.from_silence(silence) for silence in shown]
        return pb.ListSilencesResponse(silences=silences, next_page_token=token)


def _uid(name: str) -> UUID:
    try:
        return UUID(name.removeprefix(_COLLECTION))
    except ValueError:
        raise NotFound(name) from None
