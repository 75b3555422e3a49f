# ruff: noqa: N802 - methods are named as in the contract
"""The RPCs of measures: planned, approved, begun, completed, stopped, revised."""

from typing import Any, Protocol

import grpc
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1.disposal_service_pb2_grpc import DisposalServiceServicer

from heed_disposal.api import convert
from heed_disposal.api.convert_measures import details_from, document_from, promise_from
from heed_disposal.api.parts import day_of
from heed_disposal.api.verbs import CaseVerbs
from heed_disposal.domain import measures
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.terms import Effect, MeasureKind
from heed_disposal.domain.transitions import Action

Context = grpc.aio.ServicerContext[Any, Any]


class _MeasureRequest(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def measure(self) -> str: ...


class MeasureRpcs(DisposalServiceServicer):
    """Part of the servicer."""

    _verbs: CaseVerbs
    _book: Handbook

    async def PlanMeasure(
        self, request: pb.PlanMeasureRequest, _context: Context
    ) -> pb.PlanMeasureResponse:
        """Add a measure that waits for approval."""
        draft = measures.Draft(
            kind=MeasureKind(request.kind),
            title=request.title,
            purpose=request.purpose,
            legal_basis=request.legal_basis,
            owner_unit=request.owner_unit,
            due_on=day_of(request.due_on, "due_on"),
            details=details_from(request.details),
            proportionality_note=request.proportionality_note,
            personal_data_used=tuple(request.personal_data_used),
        )
        return await self._verbs.on_case(
            request,
            pb.PlanMeasureResponse,
            Action.PLAN_MEASURE,
            lambda case, act: measures.plan(case, draft, act, self._book),
        )

    async def ApproveMeasure(
        self, request: pb.ApproveMeasureRequest, _context: Context
    ) -> pb.ApproveMeasureResponse:
        """Approve or reject a planned measure."""
        number = _number(request)
        decision = measures.Decision(request.rejected, request.note)
        return await self._verbs.on_case(
            request,
            pb.ApproveMeasureResponse,
            Action.APPROVE_MEASURE,
            lambda case, act: measures.decide(case, number, decision, act, self._book),
        )

    async def StartMeasure(
        self, request: pb.StartMeasureRequest, _context: Context
    ) -> pb.StartMeasureResponse:
        """Record that an approved measure has begun."""
        number = _number(request)
        return await self._verbs.on_case(
            request,
            pb.StartMeasureResponse,
            Action.START_MEASURE,
            lambda case, act: measures.begin(case, number, act),
        )

    async def CompleteMeasure(
        self, request: pb.CompleteMeasureRequest, _context: Context
    ) -> pb.CompleteMeasureResponse:
        """Record what a measure brought."""
        number = _number(request)
        done = measures.Completion(
            result=request.result,
            side_effects=request.side_effects,
            cost=request.cost,
            effect=Effect(request.effect),
            promises=tuple(
                promise_from(item, f"promises[{index}]")
                for index, item in enumerate(request.promises)
            ),
            documents=tuple(document_from(item) for item in request.documents),
        )
        return await self._verbs.on_case(
            request,
            pb.CompleteMeasureResponse,
            Action.COMPLETE_MEASURE,
            lambda case, act: measures.complete(case, number, done, act),
        )

    async def StopMeasure(
        self, request: pb.StopMeasureRequest, _context: Context
    ) -> pb.StopMeasureResponse:
        """Stop a measure."""
        number = _number(request)
        return await self._verbs.on_case(
            request,
            pb.StopMeasureResponse,
            Action.STOP_MEASURE,
            lambda case, act: measures.stop(case, number, request.reason, act),
        )

    async def ReviseMeasure(
        self, request: pb.ReviseMeasureRequest, _context: Context
    ) -> pb.ReviseMeasureResponse:
        """Stop a measure and plan its revision."""
        number = _number(request)
        revision = measures.Revision(
            reason=request.reason,
            evidence=request.evidence,
            title=request.title,
            due_on=day_of(request.due_on, "due_on") if request.due_on else None,
            details=details_from(request.details),
        )
        return await self._verbs.on_case(
            request,
            pb.ReviseMeasureResponse,
            Action.REVISE_MEASURE,
            lambda case, act: measures.revise(case, number, revision, act, self._book),
        )


def _number(request: _MeasureRequest) -> int:
    return convert.part_number(request.measure, request.name, "measures", "measure")
