"""RegisterPetition as its callers see it."""

import asyncio
import uuid
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_shared.errors import info_of, reason_of
from tests.intake.conftest import NOW, Office, refusal, registration, wrong_fields

PERSON = {"display_name": "欧阳明月", "contact": "13912345678", "address": "幸福里小区3号楼501室"}


def stamp(seconds: int) -> Timestamp:
    """A time this many seconds from NOW."""
    return Timestamp(seconds=int(NOW.timestamp()) + seconds)


async def _register(
    office: Office, request: pb.RegisterPetitionRequest
) -> pb.RegisterPetitionResponse:
    return await office.stub().RegisterPetition(request)


async def _batch(
    office: Office, request: pb.BatchRegisterPetitionsRequest
) -> pb.BatchRegisterPetitionsResponse:
    return await office.stub().BatchRegisterPetitions(request)


async def test_a_petition_is_registered_with_number_and_code(office: Office) -> None:
    answer = await office.register(petitioner=PERSON, channel="CHANNEL_CALL")
    petition = answer.petition
    assert petition.receipt_number == "110105-2026-000001"
    assert petition.name.startswith("petitions/110105-")
    assert petition.state == resources.Petition.STATE_REGISTERED
    assert petition.handling_region_code == petition.region_code == "110105"
    assert petition.received_at == petition.registered_at == stamp(0)
    assert not petition.anonymous
    assert len(answer.query_code.replace("-", "")) == 12


async def test_what_was_stored_is_what_was_answered(office: Office) -> None:
    answer = await office.register(
        petitioner=PERSON,
        evidence=[{"file_name": "a.jpg", "media_type": "image/jpeg", "sha256": b"x" * 32}],
        external_id="A-17",
        people_bucket="PEOPLE_BUCKET_5_10",
        declared_nature="NATURE_SUGGESTION",
    )
    read = await office.stub().GetPetition(pb.GetPetitionRequest(name=answer.petition.name))
    assert read.petition == answer.petition


async def test_an_anonymous_petition_is_registered_too(office: Office) -> None:
    assert (await office.register()).petition.anonymous


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"request": " ", "facts": ""}, "submission"),
    ({"region_code": ""}, "submission.region_code"),
    ({"region_code": "1101"}, "submission.region_code"),
    ({"channel": 0}, "submission.channel"),
    ({"channel": 99}, "submission.channel"),
    ({"facts": "字" * 100_001}, "submission.facts"),
    ({"facts": "停水\0三天"}, "submission.facts"),
    ({"petitioner": {"display_name": "王\0"}}, "submission.petitioner.display_name"),
    ({"received_at": stamp(301)}, "submission.received_at"),
    ({"received_at": Timestamp(seconds=10**12)}, "submission.received_at"),
    ({"received_at": Timestamp(seconds=-(10**10))}, "submission.received_at"),
    # Representatives speak for several people (article 20), and there are five at most.
    ({"representatives": [PERSON]}, "submission"),
    (
        {"representatives": [PERSON] * 6, "people_bucket": "PEOPLE_BUCKET_5_10"},
        "submission.representatives",
    ),
    ({"office": "西城"}, "submission.office"),
]


async def test_wrong_fields_are_named(office: Office) -> None:
    for fields, wrong in WRONG:
        error = await refusal(office.stub().RegisterPetition(registration(**fields)))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, wrong
        assert reason_of(error) == "INVALID_FIELD"
        assert wrong_fields(error) == {wrong}
    assert await office.rows("SELECT 1 FROM intake.petition") == []


async def test_a_request_id_that_is_no_uuid_is_named(office: Office) -> None:
    error = await refusal(office.stub().RegisterPetition(registration("row 7")))
    assert wrong_fields(error) == {"request_id"}


async def test_an_unknown_region_is_named(office: Office) -> None:
    error = await refusal(office.stub().RegisterPetition(registration(region_code="999999")))
    assert reason_of(error) == "UNKNOWN_REGION"
    assert info_of(error).metadata["region_code"] == "999999"
    assert wrong_fields(error) == {"submission.region_code"}


async def test_nobody_registers_for_a_region_that_is_not_theirs(office: Office) -> None:
    clerk = office.caller(["ROLE_INTAKE_CLERK"], "310000")
    error = await refusal(clerk.RegisterPetition(registration()))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert reason_of(error) == "REGION_NOT_ALLOWED"
    assert await office.rows("SELECT 1 FROM intake.petition") == []


async def test_other_roles_register_nothing(office: Office) -> None:
    for identity in ("officer", "analyst", "operator", "service/classifier"):
        error = await refusal(office.stub(identity).RegisterPetition(registration()))
        assert reason_of(error) == "ROLE_REQUIRED", identity


