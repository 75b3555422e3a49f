"""One whole suite for all end-to-end tests: real Postgres, processes and TLS, replay clock."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest_asyncio
from google.protobuf.timestamp_pb2 import Timestamp
from heed.classifier.v1 import classifier_service_pb2_grpc
from heed.common.v1 import matter_pb2
from heed.disposal.v1 import disposal_service_pb2_grpc
from heed.feed.v1 import replay_service_pb2, replay_service_pb2_grpc
from heed.intake.v1 import intake_service_pb2, intake_service_pb2_grpc, resources_pb2
from heed.warning.v1 import warning_service_pb2_grpc

from heed_local.demo.feeds import FeedMonitor
from heed_local.launcher import SERVICES, Suite
from heed_local.simulator.city import TEXTS, City
from heed_shared.clock import SHANGHAI

START = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)


@dataclass
class Office:
    """The running suite with the stubs that the tests use, and its business time."""

    suite: Suite
    county: str
    now: datetime = START

    def __post_init__(self) -> None:
        channel = self.suite.channel
        self.intake = intake_service_pb2_grpc.IntakeServiceStub(channel("intake", "clerk"))
        self.portal = intake_service_pb2_grpc.IntakeServiceStub(channel("intake", "portal"))
        self.cases = disposal_service_pb2_grpc.DisposalServiceStub(channel("disposal", "officer"))
        self.warnings = warning_service_pb2_grpc.WarningServiceStub(channel("warning", "analyst"))
        self.sorter = classifier_service_pb2_grpc.ClassifierServiceStub(
            channel("classifier", "officer")
        )
        self.feeds = FeedMonitor(self.suite)

    async def advance(self, to: datetime) -> None:
        """Moves the business clock of all four services."""
        self.now = to
        stamp = Timestamp()
        stamp.FromDatetime(to.astimezone(UTC))
        for service in SERVICES:
            channel = self.suite.channel(service, "operator")
            stub = replay_service_pb2_grpc.ReplayServiceStub(channel)
            await stub.AdvanceClock(replay_service_pb2.AdvanceClockRequest(to=stamp))

    async def next_day(self) -> date:
        """Closes the present day; returns it."""
        day = self.now.astimezone(SHANGHAI).date()
        midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), SHANGHAI)
        await self.advance(midnight)
        return day

    def registration(
        self, facts: str, request: str = "请求解决", **fields: object
    ) -> intake_service_pb2.RegisterPetitionRequest:
        """A valid registration for the test county, received now."""
        submission = resources_pb2.PetitionSubmission(
            region_code=self.county,
            channel=matter_pb2.CHANNEL_WEB,
            request=request,
            facts=facts,
        )
        submission.received_at.FromDatetime(self.now.astimezone(UTC))
        for name, value in fields.items():
            setattr(submission, name, value)
        return intake_service_pb2.RegisterPetitionRequest(
            request_id=str(uuid.uuid4()), submission=submission
        )


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def office(tmp_path_factory: object) -> AsyncIterator[Office]:
    root: Path = tmp_path_factory.mktemp("suite")  # type: ignore[attr-defined]
    city = City()
    city.write_regions(root / "regions.csv")
    county = "9H0101"
    suite = Suite(
        clock="replay",
        replay_start=START,
        regions=root / "regions.csv",
        environment={"HEED_ORGANISATION": str(TEXTS / "organisation.csv")},
        collect_spans=True,
        fsync=False,
    )
    async with suite:
        yield Office(suite, county)
