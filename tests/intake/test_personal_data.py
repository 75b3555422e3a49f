"""Who wrote is shown for a purpose; who looked is told; what is erased is gone."""

import asyncio
import json
import secrets
import uuid
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import grpc
import pytest
from heed.feed.v1 import feed_service_pb2
from heed.intake.v1 import events_pb2
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_intake.adapters.retention import Retention
from heed_intake.adapters.rewrapping import Rewrapping, WrappedLane
from heed_intake.application.personal import has_ended
from heed_intake.domain.progress import Stage, Step
from heed_local.authority import Authority
from heed_shared.database import Database
from heed_shared.errors import reason_of
from tests.database_templates import MadeDatabase
from tests.intake.conftest import NOW, Office, Settings, refusal, running_office, wrong_fields

NAME, PHONE, ADDRESS = "欧阳某某", "13900139000", "幸福里小区3号楼502室"
WRITER = resources.Petitioner(display_name=NAME, contact=PHONE, address=ADDRESS)


def reveal(name: str, **fields: Any) -> pb.RevealPetitionerRequest:
    asked = {"purpose": "REVEAL_PURPOSE_NOTICE", "legal_basis": "信访工作条例第二十三条"}
    return pb.RevealPetitionerRequest(name=name, **asked | fields)


def erase(name: str, request_id: str = "") -> pb.ErasePetitionerRequest:
    return pb.ErasePetitionerRequest(
        request_id=request_id or str(uuid.uuid4()),
        name=name,
        reason="本人申请删除",
        legal_basis="个人信息保护法第四十七条",
    )


async def written(office: Office, **fields: Any) -> pb.RegisterPetitionResponse:
    return await office.register(petitioner=WRITER, **fields)


async def ended(office: Office, name: str, *stages: Stage) -> None:
    uid = name.rpartition("/")[2].partition("-")[2]
    for number, stage in enumerate(stages or (Stage.ACCEPTED, Stage.CLOSED)):
        await office.rows(
            "INSERT INTO intake.progress_step (uid, stage, reached_at, unit)"
            " VALUES ($1, $2, $3, '')",
            uuid.UUID(uid),
            int(stage),
            NOW + timedelta(minutes=number),
        )


async def everything_stored(office: Office) -> str:
    """Every row of every table of both schemas of intake, as text."""
    tables = await office.rows(
        "SELECT schemaname || '.' || quote_ident(tablename) AS name FROM pg_tables"
        " WHERE schemaname IN ('intake', 'intake_sealed')"
    )
    rows = [await office.rows(f"SELECT t::text AS row FROM {table['name']} t") for table in tables]
    return "\n".join(row["row"] for found in rows for row in found)


@pytest.mark.parametrize(
    ("identity", "name", "contact", "address"),
    [
        ("clerk", NAME, PHONE, ADDRESS),
        ("officer", NAME, "*******9000", "（已隐去）"),
        ("handler", "欧**", "*******9000", "（已隐去）"),
        ("supervisor", "欧**", "", ""),
    ],
)
async def test_each_role_sees_as_much_of_who_wrote_as_it_needs(
    office: Office, identity: str, name: str, contact: str, address: str
) -> None:
    registered = await written(
        office,
        people_bucket="PEOPLE_BUCKET_5_10",
        representatives=[resources.Petitioner(display_name="司马甲")],
    )
    shown = await office.stub(identity).RevealPetitioner(reveal(registered.petition.name))
    assert (shown.petitioner.display_name, shown.petitioner.contact) == (name, contact)
    assert shown.petitioner.address == address
    assert [person.display_name[:1] for person in shown.representatives] == ["司"]
    assert identity_of(office, identity) in shown.watermark


def identity_of(office: Office, identity: str) -> str:
    return str(office.authority.identities()[identity]["sub"])


