"""Disposal on a loopback port over mutual TLS with a database of its own, for tests of its RPCs."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import grpc
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources
from heed.disposal.v1.disposal_service_pb2_grpc import DisposalServiceStub
from heed.feed.v1 import replay_service_pb2 as replay_pb
from heed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from heed.feed.v1.replay_service_pb2_grpc import ReplayServiceStub

from heed_disposal.main import build
from heed_disposal.settings import DisposalSettings
from heed_local.authority import Authority
from heed_shared.database import Database
from heed_shared.rpc.client import TlsFiles, open_channel_for
from heed_shared.rpc.server import Service, serve
from heed_shared.settings import load_settings
from tests.database_templates import MadeDatabase
from tests.disposal.builders import MONDAY, REGION, UNIT, at, petition

PERSONS: dict[str, tuple[str, str, str]] = {
    "officer": ("王某", "信访局", "ROLE_CASE_OFFICER"),
    "second-officer": ("李某", "信访局", "ROLE_CASE_OFFICER"),
    "handler": ("张某", UNIT, "ROLE_UNIT_HANDLER"),
    "leader": ("赵某", "信访局", "ROLE_LEADER"),
    "supervisor": ("孙某", "督查室", "ROLE_SUPERVISOR"),
    "analyst": ("周某", "研判室", "ROLE_ANALYST"),
    "operator": ("吴某", "信息中心", "ROLE_OPERATOR"),
    "clerk": ("钱某", "信访局", "ROLE_INTAKE_CLERK"),
    "portal": ("", "门户", "ROLE_PORTAL"),
}


def new_id() -> str:
    """A fresh request_id."""
    return str(uuid.uuid4())


@dataclass
class Serving:
    """Disposal that serves, and the persons who call it."""

    service: Service
    authority: Authority
    database: Database
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    channels: dict[tuple[str, str], grpc.aio.Channel] = field(default_factory=dict)

    def channel(self, person: str, region: str = "") -> grpc.aio.Channel:
        """A channel for a person, or without a token for a service such as ``service/intake``."""
        if (person, region) not in self.channels:
            self.channels[person, region] = self._open(person, region)
        return self.channels[person, region]

    def _open(self, person: str, region: str) -> grpc.aio.Channel:
        client = person.removeprefix("service/") if "/" in person else "client"
        folder = self.authority.directory
        tls = TlsFiles(folder / f"{client}.pem", folder / f"{client}.key", self.authority.ca)
        token = ""
        if person in PERSONS:
            name, unit, role = PERSONS[person]
            token = self.authority.token(f"staff/{person}", name, unit, [role], region)
        return open_channel_for(tls, f"127.0.0.1:{self.service.port}", token)

    def stub(self, person: str = "officer", region: str = "") -> DisposalServiceStub:
        """The service as a person calls it."""
        return DisposalServiceStub(self.channel(person, region))

    def feeds(self, person: str) -> FeedServiceStub:
        """The feeds as a service or person reads them."""
        return FeedServiceStub(self.channel(person))

    async def advance(self, to: datetime) -> None:
        """Move the business clock."""
        request = replay_pb.AdvanceClockRequest()
        request.to.FromDatetime(to)
        await ReplayServiceStub(self.channel("operator")).AdvanceClock(request)

    async def opened(self, number: int = 0, region: str = REGION, **changes: Any) -> resources.Case:
        """Open a case by hand; 0 means of a matter that has none yet."""
        request = open_request(number or next(self.numbers), region, **changes)
        answer = await self.stub().OpenCase(request)
        return answer.case

    async def routed(self, case: resources.Case | None = None) -> resources.Case:
        """Send a case to the unit."""
        case = case or await self.opened()
        answer = await self.stub().RouteCase(route_request(case))
        return answer.case

    async def accepted(self, case: resources.Case | None = None) -> resources.Case:
        """Have the unit accept a case."""
        case = case or await self.routed()
        request = pb.AcceptCaseRequest(**on(case))
        return (await self.stub("handler").AcceptCase(request)).case

    async def answered(self, case: resources.Case | None = None) -> resources.Case:
        """Have the unit answer a case."""
        request = opinion_request(case or await self.accepted())
        return (await self.stub("handler").IssueOpinion(request)).case

    async def served(self, case: resources.Case | None = None) -> resources.Case:
        """Have the unit serve its opinion."""
        case = case or await self.answered()
        request = pb.ServeOpinionRequest(**on(case), method=resources.Service.METHOD_IN_PERSON)
        return (await self.stub("handler").ServeOpinion(request)).case

    async def review_requested(self, case: resources.Case | None = None) -> resources.Case:
        """Have the petitioner ask for a review."""
        case = case or await self.served()
        request = pb.RequestReviewRequest(
            **on(case), reason="答复与事实不符", reviewing_unit="市住建局"
        )
        return (await self.stub().RequestReview(request)).case

    async def reviewed(
        self,
        case: resources.Case | None = None,
        result: resources.Review.Result.ValueType = resources.Review.RESULT_UPHELD,
    ) -> resources.Case:
        """Have the next higher unit issue its review."""
        case = case or await self.review_requested()
        request = pb.IssueReviewRequest(
            **on(case), result=result, text="经复查", legal_basis="信访工作条例第三十五条"
        )
        return (await self.stub("second-officer").IssueReview(request)).case

    async def recheck_requested(self, case: resources.Case | None = None) -> resources.Case:
        """Have the petitioner ask for a re-check."""
        case = case or await self.reviewed()
        request = pb.RequestRecheckRequest(**on(case), reason="仍不服", rechecking_unit="省住建厅")
        return (await self.stub().RequestRecheck(request)).case

    async def concluded(self, case: resources.Case | None = None) -> resources.Case:
        """Have an officer close a case that was answered and served."""
        case = case or await self.served()
        request = pb.CloseCaseRequest(**on(case), reason="已答复并送达")
        return (await self.stub().CloseCase(request)).case

    async def followed_up(self, case: resources.Case | None = None) -> resources.Case:
        """Have a supervisor ask and be declined, so that nothing is planned any more."""
        case = case or await self.concluded()
        request = pb.RecordFollowUpRequest(
            **on(case),
            follow_up=case.follow_ups[-1].name,
            result=resources.FollowUp.RESULT_DECLINED,
        )
        return (await self.stub("supervisor").RecordFollowUp(request)).case

    async def planned(self, case: resources.Case | None = None) -> resources.Case:
        """Plan a measure for a case."""
        case = case or await self.accepted()
        return (await self.stub().PlanMeasure(plan_request(case))).case

    async def approved(self, case: resources.Case | None = None) -> resources.Case:
        """Have the leader approve the last measure of a case."""
        case = case or await self.planned()
        request = pb.ApproveMeasureRequest(**on(case), measure=case.measures[-1].name)
        return (await self.stub("leader").ApproveMeasure(request)).case

    async def started(self, case: resources.Case | None = None) -> resources.Case:
        """Begin the last measure of a case."""
        case = case or await self.approved()
        request = pb.StartMeasureRequest(**on(case), measure=case.measures[-1].name)
        return (await self.stub().StartMeasure(request)).case


def on(case: resources.Case) -> dict[str, Any]:
    """What every verb says of its case."""
    return {"name": case.name, "etag": case.etag, "request_id": new_id()}


def open_request(number: int = 1, region: str = REGION, **changes: Any) -> pb.OpenCaseRequest:
    """A case to open by hand."""
    request = pb.OpenCaseRequest(
        request_id=new_id(),
        matter=f"{petition(number, region)}/matters/1",
        category_code="01",
        title="交房两年仍未办下房产证",
    )
    request.received_at.FromDatetime(changes.pop("received_at", MONDAY))
    for name, value in changes.items():
        setattr(request, name, value)
    return request


def route_request(case: resources.Case, **changes: Any) -> pb.RouteCaseRequest:
    """A transfer to the unit."""
    told: dict[str, Any] = {"unit": UNIT, "kind": pb.ROUTE_KIND_TRANSFER} | changes
    return pb.RouteCaseRequest(**on(case), **told)


def opinion_request(case: resources.Case) -> pb.IssueOpinionRequest:
    """An opinion that supports the request."""
    return pb.IssueOpinionRequest(
        **on(case),
        outcome=resources.Opinion.OUTCOME_SUPPORTED,
        text="经核实,予以办理。",
        legal_basis="不动产登记暂行条例",
    )


def plan_request(case: resources.Case, **changes: Any) -> pb.PlanMeasureRequest:
    """A visit to the site."""
    told: dict[str, Any] = {
        "kind": resources.Measure.KIND_SITE_VISIT,
        "title": "到小区核实",
        "purpose": "查明办证进度",
        "owner_unit": UNIT,
        "due_on": "2026-09-30",
        "details": visit_details(),
    }
    return pb.PlanMeasureRequest(**on(case), **(told | changes))


def visit_details() -> resources.MeasureDetails:
    """Two members of staff go to the place of the problem."""
    details = resources.MeasureDetails()
    details.site_visit.staff.extend(["staff/handler", "staff/inspector"])
    details.site_visit.place = "某小区三号楼"
    details.site_visit.starts_at.FromDatetime(at("2026-09-28"))
    return details


@asynccontextmanager
async def serving(
    authority: Authority, made: MadeDatabase, start: datetime = MONDAY
) -> AsyncIterator[Serving]:
    """Serve until the block ends; peers are not there, so nothing comes in by the feeds."""
    environ = authority.environment("disposal") | {
        "HEED_DATABASE_URL": made["url"],
        "HEED_CLOCK": "replay",
        "HEED_REPLAY_START": start.isoformat(),
        "HEED_SHUTDOWN_GRACE_S": "2",
        **{f"HEED_{peer}_TARGET": "127.0.0.1:1" for peer in ("INTAKE", "CLASSIFIER", "WARNING")},
    }
    settings = load_settings(DisposalSettings, environ)
    database = await Database.open(made["url"], made["schema"], 5)
    folder = authority.directory
    tls = TlsFiles(folder / "disposal.pem", folder / "disposal.key", authority.ca)
    channels = {
        peer: open_channel_for(tls, "127.0.0.1:1") for peer in ("intake", "classifier", "warning")
    }
    service = build(settings, database, channels)
    ready, stop = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(serve(service, ready=ready, stop=stop))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    if task.done():
        task.result()
    running = Serving(service, authority, database)
    try:
        yield running
    finally:
        for channel in running.channels.values():
            await channel.close()
        stop.set()
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await task
        for channel in channels.values():
            await channel.close()
        await database.close()
