# ruff: noqa: N802 - methods are named as in the contract
"""DisposalService: converts, calls a use case, converts."""

from collections.abc import Sequence
from typing import Any

import grpc
from heed.disposal.v1 import disposal_service_pb2 as pb

from heed_disposal.api import convert
from heed_disposal.api.convert_procedure import actor_from
from heed_disposal.api.document_rpcs import DocumentRpcs
from heed_disposal.api.effect_rpcs import EffectRpcs
from heed_disposal.api.listing import Listing, Reference
from heed_disposal.api.measure_rpcs import MeasureRpcs
from heed_disposal.api.parts import day_of, moment_of
from heed_disposal.api.performance_rpcs import PerformanceRpcs
from heed_disposal.api.procedure_rpcs import ProcedureRpcs
from heed_disposal.api.review_rpcs import ReviewRpcs
from heed_disposal.api.verbs import CaseVerbs
from heed_disposal.api.voice_rpcs import VoiceRpcs
from heed_disposal.application.desk import Desk
from heed_disposal.application.effects import Effects
from heed_disposal.application.escalating import Watch
from heed_disposal.application.performance import FigureCounts
from heed_disposal.application.ports import Workshop
from heed_disposal.application.voices import Voices
from heed_disposal.domain import handling
from heed_disposal.domain.documents import Templates
from heed_disposal.domain.figures import FigureDefinition
from heed_disposal.domain.opening import MatterFacts
from heed_disposal.domain.procedure_terms import RouteKind
from heed_disposal.domain.terms import Finding, FollowUpResult, Grade, Level, Nature, Outcome
from heed_disposal.domain.transitions import Action
from heed_shared.identity import current_caller
from heed_shared.ids import parse_resource_name
from heed_shared.paging import PageTokens

Context = grpc.aio.ServicerContext[Any, Any]


