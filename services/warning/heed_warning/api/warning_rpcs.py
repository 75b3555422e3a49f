# ruff: noqa: N802 - methods are named as in the contract
"""RPCs about evaluations and warnings."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from heed.warning.v1 import resources_pb2
from heed.warning.v1 import warning_service_pb2 as pb

from heed_shared.database import Transaction
from heed_shared.errors import NotFound
from heed_shared.identity import current_caller, region_prefix
from heed_shared.ids import parse_resource_name
from heed_shared.paging import filter_digest, page_size
from heed_warning.api import convert, warning_messages
from heed_warning.api.once import once
from heed_warning.api.parts import Parts
from heed_warning.application import judging
from heed_warning.application.ports import WarningFilter
from heed_warning.domain.life import Verdict
from heed_warning.domain.transitions import State

_LIST = "ListWarnings"
_ALL_BUT_PENDING = (State.FIRING, State.ACKNOWLEDGED, State.RESOLVED, State.JUDGED)

Named = (
    pb.AcknowledgeWarningRequest
    | pb.ConfirmWarningLevelRequest
    | pb.JudgeWarningRequest
    | pb.ResolveWarningRequest
)


class WarningRpcs:
    """Evaluate, GetWarning, ListWarnings and what people do with a warning."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def Evaluate(self, request: pb.EvaluateRequest, _context: Any) -> pb.EvaluateResponse:
        """Evaluate every cell; the answer shows the caller's region."""
        parts, caller = self._parts, current_caller()
        as_of = convert.to_day_or_none(request.as_of, "as_of")
        done = await parts.evaluator.evaluate(as_of)
        own = [count for count in done.run.regions if caller.covers(count.region)]
        return pb.EvaluateResponse(
            as_of=done.run.as_of.isoformat(),
            cell_count=sum(count.cell_count for count in own),
            insufficient_history_count=sum(count.insufficient_history_count for count in own),
            changed_warnings=[
                warning_messages.from_warning(kept, parts.places)
                for kept in done.changed
                if caller.covers(kept.warning.cell.region)
            ],
        )

    async def GetWarning(
        self, request: pb.GetWarningRequest, _context: Any
    ) -> pb.GetWarningResponse:
        """Return one warning."""
        parts = self._parts
        region, uid = parse_resource_name(request.name, "warnings")
        async with parts.database.read() as connection:
            kept = await parts.warnings.get(connection, region, uid)
        if kept is None or not current_caller().covers(region):
            raise NotFound(request.name)
        return pb.GetWarningResponse(warning=warning_messages.from_warning(kept, parts.places))

    async def ListWarnings(
        self, request: pb.ListWarningsRequest, _context: Any
    ) -> pb.ListWarningsResponse:
        """Return a page of warnings, latest change first."""
        parts, digest = self._parts, filter_digest(request)
        size, after = page_size(request.page_size), None
        if request.page_token:
            updated_at, uid = parts.page_tokens.decode(_LIST, digest, request.page_token)
            after = (datetime.fromisoformat(str(updated_at)), UUID(str(uid)))
        wanted = self._filter(request)
        async with parts.database.read() as connection:
            found = await parts.warnings.list(connection, wanted, after, size + 1)
        shown, token = found[:size], ""
        if len(found) > size:
            last = shown[-1]
            position = [last.updated_at.isoformat(), str(last.warning.uid)]
            token = parts.page_tokens.encode(_LIST, digest, position)
        warnings = [warning_messages.from_warning(kept, parts.places) for kept in shown]
        return pb.ListWarningsResponse(warnings=warnings, next_page_token=token)

    def _filter(self, request: pb.ListWarningsRequest) -> WarningFilter:
        prefix = region_prefix(request.region_prefix)
        if request.category_code:
            self._parts.places.require_category(request.category_code)
        self._parts.places.require_prefix(request.region_prefix)
        states = warning_messages.to_states(request.states)
        prefixes = (current_caller().region_prefix, prefix)
        return WarningFilter(prefixes, request.category_code, states or _ALL_BUT_PENDING)

    async def AcknowledgeWarning(
        self, request: pb.AcknowledgeWarningRequest, _context: Any
    ) -> pb.AcknowledgeWarningResponse:
        """Take a warning on."""

        async def act(tx: Transaction) -> pb.AcknowledgeWarningResponse:
            warning = await self._act(tx, request, judging.acknowledge())
            return pb.AcknowledgeWarningResponse(warning=warning)

        return await once(self._parts.database, request, pb.AcknowledgeWarningResponse, act)

    async def ConfirmWarningLevel(
        self, request: pb.ConfirmWarningLevelRequest, _context: Any
    ) -> pb.ConfirmWarningLevelResponse:
        """Put the proposed level into effect."""

        async def act(tx: Transaction) -> pb.ConfirmWarningLevelResponse:
            warning = await self._act(tx, request, judging.confirm_level())
            return pb.ConfirmWarningLevelResponse(warning=warning)

        return await once(self._parts.database, request, pb.ConfirmWarningLevelResponse, act)

    async def JudgeWarning(
        self, request: pb.JudgeWarningRequest, _context: Any
    ) -> pb.JudgeWarningResponse:
        """Record a verdict."""
        decision = judging.judge(Verdict(request.verdict), request.note)

        async def act(tx: Transaction) -> pb.JudgeWarningResponse:
            return pb.JudgeWarningResponse(warning=await self._act(tx, request, decision))

        return await once(self._parts.database, request, pb.JudgeWarningResponse, act)

    async def ResolveWarning(
        self, request: pb.ResolveWarningRequest, _context: Any
    ) -> pb.ResolveWarningResponse:
        """End a warning."""

        async def act(tx: Transaction) -> pb.ResolveWarningResponse:
            warning = await self._act(tx, request, judging.resolve(request.note))
            return pb.ResolveWarningResponse(warning=warning)

        return await once(self._parts.database, request, pb.ResolveWarningResponse, act)

    async def _act(
        self, tx: Transaction, request: Named, decision: judging.Decision
    ) -> resources_pb2.Warning:
        parts = self._parts
        region, uid = parse_resource_name(request.name, "warnings")
        kept = await parts.desk.act(tx, current_caller(), region, uid, request.etag, decision)
        return warning_messages.from_warning(kept, parts.places)
