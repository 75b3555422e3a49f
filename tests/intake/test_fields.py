"""What is recorded at registration beyond texts and contact: each field by every way in."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from heed.common.v1 import matter_pb2
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_intake.domain.petition import Person
from heed_shared.errors import reason_of
from tests.intake.conftest import NOW, Office, reason_in, refusal, registration, wrong_fields
from tests.intake.test_sealed_lane import (
    Sealer,
    events_of,
    everything_in,
    forms_of,
    sealer,
    suspicion,
)

__all__ = ["sealer"]

PERSON = {"display_name": "欧阳明月", "contact": "13912345678", "safe_to_call": True}
LAWYER = {"display_name": "司马相如", "contact": "sima@example.com"}
DAY = 86_400
CLOSED = "（已隐去）"


def stamp(seconds: int) -> Timestamp:
    """A time this many seconds from NOW."""
    return Timestamp(seconds=int(NOW.timestamp()) + seconds)


def rare(**fields: Any) -> dict[str, Any]:
    """Every rare field that leaves a petition in the ordinary lane."""
    return {
        "petitioner": PERSON,
        "agent": {"contact": LAWYER, "authority_sha256": b"\2" * 32, "relation": "律师"},
        "oral_record": {"recorder": "staff/7", "read_back": True, "written_form_offered": True},
        "event_time": stamp(-3 * DAY),
        "target_units": ["区水务局", "欧阳明月的邻居的公司"],
        "language": "粤语",
        "accommodation_needs": "司马相如代为沟通，需要手语翻译，电话13912345678",
    } | fields


async def ways_in(office: Office, fields: dict[str, Any]) -> list[resources.Petition]:
    """Register the same by a single call, a batch and an import."""
    single = await office.stub().RegisterPetition(registration(**fields))
    batch = await office.stub().BatchRegisterPetitions(
        pb.BatchRegisterPetitionsRequest(requests=[registration(**fields)])
    )
    row = pb.ImportPetitionsRequest(row=1, registration=registration(**fields))
    imported = [
        result
        async for part in office.stub().ImportPetitions(iter([row]))
        for result in part.results
    ]
    answers = [single, batch.results[0].registered, imported[0].result.registered]
    return [answer.petition for answer in answers]


async def test_every_field_comes_back_masked_by_every_way_in(office: Office) -> None:
    for registered in await ways_in(office, rare()):
        request = pb.GetPetitionRequest(name=registered.name)
        read = (await office.stub().GetPetition(request)).petition
        petition = registered
        # What may tell of somebody's health is closed to who merely looks (tests/contracts).
        assert read.accommodation_needs == CLOSED
        read.accommodation_needs = petition.accommodation_needs
        assert read == petition
        assert petition.oral_record == resources.OralRecord(
            recorder="staff/7", read_back=True, confirmed=False, written_form_offered=True
        )
        assert petition.event_time == stamp(-3 * DAY)
        assert list(petition.target_units) == ["区水务局", "【姓名】的邻居的公司"]
        assert petition.language == "粤语"
        needs = "【姓名】代为沟通，需要手语翻译，电话【联系方式】"
        assert petition.accommodation_needs == needs
    listed = await office.stub().ListPetitions(pb.ListPetitionsRequest())
    assert {item.accommodation_needs for item in listed.petitions} == {""}


async def test_rare_fields_are_unreadable_in_either_schema(
    office: Office,
    sealer: Sealer,
) -> None:
    answer = await office.register(**rare())
    await office.register(**rare(accused_persons=["诸葛无双"]))
    for schema in ("intake", "intake_sealed"):
        stored = await everything_in(office, schema)
        for value in ("司马相如", "手语", "区水务局", "粤语", "staff/7", "诸葛无双", "02" * 32):
            assert not any(form in stored for form in forms_of(value)), (schema, value)
    before = await office.rows("SELECT details FROM intake.petition")
    await sealer.take_in(suspicion(answer.petition.name))
    after = await office.rows(
        "SELECT details FROM intake_sealed.petition WHERE accused IS NULL AND details IS NOT NULL"
    )
    assert [row["details"] for row in after] == [row["details"] for row in before]
    assert len(await office.rows("SELECT 1 FROM intake_sealed.petition")) == 2


async def test_naming_an_accused_person_seals_by_every_way_in(office: Office) -> None:
    named = {"facts": "请查一查。", "accused_persons": ["诸葛无双"]}
    for petition in await ways_in(office, named):
        assert petition.state == resources.Petition.STATE_REGISTERED
        assert "诸葛无双" not in str(petition)
        error = await refusal(office.stub().GetPetition(pb.GetPetitionRequest(name=petition.name)))
        assert reason_of(error) == "NOT_FOUND"
    assert await events_of(office) == []
    assert await office.rows("SELECT 1 FROM intake.petition") == []
    because = await office.rows("SELECT DISTINCT sealed_because FROM intake_sealed.petition")
    assert [row["sealed_because"] for row in because] == [["accused"]]
    # An empty line of a form names nobody.
    await office.register(accused_persons=[" "])
    assert len(await office.rows("SELECT 1 FROM intake.petition")) == 1


PHOTO = {"file_name": "a.jpg", "media_type": "image/jpeg", "sha256": b"x" * 32}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"event_time": stamp(301)}, "event_time"),
    ({"event_time": Timestamp(seconds=-(3 * 10**9))}, "event_time"),
    ({"event_time": Timestamp(seconds=10**12)}, "event_time"),
    ({"oral_record": {"recorder": " "}}, "oral_record.recorder"),
    ({"oral_record": {"read_back": True}}, "oral_record.recorder"),
    ({"oral_record": {"recorder": "王\0"}}, "oral_record.recorder"),
    ({"agent": {"authority_sha256": b"x"}}, "agent.authority_sha256"),
    ({"agent": {"relation": "律\0师"}}, "agent.relation"),
    ({"agent": {"contact": {"address": "\0"}}}, "agent.contact.address"),
    ({"target_units": ["区水务局", ""]}, "target_units[1]"),
    ({"target_units": ["局\0"]}, "target_units[0]"),
    ({"target_units": ["局"] * 21}, "target_units"),
    ({"accused_persons": ["某\0"]}, "accused_persons[0]"),
    ({"accused_persons": ["某"] * 21}, "accused_persons"),
    ({"language": "\0"}, "language"),
    ({"language": "语" * 65}, "language"),
    ({"accommodation_needs": "\0"}, "accommodation_needs"),
    ({"evidence": [PHOTO | {"sha256": b"x" * 31}]}, "evidence[0].sha256"),
    ({"evidence": [PHOTO, PHOTO | {"sha256": bytes(32)}]}, "evidence[1].sha256"),
    ({"evidence": [PHOTO | {"size_bytes": -1}]}, "evidence[0].size_bytes"),
    ({"evidence": [PHOTO | {"file_name": "C:\\王\\a.jpg"}]}, "evidence[0].file_name"),
    ({"evidence": [PHOTO | {"file_name": "a\nb.jpg"}]}, "evidence[0].file_name"),
    ({"evidence": [PHOTO | {"media_type": "13912345678"}]}, "evidence[0].media_type"),
    # Five speak for two to four people.
    ({"representatives": [PERSON] * 5, "people_bucket": 2}, "representatives"),
]


async def test_wrong_fields_are_named_by_every_way_in(office: Office) -> None:
    requests = [registration(**fields) for fields, _ in WRONG]
    batch = await office.stub().BatchRegisterPetitions(
        pb.BatchRegisterPetitionsRequest(requests=requests)
    )
    for (fields, wrong), request, result in zip(WRONG, requests, batch.results, strict=True):
        error = await refusal(office.stub().RegisterPetition(request))
        assert wrong_fields(error) == {f"submission.{wrong}"}, fields
        assert reason_in(result) == "INVALID_FIELD", fields
    assert await office.rows("SELECT 1 FROM intake.petition") == []


@pytest.mark.parametrize("bucket", ["PEOPLE_BUCKET_2_4", "PEOPLE_BUCKET_5_10"])
async def test_a_joint_petition_names_as_many_as_it_may(office: Office, bucket: str) -> None:
    most = 4 if bucket == "PEOPLE_BUCKET_2_4" else 5
    answer = await office.register(people_bucket=bucket, representatives=[PERSON] * most)
    assert matter_pb2.PeopleBucket.Name(answer.petition.people_bucket) == bucket


def test_silence_is_no_permission_to_call() -> None:
    assert not Person("欧阳明月").safe_to_call
