"""The entry of the RPC in progress: begun before the handler, written with its first commit.

A handler that says nothing is recorded all the same; ``note`` lets it say more. Work that outlives
its RPC, or writes for several, starts with ``detach`` and takes along what it needs.
"""

import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from heed.common.v1.access_pb2 import Role

from heed_shared.audit.entries import Entry
from heed_shared.ids import new_uid

if TYPE_CHECKING:
    from heed_shared.identity import Caller

_REGION_OF_NAME = re.compile(r"[a-zA-Z]+/([1-9][0-9A-Z]{5})-")
_LONGEST = 1000


@dataclass
class Pending:
    """What is known so far of what an RPC does; it becomes one entry, or none."""

    caller: "Caller"
    action: int
    method: str
    resource: str = ""
    region_code: str = ""
    """Region that the request or the handler names; without one, that in the resource's name."""
    purpose: str = ""
    legal_basis: str = ""
    result_count: int | None = None
    """Told by the handler; without it, ``usual_count``."""
    usual_count: int = 1
    trace_id: str = ""
    hidden_region_code: str = field(default="", init=False)
    """Region of something that this caller was not shown because of where it lies."""
    _taken: bool = field(default=False, init=False)

    def entry(self, action: int = 0) -> Entry:
        """Return the entry, done now; ``action`` goes before that of the method."""
        now = datetime.now(UTC)
        return Entry(
            id=new_uid(now),
            done_at=now,
            actor=self.caller.identity,
            actor_name=self.caller.display_name,
            unit=self.caller.unit,
            roles=role_names(self.caller.roles),
            action=action or self.action,
            method=self.method,
            resource=self.resource,
            region_code=self._region_code(),
            purpose=_line(self.purpose),
            legal_basis=_line(self.legal_basis),
            result_count=self.usual_count if self.result_count is None else self.result_count,
            trace_id=self.trace_id,
        )

    def region_elsewhere(self) -> str:
        """Return the region of the resource named, where that is not the caller's; else nothing.

        A handler that found it there has said so. Where row-level security hid it, its name says
        so: whether it exists or was guessed, it was none of the caller's business.
        """
        found = _REGION_OF_NAME.match(self.resource)
        named = found[1] if found else ""
        outside = bool(named) and not named.startswith(self.caller.region_prefix)
        return self.hidden_region_code or (named if outside else "")

    def take(self) -> bool:
        """Say whether the entry is still to be written, and leave it to whoever asked."""
        taken, self._taken = self._taken, True
        return not taken

    def give_back(self) -> None:
        """Have the entry written by somebody else: this write came to nothing."""
        self._taken = False

    def for_one(self, resource: str, region_code: str) -> "Pending":
        """Return what becomes the entry of one resource of many that the same RPC writes."""
        return replace(self, resource=resource, region_code=region_code, result_count=None)

    def _region_code(self) -> str:
        """Return where it was done; what names no region was done in the caller's."""
        found = _REGION_OF_NAME.match(self.resource)
        return self.region_code or (found[1] if found else self.caller.region_prefix)


_pending: ContextVar[Pending | None] = ContextVar("heed_audit", default=None)


def begin(pending: Pending | None) -> None:
    """Make ``pending`` the entry of this context's RPC; for the interceptor and for tests."""
    _pending.set(pending)


def current() -> Pending | None:
    """Return the entry of the RPC in progress; None where there is none to write."""
    return _pending.get()


def detach() -> None:
    """Forget the entry in this context; for work that outlives its RPC or serves several."""
    _pending.set(None)


def note(
    *, resource: str | None = None, region_code: str | None = None, result_count: int | None = None
) -> None:
    """Say of the RPC in progress what its request does not: for handlers and use cases."""
    pending = _pending.get()
    if pending is None:
        return
    if resource is not None:
        pending.resource = resource
    if region_code is not None:
        pending.region_code = region_code
    if result_count is not None:
        pending.result_count = result_count


def note_hidden(region_code: str) -> None:
    """Remember that something in this region was kept from the caller.

    When the RPC then ends in NOT_FOUND, that was a refusal, though the answer does not say so.
    """
    pending = _pending.get()
    if pending is not None:
        pending.hidden_region_code = region_code


def role_names(roles: Iterable[int]) -> tuple[str, ...]:
    """Return the names of roles, such as ROLE_LEADER, in one order whatever the set's."""
    return tuple(_ROLE_NAMES[number] for number in sorted(roles))


_ROLE_NAMES: dict[int, str] = {number: name for name, number in Role.items()}


def _line(text: str) -> str:
    """Return what can be stored and shown in one line."""
    return "".join(letter for letter in text[:_LONGEST] if letter.isprintable())