async def test_a_look_needs_a_purpose_of_the_list_and_a_basis(office: Office) -> None:
    name = (await written(office)).petition.name
    stub = office.stub("officer")
    error = await refusal(stub.RevealPetitioner(pb.RevealPetitionerRequest(name=name)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert wrong_fields(error) == {"purpose", "legal_basis"}


async def test_nobody_looks_into_another_region_or_at_what_is_not_there(office: Office) -> None:
    name = (await written(office)).petition.name
    strange = name[:-4] + "0000"
    elsewhere = office.caller(["ROLE_CASE_OFFICER"], "120000")
    errors = [
        await refusal(elsewhere.RevealPetitioner(reveal(name))),
        await refusal(office.stub("officer").RevealPetitioner(reveal(strange))),
    ]
    assert [reason_of(error) for error in errors] == ["NOT_FOUND", "NOT_FOUND"]


async def test_an_anonymous_petition_has_nobody_to_show(office: Office) -> None:
    name = (await office.register()).petition.name
    shown = await office.stub("officer").RevealPetitioner(reveal(name))
    assert not shown.HasField("petitioner")
    assert not shown.representatives


async def test_contacts_cannot_be_read_in_bulk(
    settings_for: Settings, authority: Authority, database: MadeDatabase
) -> None:
    settings = replace(settings_for(database), reveals_per_hour=3)
    async with running_office(settings, authority, database) as office:
        name = (await written(office)).petition.name
        for _ in range(3):
            await office.stub("officer").RevealPetitioner(reveal(name))
        error = await refusal(office.stub("officer").RevealPetitioner(reveal(name)))
        assert reason_of(error) == "RATE_LIMITED"
        await office.stub("clerk").RevealPetitioner(reveal(name))


async def test_the_petitioner_sees_who_looked_by_role_and_unit_and_never_by_name(
    office: Office,
) -> None:
    registered = await written(office)
    name = registered.petition.name
    await office.stub("officer").RevealPetitioner(reveal(name))
    await office.stub("supervisor").GetPetition(pb.GetPetitionRequest(name=name))
    asked = pb.ListAccessesRequest(
        receipt_number=registered.petition.receipt_number, query_code=registered.query_code
    )
    seen = await office.stub("portal").ListAccesses(asked)
    told = [(access.role, access.what, access.purpose) for access in seen.accesses]
    assert ("信访工作人员", "查看联系方式", "告知、送达") in told
    assert ("督查人员", "查看信访内容", "") in told
    officer = office.authority.identities()["officer"]
    assert officer["name"] not in str(seen)
    assert officer["sub"] not in str(seen)
    assert {access.unit for access in seen.accesses} >= {officer["unit"]}


async def test_accesses_are_told_to_whoever_has_the_code_and_to_nobody_else(office: Office) -> None:
    registered = await written(office)
    number = registered.petition.receipt_number
    wrong = pb.ListAccessesRequest(receipt_number=number, query_code="AAAA-BBBB-CCCC")
    assert (
        reason_of(await refusal(office.stub("portal").ListAccesses(wrong))) == "RECEIPT_NOT_FOUND"
    )
    right = pb.ListAccessesRequest(receipt_number=number, query_code=registered.query_code)
    assert reason_of(await refusal(office.stub("clerk").ListAccesses(right))) == "ROLE_REQUIRED"


async def test_what_is_erased_is_in_no_table_any_more_and_consumers_are_told(
    office: Office,
) -> None:
    text = "水管在九月九日夜里爆裂"
    registered = await written(office, facts=text)
    name = registered.petition.name
    supplement = pb.SupplementPetitionRequest(
        request_id=str(uuid.uuid4()), name=name, text="补充一张收据，编号七七四九"
    )
    await office.stub().SupplementPetition(supplement)
    await ended(office, name)
    assert text in await everything_stored(office)
    answer = await office.stub("leader").ErasePetitioner(erase(name))
    stored = await everything_stored(office)
    for gone in (text, "七七四九", NAME, PHONE, "幸福里"):
        assert gone not in stored
    keys = await office.rows("SELECT wrapped_key, original, contacts, state FROM intake.petition")
    assert [tuple(row) for row in keys] == [(b"", b"", None, 4)]
    seen = await office.stub().GetPetition(pb.GetPetitionRequest(name=name))
    assert seen.petition.state == resources.Petition.STATE_ERASED
    assert seen.petition.receipt_number == registered.petition.receipt_number
    assert not seen.petition.masked_facts
    texts = await office.stub("service/classifier").BatchGetMaskedTexts(
        pb.BatchGetMaskedTextsRequest(names=[name])
    )
    assert texts.texts[0].availability == pb.MaskedText.AVAILABILITY_ERASED
    events = await office.feed().ListEvents(
        feed_service_pb2.ListEventsRequest(feed="intake.petitions")
    )
    kinds = [event.petition.kind for event in events.events]
    assert kinds[-1] == events_pb2.PetitionEvent.KIND_ERASED
    assert answer.erased_at.ToDatetime(UTC) == NOW
    progress = await office.stub("portal").CheckProgress(
        pb.CheckProgressRequest(
            receipt_number=registered.petition.receipt_number, query_code=registered.query_code
        )
    )
    assert progress.steps


async def test_an_erasure_is_done_once_and_asked_for_again_is_the_same(office: Office) -> None:
    name = (await written(office)).petition.name
    await ended(office, name)
    request = erase(name)
    first = await office.stub("leader").ErasePetitioner(request)
    assert await office.stub("leader").ErasePetitioner(request) == first
    assert await office.stub("leader").ErasePetitioner(erase(name)) == first
    tombstones = await office.rows(
        "SELECT kind, reason, legal_basis, erased_by FROM intake.erasure"
    )
    assert [row["kind"] for row in tombstones] == ["petition"]
    assert tombstones[0]["erased_by"] == identity_of(office, "leader")


async def test_what_is_still_being_handled_is_not_erased(office: Office) -> None:
    name = (await written(office)).petition.name
    error = await refusal(office.stub("leader").ErasePetitioner(erase(name)))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert reason_of(error) == "WRONG_STATE"
    await ended(office, name, Stage.CLOSED, Stage.REOPENED)
    assert reason_of(await refusal(office.stub("leader").ErasePetitioner(erase(name)))) == (
        "WRONG_STATE"
    )


async def test_what_was_erased_takes_no_supplement_and_no_withdrawal(office: Office) -> None:
    name = (await written(office)).petition.name
    await ended(office, name)
    await office.stub("leader").ErasePetitioner(erase(name))
    supplement = pb.SupplementPetitionRequest(request_id=str(uuid.uuid4()), name=name, text="补充")
    withdrawal = pb.WithdrawPetitionRequest(request_id=str(uuid.uuid4()), name=name)
    for call in (
        office.stub().SupplementPetition(supplement),
        office.stub().WithdrawPetition(withdrawal),
    ):
        assert reason_of(await refusal(call)) == "WRONG_STATE"


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ((), False),
        ((Stage.ACCEPTED,), False),
        ((Stage.CLOSED,), True),
        ((Stage.ANSWERED,), True),
        ((Stage.CLOSED, Stage.FOLLOWED_UP), True),
        ((Stage.CLOSED, Stage.REOPENED), False),
        ((Stage.CLOSED, Stage.REVIEW_REQUESTED), False),
        ((Stage.CLOSED, Stage.REOPENED, Stage.CLOSED), True),
    ],
)
def test_the_end_is_an_end_until_it_is_taken_up_again(
    stages: tuple[Stage, ...], expected: bool
) -> None:
    assert has_ended([Step(stage, NOW) for stage in stages]) is expected


