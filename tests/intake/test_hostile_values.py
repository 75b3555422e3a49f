"""Whatever a caller sends to intake, it is answered: refused by field name, or carried out."""

import uuid
from collections.abc import Awaitable, Callable

from google.protobuf.message import Message
from heed.feed.v1 import event_pb2, feed_service_pb2
from heed.intake.v1 import intake_service_pb2 as pb

from tests.contracts.hostile import Call, always, failures
from tests.intake.conftest import COUNTY, Office, registration
from tests.intake.hostile_changes import change_calls
from tests.intake.hostile_consultations import consultation_calls
from tests.intake.hostile_personal import personal_calls
from tests.intake.hostile_sealed import protection_calls

INTAKE = pb.DESCRIPTOR.services_by_name["IntakeService"]
FEEDS = feed_service_pb2.DESCRIPTOR.services_by_name["FeedService"]
PERSON = {
    "display_name": "测试甲",
    "contact": "13800000000",
    "address": "幸福里小区3号楼1单元",
    "safe_contact_note": "晚上",
    "safe_to_call": True,
}
EVIDENCE = {"file_name": "照片.jpg", "media_type": "image/jpeg", "sha256": b"\1" * 32}


def usual_registration() -> pb.RegisterPetitionRequest:
    """A registration with the fields that most have."""
    request = registration(
        office=COUNTY,
        reasons="依据供水合同。",
        petitioner=PERSON,
        representatives=[PERSON],
        people_bucket=2,
        declared_nature=3,
        evidence=[EVIDENCE],
        external_id="12345-1",
        privacy_notice_version="2026-1",
    )
    request.submission.received_at.FromJsonString("2026-03-01T00:00:00Z")
    return request


def full_registration() -> pb.RegisterPetitionRequest:
    """A registration with every field filled that leaves it in the ordinary lane."""
    request = usual_registration()
    rare = registration(
        agent={"contact": PERSON, "authority_sha256": b"\2" * 32, "relation": "律师"},
        oral_record={"recorder": "staff/7", "read_back": True, "confirmed": True},
        target_units=["区水务局"],
        language="粤语",
        accommodation_needs="需要手语翻译",
    )
    rare.submission.event_time.FromJsonString("2026-02-27T00:00:00Z")
    request.submission.MergeFrom(rare.submission)
    return request


async def registering() -> Message:
    return full_registration()


async def batch() -> Message:
    return pb.BatchRegisterPetitionsRequest(requests=[usual_registration()])


async def row() -> Message:
    return pb.ImportPetitionsRequest(row=1, registration=usual_registration())


async def calls(office: Office) -> list[Call]:
    registered = await office.register()
    name = registered.petition.name
    listing = pb.ListPetitionsRequest(region_prefix=COUNTY, page_size=1)
    listing.received_from.FromJsonString("2026-01-01T00:00:00Z")
    listing.received_before.FromJsonString("2026-12-01T00:00:00Z")
    progress = pb.CheckProgressRequest(
        receipt_number=registered.petition.receipt_number, query_code=registered.query_code
    )
    positions = [event_pb2.ShardPosition(shard=1)]
    feed = "intake.petitions"
    made: list[tuple[str, str, Callable[[], Awaitable[Message]]]] = [
        ("RegisterPetition", "clerk", registering),
        ("BatchRegisterPetitions", "clerk", batch),
        ("ImportPetitions", "clerk", row),
        ("GetPetition", "clerk", always(pb.GetPetitionRequest(name=name))),
        ("ListPetitions", "clerk", always(listing)),
        ("CheckProgress", "clerk", always(progress)),
        (
            "BatchGetMaskedTexts",
            "service/classifier",
            always(pb.BatchGetMaskedTextsRequest(names=[name])),
        ),
        (
            "ListEvents",
            "service/classifier",
            always(
                feed_service_pb2.ListEventsRequest(
                    feed=feed, consumer="classifier", positions=positions
                )
            ),
        ),
        (
            "WatchEvents",
            "service/classifier",
            always(feed_service_pb2.WatchEventsRequest(feed=feed, positions=positions)),
        ),
        (
            "GetFeedSnapshot",
            "service/classifier",
            always(feed_service_pb2.GetFeedSnapshotRequest(feed=feed)),
        ),
        ("GetFeedStatus", "operator", always(feed_service_pb2.GetFeedStatusRequest())),
    ]
    methods = {**INTAKE.methods_by_name, **FEEDS.methods_by_name}
    walked = [Call(methods[name], office.channel(caller), good) for name, caller, good in made]
    changing = change_calls(office)
    talks, personal = await consultation_calls(office), await personal_calls(office)
    protecting = await protection_calls(office)
    return [*walked, *changing, *talks, *personal, *protecting]


async def test_no_value_in_any_field_is_a_fault_of_intake(office: Office) -> None:
    made = await calls(office)
    assert {call.method.name for call in made} >= set(INTAKE.methods_by_name)
    assert await failures(made) == []
    assert [call.method.name for call in made if len(call.outcomes) < 2] == ["GetFeedStatus"]


async def test_hostile_rows_are_each_answered_by_a_reason(office: Office) -> None:
    good = full_registration()
    spoiled = full_registration()
    spoiled.submission.received_at.seconds = 2**63 - 1
    nul = full_registration()
    nul.submission.petitioner.safe_contact_note = "\0"
    response = await office.stub().BatchRegisterPetitions(
        pb.BatchRegisterPetitionsRequest(
            requests=[good, spoiled, pb.RegisterPetitionRequest(request_id=str(uuid.uuid4())), nul]
        )
    )
    assert [result.WhichOneof("result") for result in response.results] == [
        "registered",
        "error",
        "error",
        "error",
    ]
