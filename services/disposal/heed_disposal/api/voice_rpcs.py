# ruff: noqa: N802 - methods are named as in the contract
"""The RPCs of ratings, lessons, the history of a case and the watchdog over broken clocks."""

from datetime import datetime
from typing import Any
from uuid import UUID

import grpc
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources
from heed.disposal.v1.disposal_service_pb2_grpc import DisposalServiceServicer

from heed_disposal.api import pages
from heed_disposal.api.listing import Reference
from heed_disposal.api.parts import actor, day_of, timestamp
from heed_disposal.api.texts import require_plain_texts
from heed_disposal.api.verbs import CaseVerbs
from heed_disposal.application.desk import Desk
from heed_disposal.application.escalating import Watch
from heed_disposal.application.ports import NumberedStep
from heed_disposal.application.voices import (
    LessonFilter,
    LessonPosition,
    RatingFilter,
    RatingPosition,
    ToldLesson,
    ToldRating,
    Voices,
)
from heed_disposal.domain import voices
from heed_disposal.domain.procedure_terms import RatingGrade
from heed_disposal.domain.transitions import Action
from heed_shared.clock import day_end, day_start
from heed_shared.errors import BadPageToken
from heed_shared.identity import current_caller
from heed_shared.ids import resource_name
from heed_shared.paging import PageTokens, page_size

Context = grpc.aio.ServicerContext[Any, Any]


class VoiceRpcs(DisposalServiceServicer):
    """Part of the servicer."""

    _verbs: CaseVerbs
    _desk: Desk
    _reference: Reference
    _tokens: PageTokens
    _voices: Voices
    _watch: Watch

    async def RateCase(self, request: pb.RateCaseRequest, _context: Context) -> pb.RateCaseResponse:
        """Record how the petitioner rates office and unit."""
        office, unit = RatingGrade(request.office), RatingGrade(request.unit)
        return await self._verbs.on_case(
            request,
            pb.RateCaseResponse,
            Action.RATE,
            lambda case, act: voices.rate(case, office, unit, request.comment, act),
        )

    async def RecordLesson(
        self, request: pb.RecordLessonRequest, _context: Context
    ) -> pb.RecordLessonResponse:
        """Record what was learned."""
        return await self._verbs.on_case(
            request,
            pb.RecordLessonResponse,
            Action.RECORD_LESSON,
            lambda case, act: voices.record_lesson(
                case, request.text, request.proposal, request.addressee, act
            ),
        )

    async def ListRatings(
        self, request: pb.ListRatingsRequest, _context: Context
    ) -> pb.ListRatingsResponse:
        """Return ratings, latest first."""
        caller = current_caller()
        region = self._reference.visible_prefix(caller, request.region_prefix)
        wanted = RatingFilter(
            region_prefix=region,
            begin=_begin(request.from_day, "from_day"),
            end=_end(request.to_day, "to_day"),
        )
        token = pages.Pages(self._tokens, "ListRatings")
        position = token.after(request, request.page_token, region)
        after = None
        if position is not None:
            rated_at, uid = _parts(position, 2)
            after = RatingPosition(datetime.fromisoformat(rated_at), UUID(uid))
        size = page_size(request.page_size)
        found = await self._voices.ratings(wanted, after, size + 1)
        answer = pb.ListRatingsResponse(ratings=[_rating(item) for item in found[:size]])
        if len(found) > size:
            last = found[size - 1]
            key: pages.Position = [last.rating.rated_at.isoformat(), str(last.uid)]
            answer.next_page_token = token.next(request, region, key)
        return answer

    async def ListLessons(
        self, request: pb.ListLessonsRequest, _context: Context
    ) -> pb.ListLessonsResponse:
        """Return lessons, latest first."""
        require_plain_texts(request)
        region = self._reference.visible_prefix(current_caller(), request.region_prefix)
        code = self._reference.known_category(request.category_code)
        token = pages.Pages(self._tokens, "ListLessons")
        position = token.after(request, request.page_token, region)
        after = LessonPosition(int(_parts(position, 1)[0])) if position is not None else None
        size = page_size(request.page_size)
        found = await self._voices.lessons(LessonFilter(region, code), after, size + 1)
        answer = pb.ListLessonsResponse(lessons=[_lesson(item) for item in found[:size]])
        if len(found) > size:
            answer.next_page_token = token.next(request, region, [found[size - 1].number])
        return answer

    async def GetDeadlineEscalationStatus(
        self, _request: pb.GetDeadlineEscalationStatusRequest, _context: Context
    ) -> pb.GetDeadlineEscalationStatusResponse:
        """Tell whether every broken clock was escalated, in the caller's region."""
        status = await self._watch.status(current_caller().region_prefix)
        return pb.GetDeadlineEscalationStatusResponse(
            checked_at=timestamp(status.checked_at),
            broken_count=status.broken,
            escalated_count=status.escalated,
            missing=status.missing,
        )

    async def ListCaseSteps(
        self, request: pb.ListCaseStepsRequest, _context: Context
    ) -> pb.ListCaseStepsResponse:
        """Return every step of a case, oldest first."""
        caller = current_caller()
        case = await self._desk.get(caller, request.name)
        token = pages.Pages(self._tokens, "ListCaseSteps")
        position = token.after(request, request.page_token, caller.region_prefix)
        after = int(_parts(position, 1)[0]) if position is not None else 0
        size = page_size(request.page_size)
        found = await self._desk.reader.steps(case.key, after, size + 1)
        answer = pb.ListCaseStepsResponse(steps=[_step(item) for item in found[:size]])
        if len(found) > size:
            last: pages.Position = [found[size - 1].number]
            answer.next_page_token = token.next(request, caller.region_prefix, last)
        return answer


def _begin(text: str, field: str) -> datetime | None:
    return day_start(day_of(text, field)) if text else None


def _end(text: str, field: str) -> datetime | None:
    return day_end(day_of(text, field)) if text else None


def _parts(position: pages.Position, count: int) -> list[str]:
    if len(position) != count:
        raise BadPageToken
    return [str(part) for part in position]


def _rating(source: ToldRating) -> resources.Rating:
    return resources.Rating(
        case=resource_name("cases", source.region, source.uid),
        office=resources.Rating.Grade.ValueType(int(source.rating.office)),
        unit=resources.Rating.Grade.ValueType(int(source.rating.unit)),
        comment=source.rating.comment,
        rated_at=timestamp(source.rating.rated_at),
    )


def _lesson(source: ToldLesson) -> resources.Lesson:
    return resources.Lesson(
        case=resource_name("cases", source.region, source.uid),
        category_code=source.category_code,
        text=source.lesson.text,
        proposal=source.lesson.proposal,
        addressee=source.lesson.addressee,
        recorded_by=actor(source.lesson.recorded_by),
        recorded_at=timestamp(source.lesson.recorded_at),
    )


def _step(source: NumberedStep) -> resources.CaseStep:
    step = source.step
    state = resources.Case.State.ValueType
    return resources.CaseStep(
        action=step.action,
        from_state=state(int(step.from_state)) if step.from_state else state(0),
        to_state=state(int(step.to_state)),
        actor=actor(step.actor),
        stepped_at=timestamp(step.at),
        note=step.note,
    )
