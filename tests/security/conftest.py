"""One whole suite that is attacked over the wire: real processes, Postgres and TLS."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from heed.common.v1 import matter_pb2
from heed.disposal.v1 import disposal_service_pb2, disposal_service_pb2_grpc
from heed.intake.v1 import intake_service_pb2, intake_service_pb2_grpc, resources_pb2

from heed_local.launcher import Suite
from heed_local.simulator.city import City
from tests.security.attacker import Attacker, Target

SECRET = "某小区三号楼的供水管道已经破裂九天"


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def attacker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Attacker]:
    root: Path = tmp_path_factory.mktemp("attacked")
    City().write_regions(root / "regions.csv")
    # As deployed: the launcher opens reflection to developers.
    closed = {"HEED_DEVELOPMENT": "false"}
    regions = root / "regions.csv"
    async with Suite(regions=regions, environment=closed, fsync=False) as suite:
        yield Attacker(suite, await a_target(suite))


async def a_target(suite: Suite) -> Target:
    """Register what the attacker is after, and open a case on something of the same county."""
    clerk = intake_service_pb2_grpc.IntakeServiceStub(suite.channel("intake", "clerk"))
    submission = resources_pb2.PetitionSubmission(
        region_code="9H0101",
        channel=matter_pb2.CHANNEL_WEB,
        request="请求尽快修复",
        facts=SECRET,
        petitioner=resources_pb2.Petitioner(display_name="高某某", contact="13800138000"),
    )
    submission.received_at.FromDatetime(datetime.now(UTC))
    request = intake_service_pb2.RegisterPetitionRequest(
        request_id=str(uuid.uuid4()), submission=submission
    )
    registered = await clerk.RegisterPetition(request)
    accusation = resources_pb2.PetitionSubmission()
    accusation.CopyFrom(submission)
    accusation.declared_nature = matter_pb2.NATURE_ACCUSATION
    sealed = await clerk.RegisterPetition(
        intake_service_pb2.RegisterPetitionRequest(
            request_id=str(uuid.uuid4()), submission=accusation
        )
    )
    officer = disposal_service_pb2_grpc.DisposalServiceStub(suite.channel("disposal", "officer"))
    cases: list[str] = []
    while not cases:
        listed = await officer.ListCases(disposal_service_pb2.ListCasesRequest())
        cases = [case.name for case in listed.cases]
    return Target(
        petition=registered.petition.name,
        receipt_number=registered.petition.receipt_number,
        query_code=registered.query_code,
        sealed=sealed.petition.name,
        case=cases[0],
        registration=request,
    )
