"""Where the pages of lists go on: tokens bound to the filter and to the caller's region."""

from datetime import datetime
from uuid import UUID

from google.protobuf.message import Message

from heed_disposal.application.ports import CasePosition, DeadlinePosition
from heed_shared.errors import BadPageToken
from heed_shared.paging import PageTokens, filter_digest

Position = list[str | int]


class Pages:
    """Page tokens of one list method."""

    def __init__(self, tokens: PageTokens, method: str) -> None:
        self._tokens = tokens
        self._method = method

    def after(self, request: Message, token: str, region: str) -> Position | None:
        """Return the position in a token, or None for the first page.

        The token holds for this filter and this caller's region only.
        """
        if not token:
            return None
        return self._tokens.decode(self._method, _digest(request, region), token)

    def next(self, request: Message, region: str, position: Position) -> str:
        """Return the token of the next page."""
        return self._tokens.encode(self._method, _digest(request, region), position)


def _digest(request: Message, region: str) -> bytes:
    return filter_digest(request) + region.encode()


def case_position(position: Position | None) -> CasePosition | None:
    """Return a position in a list of cases."""
    if position is None:
        return None
    opened_at, uid = _texts(position, 2)
    return CasePosition(datetime.fromisoformat(opened_at), UUID(uid))


def case_key(after: CasePosition) -> Position:
    """Return what a token keeps of a position."""
    return [after.opened_at.isoformat(), str(after.uid)]


def deadline_position(position: Position | None) -> DeadlinePosition | None:
    """Return a position in a list of deadlines."""
    if position is None:
        return None
    burns_at, region, uid, number = _texts(position, 4)
    return DeadlinePosition(datetime.fromisoformat(burns_at), region, UUID(uid), int(number))


def deadline_key(after: DeadlinePosition) -> Position:
    """Return what a token keeps of a position."""
    return [after.burns_at.isoformat(), after.region, str(after.uid), after.number]


def _texts(position: Position, count: int) -> list[str]:
    if len(position) != count:
        raise BadPageToken
    return [str(part) for part in position]
