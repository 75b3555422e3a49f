"""What people of the office do in a case, each as one call; the case is read again when it moved.

An act that the case does not allow any more, because the petitioner withdrew or a person closed it
meanwhile, is left out and counted.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
from heed.common.v1 import actor_pb2
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1.disposal_service_pb2_grpc import DisposalServiceStub
from heed.disposal.v1.resources_pb2 import Case, FollowUp, Measure, Opinion, Rating, Service

from heed_local.launcher import Suite
from heed_shared.errors import reason_of

SECOND_READER: Final = actor_pb2.Actor(
    identity="staff/second-reader", display_name="李某", unit="信访局"
)
"""Who reads the assessment of an urgent or major matter before it is signed."""
FREE_KINDS: Final = (
    Measure.KIND_BACKLOG_CHECK,
    Measure.KIND_JOINT_RECEPTION,
    Measure.KIND_LEADER_TAKES_CASE,
    Measure.KIND_RELIEF,
    Measure.KIND_LEGAL_AID,
    Measure.KIND_POLICY_PROPOSAL,
    Measure.KIND_SUPERVISION,
)
"""Measures that begin without a visit, a meeting or a statement to be prepared."""
OVERTAKEN: Final = frozenset({"WRONG_STATE", "NOT_FOUND"})
"""Reasons for which an act is left out: somebody was faster."""


class Acts:
    """The acts; `done` counts them by the words of the office."""

    def __init__(self, suite: Suite) -> None:
        self.done: Counter[str] = Counter()
        self._stubs = {
            person: DisposalServiceStub(suite.channel("disposal", person))
            for person in ("officer", "handler", "leader", "supervisor", "portal")
        }

    async def fresh(self, name: str) -> Case:
        """Return a case as it now is."""
        answer = await self._stubs["officer"].GetCase(pb.GetCaseRequest(name=name), timeout=30)
        return answer.case

    async def _do(self, word: str, case: Case, person: str, rpc: str, **told: Any) -> Case:
        """Do one act as a person; read the case again if it moved, or leave the act out."""
        call: Callable[..., Awaitable[Any]] = getattr(self._stubs[person], rpc)
        request_type = getattr(pb, f"{rpc}Request")
        request_id = str(uuid.uuid4())
        for attempt in (1, 2):
            try:
                request = request_type(
                    name=case.name, etag=case.etag, request_id=request_id, **told
                )
                case = (await call(request, timeout=30)).case
            except grpc.aio.AioRpcError as error:
                reason = reason_of(error)
                if reason == "STALE_ETAG" and attempt == 1:
                    case = await self.fresh(case.name)
                    continue
                if reason not in OVERTAKEN:
                    raise
                self.done["未能办理"] += 1
            else:
                self.done[word] += 1
            break
        return case

    async def route(self, case: Case) -> Case:
        """The office sends it to the unit that the classifier proposed."""
        unit = case.proposed_unit or "责任单位"
        kind = pb.ROUTE_KIND_TRANSFER
        return await self._do("转送", case, "officer", "RouteCase", unit=unit, kind=kind)

    async def accept(self, case: Case) -> Case:
        """The unit, or the office itself, accepts it and tells the petitioner."""
        return await self._do("受理", case, "handler", "AcceptCase")

    async def answer(self, case: Case) -> Case:
        """The office answers an enquiry or a suggestion."""
        return await self._do(
            "答复",
            case,
            "officer",
            "IssueOpinion",
            outcome=Opinion.OUTCOME_EXPLAINED,
            text="已就所提问题答复。",
            legal_basis="《信访工作条例》第二十九条",
        )

    async def assess(self, case: Case) -> Case:
        """The office signs what the suite proposed."""
        proposed = case.assessment
        return await self._do(
            "评估",
            case,
            "officer",
            "AssessCase",
            severity=proposed.severity,
            scope=proposed.scope,
            development=proposed.development,
            response_level=proposed.response_level,
            reasons=list(proposed.reasons) or ["经核查,情况属实"],
            second_reader=SECOND_READER if proposed.second_reader_required else None,
        )

    async def approve(self, case: Case) -> Case:
        """The leader approves the first measure that can begin at once."""
        measure = _first(case, Measure.STATUS_PLANNED)
        if measure is None:
            return case
        return await self._do(
            "批准措施", case, "leader", "ApproveMeasure", measure=measure.name, note="同意"
        )

    async def start(self, case: Case) -> Case:
        """The office begins it."""
        measure = _first(case, Measure.STATUS_APPROVED)
        if measure is None:
            return case
        return await self._do("开始措施", case, "officer", "StartMeasure", measure=measure.name)

    async def complete(self, case: Case) -> Case:
        """The office completes it."""
        measure = _first(case, Measure.STATUS_STARTED)
        if measure is None:
            return case
        return await self._do(
            "完成措施",
            case,
            "officer",
            "CompleteMeasure",
            measure=measure.name,
            result="已按要求办结。",
            effect=Measure.EFFECT_PARTLY,
        )

    async def give_opinion(self, case: Case) -> Case:
        """The unit issues its opinion."""
        return await self._do(
            "出具意见",
            case,
            "handler",
            "IssueOpinion",
            outcome=Opinion.OUTCOME_SUPPORTED,
            text="经调查,反映的问题属实,已责成整改。",
            legal_basis="《信访工作条例》第三十二条",
        )

    async def serve(self, case: Case) -> Case:
        """The unit serves it."""
        method = Service.METHOD_IN_PERSON
        return await self._do("送达", case, "handler", "ServeOpinion", method=method)

    def rating(self, grade: int) -> Callable[[Case], Awaitable[Case]]:
        """The petitioner rates the unit."""

        async def rate(case: Case) -> Case:
            told = Rating.Grade.ValueType(grade)
            return await self._do("评价", case, "portal", "RateCase", unit=told)

        return rate

    def call_back(self, *, solved: bool) -> Callable[[Case], Awaitable[Case]]:
        """The supervisors ask what became of it."""
        result = FollowUp.RESULT_SOLVED if solved else FollowUp.RESULT_NOT_SOLVED

        async def ask(case: Case) -> Case:
            planned = [f.name for f in case.follow_ups if f.result == FollowUp.RESULT_UNSPECIFIED]
            if not planned:
                return case
            return await self._do(
                "回访", case, "supervisor", "RecordFollowUp", follow_up=planned[0], result=result
            )

        return ask

    async def close(self, case: Case) -> Case:
        """Somebody other than its handler concludes it."""
        return await self._do("办结", case, "supervisor", "CloseCase", reason="已答复并回访")


def _first(case: Case, status: Measure.Status.ValueType) -> Measure | None:
    free = (m for m in case.measures if m.status == status and m.kind in FREE_KINDS)
    return next(free, None)