async def test_without_identity_nothing_is_registered(office: Office) -> None:
    error = await refusal(office.stub("nobody").RegisterPetition(registration()))
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_any_text_that_can_be_stored_is_kept_as_it_is(office: Office) -> None:
    texts = {
        "longest": "字" * 100_000,
        "emoji": "停水😤三天👨‍👩‍👧",
        "control characters": "第一行\r\n第二行\t制表\x07响铃",
        "rare characters": "𠀀𪚥生僻字",
        "direction mark": "\u202e倒排",
    }
    for what, facts in texts.items():
        answer = await office.register(facts=facts)
        read = await office.stub().GetPetition(pb.GetPetitionRequest(name=answer.petition.name))
        assert read.petition.masked_facts == facts, what


@pytest.mark.parametrize("nature", ["NATURE_UNSPECIFIED", "NATURE_ACCUSATION"])
async def test_the_same_request_again_gets_the_same_answer(office: Office, nature: str) -> None:
    request = registration(petitioner=PERSON, declared_nature=nature)
    first = await office.stub().RegisterPetition(request)
    again = await office.stub().RegisterPetition(request)
    assert again == first
    counters = await office.rows("SELECT last_serial FROM intake.receipt_counter")
    assert [row["last_serial"] for row in counters] == [1]


@pytest.mark.parametrize("nature", ["NATURE_UNSPECIFIED", "NATURE_ACCUSATION"])
async def test_a_request_id_with_another_payload_is_refused(office: Office, nature: str) -> None:
    request_id = str(uuid.uuid4())
    await office.stub().RegisterPetition(registration(request_id, declared_nature=nature))
    error = await refusal(
        office.stub().RegisterPetition(registration(request_id, facts="另一件。"))
    )
    assert error.code() is grpc.StatusCode.ALREADY_EXISTS
    assert reason_of(error) == "REQUEST_ID_REUSED"


async def test_a_request_id_belongs_to_its_caller(office: Office) -> None:
    request = registration()
    first = await office.stub("clerk").RegisterPetition(request)
    other = await office.stub("portal").RegisterPetition(request)
    assert other.petition.name != first.petition.name


async def test_concurrent_duplicates_are_registered_once(office: Office) -> None:
    request = registration(petitioner=PERSON)
    batch = pb.BatchRegisterPetitionsRequest(requests=[request, request])
    in_batch = asyncio.ensure_future(_batch(office, batch))
    answers = await asyncio.gather(*(_register(office, request) for _ in range(20)))
    names = {answer.petition.name for answer in answers}
    names |= {result.registered.petition.name for result in (await in_batch).results}
    assert len(names) == 1
    assert len(await office.rows("SELECT 1 FROM intake.petition")) == 1


async def test_forty_concurrent_registrations_leave_no_gap(office: Office) -> None:
    offices = ["110105", "110105-XF", "310000"]
    requests = [
        registration(
            office=offices[index % 3],
            declared_nature="NATURE_ACCUSATION" if index % 4 == 0 else "NATURE_UNSPECIFIED",
            region_code="999999" if index % 5 == 4 else "110105",
        )
        for index in range(40)
    ]
    answers = await asyncio.gather(
        *(office.stub().RegisterPetition(request) for request in requests), return_exceptions=True
    )
    numbers = sorted(
        answer.petition.receipt_number
        for answer in answers
        if not isinstance(answer, BaseException)
    )
    assert len(numbers) == 32
    for name in offices:
        own = [number for number in numbers if number.startswith(f"{name}-2026-")]
        assert own == [f"{name}-2026-{serial:06d}" for serial in range(1, len(own) + 1)]


async def test_a_call_that_is_cancelled_is_written_whole_or_not_at_all(office: Office) -> None:
    requests = [registration(petitioner=PERSON) for _ in range(30)]
    calls = [office.stub().RegisterPetition(request) for request in requests]
    for index, call in enumerate(calls):
        await asyncio.sleep(0.001 * (index % 3))
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    answers = [await office.stub().RegisterPetition(request) for request in requests]
    numbers = sorted(answer.petition.receipt_number for answer in answers)
    assert numbers == [f"110105-2026-{serial:06d}" for serial in range(1, 31)]
    for table in ("petition", "receipt", "feed_event", "request_record"):
        counted = await office.rows(f"SELECT count(*) AS n FROM intake.{table}")
        assert counted[0]["n"] == 30, table


async def test_numbers_begin_anew_with_the_local_year(office: Office) -> None:
    await office.register()
    office.service.clock.advance(NOW.replace(year=2026, month=12, day=31, hour=15, minute=59))  # type: ignore[attr-defined]
    assert (await office.register()).petition.receipt_number == "110105-2026-000002"
    office.service.clock.advance(NOW.replace(year=2026, month=12, day=31, hour=16, minute=0))  # type: ignore[attr-defined]
    assert (await office.register()).petition.receipt_number == "110105-2027-000001"
