"""Begins and ends the entry of each RPC; the interceptor calls it, so no handler can forget it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from heed.audit.v1.audit_service_pb2 import AUDIT_ACTION_DENY
from heed.common.v1 import error_reason_pb2 as reasons

from heed_shared import logs
from heed_shared.audit import pending as in_progress
from heed_shared.audit.actions import Recorded
from heed_shared.audit.pending import Pending
from heed_shared.audit.writing import Writer
from heed_shared.errors import DependencyDown, HeedError
from heed_shared.identity import Caller
from heed_shared.telemetry import current_trace_id

_REFUSALS = frozenset(
    {
        reasons.ERROR_REASON_ROLE_REQUIRED,
        reasons.ERROR_REASON_REGION_NOT_ALLOWED,
        reasons.ERROR_REASON_ROUTE_FORBIDDEN,
        reasons.ERROR_REASON_SECOND_PERSON_REQUIRED,
    }
)


class Recorder:
    """What the audit of one service does around its RPCs."""

    def __init__(self, methods: Mapping[str, Recorded], writer: Writer) -> None:
        self._methods = methods
        self._writer = writer

    def begin(self, path: str, caller: Caller, request: Any) -> "Record | None":
        """Begin the entry of an RPC; None where there is none.

        Args:
            path: Of the method, with its slash.
            caller: Who calls; what services of the suite do for each other is not recorded.
            request: The checked request; None where requests are streamed.
        """
        recorded = self._methods.get(path)
        if recorded is None or caller.is_service:
            in_progress.begin(None)
            return None
        pending = Pending(
            caller=caller,
            action=recorded.action,
            method=recorded.method,
            usual_count=recorded.first_count,
            trace_id=current_trace_id(),
        )
        if request is not None:
            pending.resource = recorded.resource(request, checked=True)
            pending.region_code = recorded.region_code(request)
            pending.purpose = recorded.purpose(request)
            pending.legal_basis = recorded.legal_basis(request)
        in_progress.begin(pending)
        return Record(recorded, pending, self._writer)

    async def refuse(
        self, path: str, caller: Caller, request: Any, record: "Record | None", error: HeedError
    ) -> None:
        """Record that an RPC was refused for want of permission; any other error is none.

        A resource that lies elsewhere looks like one that does not exist, also in how long the
        answer takes: its entry is not waited for.
        """
        recorded = self._methods.get(path)
        if recorded is None:
            return
        hidden = record.pending.region_elsewhere() if record else ""
        unseen = bool(hidden) and error.reason == reasons.ERROR_REASON_NOT_FOUND
        if error.reason not in _REFUSALS and not unseen:
            return
        if record:
            pending = replace(record.pending, purpose="", legal_basis="", result_count=0)
        else:
            pending = _unchecked(recorded, caller, request)
        if unseen:
            pending.region_code = hidden
        written = self._writer.put(pending.entry(AUDIT_ACTION_DENY))
        if not unseen:
            await _however_it_ends(written)


class Record:
    """The entry of one RPC in progress, for the interceptor."""

    def __init__(self, recorded: Recorded, pending: Pending, writer: Writer) -> None:
        self.pending = pending
        self._recorded = recorded
        self._writer = writer
        self._shown = 0
        self._streams = False

    async def answered(self, response: Any) -> None:
        """Write the entry unless a commit of the RPC did; its answer leaves after that.

        Raises:
            DependencyDown: it cannot be written, so the answer must not leave.
        """
        pending = self.pending
        if pending.take():
            pending.usual_count = self._recorded.count(response)
            await self._writer.write(pending.entry())

    async def streams(self, response: Any) -> None:
        """Write the entry before the first answer of a stream leaves, and count the answers."""
        self._streams = True
        if self.pending.take():
            await self._writer.write(self.pending.entry())
        self._shown += self._recorded.count(response)

    async def streamed(self) -> None:
        """Write the entry of a stream that ends without an answer."""
        if self.pending.take():
            await self._writer.write(self.pending.entry())

    def end(self) -> None:
        """Record how much a stream has shown, however it ended; not waited for."""
        if self._streams:
            self.pending.result_count = self._shown
            self._writer.put(self.pending.entry())


def _unchecked(recorded: Recorded, caller: Caller, request: Any) -> Pending:
    """Return the entry of a request that was refused before anybody looked at its values."""
    return Pending(
        caller=caller,
        action=recorded.action,
        method=recorded.method,
        resource="" if request is None else recorded.resource(request, checked=False),
        region_code="" if request is None else recorded.region_code(request),
        result_count=0,
        trace_id=current_trace_id(),
    )


async def _however_it_ends(written: "asyncio.Future[None]") -> None:
    """Wait for an entry; a refusal remains a refusal when it cannot be recorded."""
    try:
        await written
    except DependencyDown as error:
        logs.failure(logs.Event.AUDIT_FAILED, error)
