# ruff: noqa: N802 - methods are named as in the contract
"""The RPCs of the procedure beside the merits: objection, notice, service, clocks, supervision."""

from typing import Any

import grpc
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1.disposal_service_pb2_grpc import DisposalServiceServicer

from heed_disposal.api.convert_procedure import actor_from, notice_from
from heed_disposal.api.parts import day_of
from heed_disposal.api.verbs import CaseVerbs
from heed_disposal.application.desk import Desk
from heed_disposal.application.ports import CaseStore
from heed_disposal.domain import clocks, major_reports, procedure, supervision
from heed_disposal.domain.case import Case
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.procedure_terms import (
    ReopenGround,
    ReportStage,
    ServiceMethod,
    SupervisionKind,
)
from heed_disposal.domain.transitions import Action
from heed_shared.clock import Clock, local_day
from heed_shared.identity import Caller, current_caller

Context = grpc.aio.ServicerContext[Any, Any]


class ProcedureRpcs(DisposalServiceServicer):
    """Part of the servicer."""

    _verbs: CaseVerbs
    _book: Handbook
    _clock: Clock
    _desk: Desk

    async def ObjectToRoute(
        self, request: pb.ObjectToRouteRequest, _context: Context
    ) -> pb.ObjectToRouteResponse:
        """Say that the matter is not this unit's."""
        return await self._verbs.on_case(
            request,
            pb.ObjectToRouteResponse,
            Action.OBJECT,
            lambda case, act: procedure.object_to_route(
                case, request.reason, request.competent_unit, act, self._book
            ),
        )

    async def DecideObjection(
        self, request: pb.DecideObjectionRequest, _context: Context
    ) -> pb.DecideObjectionResponse:
        """Agree with an objection or refuse it."""
        action = Action.AGREE_TO_OBJECTION if request.agreed else Action.REFUSE_OBJECTION
        return await self._verbs.on_case(
            request,
            pb.DecideObjectionResponse,
            action,
            lambda case, act: procedure.decide_objection(
                case, request.reason, act, agreed=request.agreed
            ),
        )

    async def NotifyPetitioner(
        self, request: pb.NotifyPetitionerRequest, _context: Context
    ) -> pb.NotifyPetitionerResponse:
        """Record a notice that ends or diverts the case."""
        notice = notice_from(request.notice)
        return await self._verbs.on_case(
            request,
            pb.NotifyPetitionerResponse,
            procedure.NOTICE_ACTIONS[notice.kind],
            lambda case, act: procedure.notify(case, notice, act, self._book),
        )

    async def ServeOpinion(
        self, request: pb.ServeOpinionRequest, _context: Context
    ) -> pb.ServeOpinionResponse:
        """Record the service of the opinion."""
        on = request.served_on
        delivery = procedure.Delivery(
            method=ServiceMethod(request.method),
            served_on=day_of(on, "served_on") if on else local_day(self._clock.now()),
            note=request.note,
        )
        return await self._verbs.on_case(
            request,
            pb.ServeOpinionResponse,
            Action.SERVE,
            lambda case, act: procedure.serve(case, delivery, act, self._book),
        )

    async def ExtendDeadline(
        self, request: pb.ExtendDeadlineRequest, _context: Context
    ) -> pb.ExtendDeadlineResponse:
        """Extend a clock once."""
        approver = request.approved_by
        extension = clocks.Extension(
            code=request.code,
            days=request.days,
            reason=request.reason,
            approved_by=actor_from(approver) if request.HasField("approved_by") else None,
        )
        return await self._verbs.on_case(
            request,
            pb.ExtendDeadlineResponse,
            Action.EXTEND_DEADLINE,
            lambda case, act: clocks.extend(case, extension, act, self._book),
        )

    async def PauseDeadline(
        self, request: pb.PauseDeadlineRequest, _context: Context
    ) -> pb.PauseDeadlineResponse:
        """Stop a clock for a cause that its rule names."""
        return await self._verbs.on_case(
            request,
            pb.PauseDeadlineResponse,
            Action.PAUSE_DEADLINE,
            lambda case, act: clocks.pause(
                case, request.code, request.cause, request.reason, act, self._book
            ),
        )

    async def ResumeDeadline(
        self, request: pb.ResumeDeadlineRequest, _context: Context
    ) -> pb.ResumeDeadlineResponse:
        """Let a paused clock go on."""
        return await self._verbs.on_case(
            request,
            pb.ResumeDeadlineResponse,
            Action.RESUME_DEADLINE,
            lambda case, act: clocks.resume(case, request.code, request.reason, act, self._book),
        )

    async def ReopenCase(
        self, request: pb.ReopenCaseRequest, _context: Context
    ) -> pb.ReopenCaseResponse:
        """Open a concluded case again."""
        ground = ReopenGround(request.ground)
        roles = frozenset(current_caller().roles)
        return await self._verbs.on_case(
            request,
            pb.ReopenCaseResponse,
            Action.REOPEN,
            lambda case, act: procedure.reopen(
                case, ground, request.reason, act, self._book, roles
            ),
        )

    async def SuperviseCase(
        self, request: pb.SuperviseCaseRequest, _context: Context
    ) -> pb.SuperviseCaseResponse:
        """Record a supervision suggestion."""
        due_on = request.answer_due_on
        suggestion = supervision.Suggestion(
            kind=SupervisionKind(request.kind),
            text=request.text,
            answer_due_on=day_of(due_on, "answer_due_on") if due_on else None,
        )
        return await self._verbs.on_case(
            request,
            pb.SuperviseCaseResponse,
            Action.SUPERVISE,
            lambda case, act: supervision.supervise(case, suggestion, act, self._book),
        )

    async def AnswerSupervision(
        self, request: pb.AnswerSupervisionRequest, _context: Context
    ) -> pb.AnswerSupervisionResponse:
        """Record the unit's written answer."""
        return await self._verbs.on_case(
            request,
            pb.AnswerSupervisionResponse,
            Action.ANSWER_SUPERVISION,
            lambda case, act: supervision.answer(
                case, request.supervision, request.text, act, adopted=request.adopted
            ),
        )

    async def FileClosingReport(
        self, request: pb.FileClosingReportRequest, _context: Context
    ) -> pb.FileClosingReportResponse:
        """File the report that an assigned case owes."""
        return await self._verbs.on_case(
            request,
            pb.FileClosingReportResponse,
            Action.FILE_CLOSING_REPORT,
            lambda case, act: procedure.file_closing_report(case, request.text, act),
        )

    async def ReportMajorMatter(
        self, request: pb.ReportMajorMatterRequest, _context: Context
    ) -> pb.ReportMajorMatterResponse:
        """Record that the leadership was told of a major or urgent matter."""
        told = major_reports.Told(
            ReportStage(request.stage), tuple(request.addressees), request.text
        )
        return await self._verbs.on_case(
            request,
            pb.ReportMajorMatterResponse,
            Action.REPORT_MAJOR_MATTER,
            lambda case, act: major_reports.report(case, told, act),
        )

    async def ArchiveCase(
        self, request: pb.ArchiveCaseRequest, _context: Context
    ) -> pb.ArchiveCaseResponse:
        """Archive a concluded case."""
        return await self._verbs.on_case(
            request, pb.ArchiveCaseResponse, Action.ARCHIVE, procedure.archive
        )

    async def LinkCase(self, request: pb.LinkCaseRequest, _context: Context) -> pb.LinkCaseResponse:
        """Make a case the child of another, or take that back."""

        async def change(store: CaseStore, caller: Caller) -> Case:
            return await self._desk.link(
                store, caller, request.name, request.etag, request.parent, request.reason
            )

        return await self._verbs.once(request, pb.LinkCaseResponse, change)
