# ruff: noqa: N802 - methods are named as in the contract
"""Serves the audit of one service: heed.audit.v1.AuditService and the work behind it.

One object, handed to ``Service.audit``: ``serve`` offers its contract, runs its background work and
records every RPC of the server with it.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.timestamp_pb2 import Timestamp
from heed.audit.v1 import audit_service_pb2 as pb
from heed.audit.v1.audit_service_pb2_grpc import (
    AuditServiceServicer,
    add_AuditServiceServicer_to_server,
)
from heed.common.v1.actor_pb2 import Actor

from heed_shared import telemetry
from heed_shared.audit.actions import recorded_methods
from heed_shared.audit.listing import EntryFilter, Listed, list_entries
from heed_shared.audit.recording import Recorder
from heed_shared.audit.sealing import Sealer
from heed_shared.audit.verifying import Verdict, verify
from heed_shared.audit.writing import Writer
from heed_shared.database import Database
from heed_shared.errors import BadPageToken, InvalidField
from heed_shared.identity import current_caller
from heed_shared.paging import PageTokens, filter_digest, page_size

_LIST = "/heed.audit.v1.AuditService/ListAuditEntries"
_DIGEST_BYTES = 32
Context = grpc.aio.ServicerContext[Any, Any]


class Audit(AuditServiceServicer):
    """The audit of one service: servicer, recorder and a Background."""

    def __init__(self, database: Database, page_tokens: PageTokens) -> None:
        """Build it.

        Args:
            database: The one whose schema holds the audit.
            page_tokens: With the key of the service.
        """
        self._database = database
        self._page_tokens = page_tokens
        self._writer = Writer(database)
        self._sealer = Sealer(database)

    def servicer(self) -> tuple[Any, "Audit", ServiceDescriptor]:
        """Return the entry for the servicers of a server."""
        descriptor = pb.DESCRIPTOR.services_by_name["AuditService"]
        return add_AuditServiceServicer_to_server, self, descriptor

    def recorder(self, methods: Iterable[MethodDescriptor]) -> Recorder:
        """Return what records the RPCs of a server with these methods."""
        return Recorder(recorded_methods(methods), self._writer)

    async def run(self, stop: asyncio.Event) -> None:
        """Seal entries until ``stop``, then write what is still waiting."""
        try:
            await self._sealer.run(stop)
        finally:
            if stop.is_set():
                await self._writer.close()

    async def ListAuditEntries(
        self, request: pb.ListAuditEntriesRequest, _context: Context
    ) -> pb.ListAuditEntriesResponse:
        """Return one page of the caller's region."""
        digest = filter_digest(request)
        before = None
        if request.page_token:
            before = _seq(self._page_tokens.decode(_LIST, digest, request.page_token))
        size = page_size(request.page_size)
        found = await list_entries(self._database, _filter(request), before, size + 1)
        response = pb.ListAuditEntriesResponse(entries=[_message(item) for item in found[:size]])
        if len(found) > size:
            last = found[size - 1].seq
            response.next_page_token = self._page_tokens.encode(_LIST, digest, [last])
        return response

    async def VerifyAuditChain(
        self, request: pb.VerifyAuditChainRequest, _context: Context
    ) -> pb.VerifyAuditChainResponse:
        """Walk the chain and say where it breaks first."""
        if request.known_digest and len(request.known_digest) != _DIGEST_BYTES:
            raise InvalidField("known_digest", "must have 32 bytes, or none")
        verdict = await verify(self._database, request.from_position, request.known_digest)
        telemetry.record("heed.audit.verified", 1, outcome=_outcome(verdict))
        return _answer(verdict)


def _filter(request: pb.ListAuditEntriesRequest) -> EntryFilter:
    return EntryFilter(
        region_prefix=current_caller().region_prefix,
        done_from=_moment(request, "done_from"),
        done_before=_moment(request, "done_before"),
        resource=_plain("resource", request.resource),
        action=request.action,
        actor=_plain("actor", request.actor),
    )


def _moment(request: pb.ListAuditEntriesRequest, field: str) -> datetime | None:
    if not request.HasField(field):  # type: ignore[arg-type]
        return None
    try:
        moment: datetime = getattr(request, field).ToDatetime(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidField(field, "must lie in the years 1 to 9999") from error
    return moment


def _plain(field: str, value: str) -> str:
    if "\0" in value:
        raise InvalidField(field, "must not contain the character U+0000")
    return value


def _seq(position: list[str | int]) -> int:
    if len(position) != 1 or not isinstance(position[0], int):
        raise BadPageToken
    return position[0]


def _message(listed: Listed) -> pb.AuditEntry:
    entry = listed.entry
    done_at = Timestamp()
    done_at.FromDatetime(entry.done_at)
    return pb.AuditEntry(
        id=str(entry.id),
        position=listed.position,
        done_at=done_at,
        actor=Actor(identity=entry.actor, display_name=entry.actor_name, unit=entry.unit),
        roles=entry.roles,
        action=pb.AuditAction.ValueType(entry.action),
        method=entry.method,
        resource=entry.resource,
        region_code=entry.region_code,
        purpose=entry.purpose,
        legal_basis=entry.legal_basis,
        result_count=entry.result_count,
        trace_id=entry.trace_id,
        digest=entry.digest(),
    )


def _outcome(verdict: Verdict) -> str:
    if verdict.fault is None:
        return "intact"
    return pb.ChainFault.Kind.Name(verdict.fault.kind).removeprefix("KIND_").lower()


def _answer(verdict: Verdict) -> pb.VerifyAuditChainResponse:
    response = pb.VerifyAuditChainResponse(
        intact=verdict.fault is None,
        checked=verdict.checked,
        last_position=verdict.last_position,
        last_digest=verdict.last_digest,
        unsealed=verdict.unsealed,
    )
    if verdict.fault is not None:
        response.fault.kind = verdict.fault.kind
        response.fault.position = verdict.fault.position
        response.fault.entry_id = verdict.fault.entry_id
    return response