async def test_contacts_go_some_time_after_the_end_and_the_wording_stays(office: Office) -> None:
    old, new, reopened = [(await written(office)).petition.name for _ in range(3)]
    await ended(office, old)
    await ended(office, reopened, Stage.CLOSED, Stage.REOPENED)
    database = await Database.open(office.database["url"], "intake")
    try:
        day = (NOW + timedelta(days=31)).date()
        await Retention(database, 30).work_off(day)
        await Retention(database, 30).work_off(day)
    finally:
        await database.close()
    for name, kept in ((old, False), (new, True), (reopened, True)):
        shown = await office.stub("clerk").RevealPetitioner(reveal(name))
        assert shown.HasField("petitioner") is kept, name
    seen = await office.stub().GetPetition(pb.GetPetitionRequest(name=old))
    assert seen.petition.masked_facts
    rows = await office.rows("SELECT kind FROM intake.erasure")
    assert [row["kind"] for row in rows] == ["contacts"]


async def test_keys_are_wrapped_anew_under_traffic_and_the_old_key_is_needed_no_more(
    settings_for: Settings, authority: Authority, database: MadeDatabase
) -> None:
    settings = settings_for(database)
    path = authority.directory / "key-ring.json"
    before = path.read_text("utf-8")
    try:
        async with running_office(settings, authority, database) as office:
            names = [(await written(office)).petition.name for _ in range(5)]
            ring = json.loads(before)
            ring["keys"]["k2"] = secrets.token_hex(32)
            path.write_text(json.dumps(ring | {"current": "k2"}))
            async with asyncio.timeout(20):
                while await keys_in_use(office) != {"k2"}:
                    names.append((await written(office)).petition.name)
                    await asyncio.sleep(0.1)
            del ring["keys"][ring["current"]]
            path.write_text(json.dumps(ring | {"current": "k2"}))
            await asyncio.sleep(2.5)
            for name in names:
                shown = await office.stub("clerk").RevealPetitioner(reveal(name))
                assert shown.petitioner.contact == PHONE
    finally:
        path.write_text(before)


async def keys_in_use(office: Office) -> set[str]:
    return {row["key_id"] for row in await office.rows("SELECT key_id FROM intake.petition")}


async def test_a_ring_file_that_cannot_be_read_leaves_the_known_keys_in_force(
    settings_for: Settings, authority: Authority, database: MadeDatabase
) -> None:
    settings = settings_for(database)
    path = authority.directory / "key-ring.json"
    before = path.read_text("utf-8")
    lane_database = await Database.open(database["url"], "intake")
    rewrapping = Rewrapping((WrappedLane("ordinary", lane_database, settings.key_ring),))
    stop = asyncio.Event()
    try:
        path.write_text("{")
        running = asyncio.create_task(rewrapping.run(stop))
        await asyncio.sleep(0.3)
        assert not running.done()
        assert settings.key_ring.current == json.loads(before)["current"]
        stop.set()
        await running
    finally:
        path.write_text(before)
        await lane_database.close()