class DisposalServicer(
    MeasureRpcs,
    ProcedureRpcs,
    ReviewRpcs,
    VoiceRpcs,
    PerformanceRpcs,
    DocumentRpcs,
    EffectRpcs,
):
    """The servicer."""

    def __init__(
        self,
        desk: Desk,
        workshop: Workshop,
        reference: Reference,
        tokens: PageTokens,
        voices: Voices,
        watch: Watch,
        figures: Sequence[FigureDefinition],
        counts: FigureCounts,
        templates: Templates,
        effects: Effects,
    ) -> None:
        self._desk = desk
        self._tokens = tokens
        self._voices = voices
        self._watch = watch
        self._figures = figures
        self._counts = counts
        self._templates = templates
        self._effects = effects
        self._verbs = CaseVerbs(desk, workshop)
        self._reference = reference
        self._listing = Listing(desk, reference, tokens)
        self._book = desk.handbook
        self._clock = desk.clock

    async def OpenCase(self, request: pb.OpenCaseRequest, _context: Context) -> pb.OpenCaseResponse:
        """Open a case by hand."""
        petition = request.matter.partition("/matters/")[0]
        region, _ = parse_resource_name(petition, "petitions", "matter")
        self._reference.regions.get(region)
        facts = MatterFacts(
            matter=request.matter,
            petition=petition,
            region_code=region,
            category_code=self._reference.known_category(request.category_code),
            title=request.title,
            received_at=moment_of(request.received_at, "received_at"),
            nature=Nature.APPEAL_REQUEST,
        )
        return await self._verbs.once(
            request,
            pb.OpenCaseResponse,
            lambda store, caller: self._desk.open(store, caller, facts),
        )

    async def GetCase(self, request: pb.GetCaseRequest, _context: Context) -> pb.GetCaseResponse:
        """Return one case."""
        case = await self._desk.get(current_caller(), request.name)
        answer = pb.GetCaseResponse(case=convert.case(case, self._desk.clock.now()))
        answer.case.children.extend(await self._desk.reader.children(case.name))
        return answer

    async def ListCases(
        self, request: pb.ListCasesRequest, _context: Context
    ) -> pb.ListCasesResponse:
        """Return cases, latest opened first."""
        return await self._listing.cases(current_caller(), request)

    async def ListDeadlines(
        self, request: pb.ListDeadlinesRequest, _context: Context
    ) -> pb.ListDeadlinesResponse:
        """Return running deadlines, what burns most first."""
        return await self._listing.deadlines(current_caller(), request)

    async def ListPlaybooks(
        self, request: pb.ListPlaybooksRequest, _context: Context
    ) -> pb.ListPlaybooksResponse:
        """Return the playbooks."""
        code = self._reference.known_category(request.category_code)
        books = self._book.playbooks.for_category(code)
        return pb.ListPlaybooksResponse(playbooks=[convert.playbook(book) for book in books])

    async def AcceptCase(
        self, request: pb.AcceptCaseRequest, _context: Context
    ) -> pb.AcceptCaseResponse:
        """Accept a case for handling."""
        return await self._verbs.on_case(
            request,
            pb.AcceptCaseResponse,
            Action.ACCEPT,
            lambda case, act: handling.accept(case, act, self._book),
        )

    async def RouteCase(
        self, request: pb.RouteCaseRequest, _context: Context
    ) -> pb.RouteCaseResponse:
        """Send a case to the competent unit."""
        due_on = request.report_due_on
        routing = handling.Routing(
            unit=request.unit,
            kind=RouteKind(request.kind),
            report_due_on=day_of(due_on, "report_due_on") if due_on else None,
        )
        return await self._verbs.on_case(
            request,
            pb.RouteCaseResponse,
            Action.ROUTE,
            lambda case, act: handling.route(case, routing, act, self._book),
        )

    async def AssessCase(
        self, request: pb.AssessCaseRequest, _context: Context
    ) -> pb.AssessCaseResponse:
        """Sign an assessment."""
        signed = handling.Signed(
            severity=Grade(request.severity),
            scope=Grade(request.scope),
            development=Grade(request.development),
            level=Level(request.response_level),
            reasons=tuple(request.reasons),
            second_reader=(
                actor_from(request.second_reader) if request.HasField("second_reader") else None
            ),
        )
        return await self._verbs.on_case(
            request,
            pb.AssessCaseResponse,
            Action.ASSESS,
            lambda case, act: handling.assess(case, signed, act, self._book),
        )

    async def IssueOpinion(
        self, request: pb.IssueOpinionRequest, _context: Context
    ) -> pb.IssueOpinionResponse:
        """Issue the dated written answer."""
        answer = handling.Answer(
            outcome=Outcome(request.outcome),
            text=request.text,
            legal_basis=request.legal_basis,
        )
        return await self._verbs.on_case(
            request,
            pb.IssueOpinionResponse,
            Action.ISSUE_OPINION,
            lambda case, act: handling.issue_opinion(case, answer, act, self._book),
        )

    async def ScheduleFollowUp(
        self, request: pb.ScheduleFollowUpRequest, _context: Context
    ) -> pb.ScheduleFollowUpResponse:
        """Plan a follow-up."""
        on = day_of(request.scheduled_on, "scheduled_on")
        return await self._verbs.on_case(
            request,
            pb.ScheduleFollowUpResponse,
            Action.SCHEDULE_FOLLOW_UP,
            lambda case, act: handling.schedule_follow_up(case, on, request.occasion, act),
        )

    async def RecordFollowUp(
        self, request: pb.RecordFollowUpRequest, _context: Context
    ) -> pb.RecordFollowUpResponse:
        """Record what a follow-up found."""
        number = convert.part_number(request.follow_up, request.name, "followUps", "follow_up")
        result = FollowUpResult(request.result)
        return await self._verbs.on_case(
            request,
            pb.RecordFollowUpResponse,
            Action.RECORD_FOLLOW_UP,
            lambda case, act: handling.record_follow_up(
                case, number, result, request.note, act, self._book
            ),
        )

    async def CloseCase(
        self, request: pb.CloseCaseRequest, _context: Context
    ) -> pb.CloseCaseResponse:
        """Conclude a case."""
        finding = Finding(request.finding)
        return await self._verbs.on_case(
            request,
            pb.CloseCaseResponse,
            Action.CLOSE,
            lambda case, act: handling.close(case, request.reason, finding, act),
        )
