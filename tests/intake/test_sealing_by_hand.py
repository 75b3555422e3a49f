"""A person seals a petition: at once, for everybody, and only another person undoes it."""

import asyncio
import json
import uuid

import pytest
import pytest_asyncio
from heed.disposal.v1.events_pb2 import ProgressEvent
from heed.feed.v1 import feed_service_pb2 as feed
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources
from heed.intake.v1 import sealed_service_pb2 as sealed
from heed.intake.v1.events_pb2 import PetitionEvent

from heed_intake.adapters.key_ring import WrappedKey
from heed_shared.errors import reason_of
from tests.intake.conftest import Office, emptied, refusal, wrong_fields
from tests.intake.sealed_desk import PURPOSE, STEPS, desk_of, request_of
from tests.intake.test_personal_data import ended, erase
from tests.intake.test_progress import check, progress, told
from tests.intake.test_sealed_lane import events_of, everything_in, forms_of

REASON = "信中指名反映朝阳区水务局局长"
TEXT = "这封信里写的是水务局的事情。"
KEEPS_THE_NAME = {"sealed_mark", "feed_event", "audit_entry", "request_record"}
"""Ordinary tables that may name a sealed petition: what was told before, and that it is sealed."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def office(shared_office: Office) -> Office:
    """The office of this module, empty again."""
    return await emptied(shared_office)


def sealing(name: str, reason: str = REASON) -> pb.SealPetitionRequest:
    """A request to seal."""
    return pb.SealPetitionRequest(request_id=str(uuid.uuid4()), name=name, reason=reason)


async def kinds(office: Office) -> list[int]:
    """What the feed tells, in order."""
    return [event.petition.kind for event in await events_of(office)]


@pytest.mark.parametrize("identity", ["clerk", "officer", "accusation"])
async def test_it_is_sealed_within_the_call_and_gone_for_everybody(
    office: Office, identity: str
) -> None:
    person = {"display_name": "欧阳明月", "contact": "13912345678"}
    answer = await office.register(facts=TEXT, petitioner=person, external_id="EXT-4711")
    name = answer.petition.name
    await told(office, progress(name, ProgressEvent.KIND_ROUTED, unit="朝阳区水务局"))
    request = sealing(name)
    await office.stub(identity).SealPetition(request)
    await office.stub(identity).SealPetition(request)
    assert await kinds(office) == [PetitionEvent.KIND_REGISTERED, PetitionEvent.KIND_SEALED]

    for reader in ("clerk", "officer", "supervisor"):
        error = await refusal(office.stub(reader).GetPetition(pb.GetPetitionRequest(name=name)))
        assert (reason_of(error), error.details()) == ("NOT_FOUND", f"{name} does not exist")
    assert list((await office.stub().ListPetitions(pb.ListPetitionsRequest())).petitions) == []
    again = await refusal(office.stub(identity).SealPetition(sealing(name)))
    assert reason_of(again) == "NOT_FOUND"

    ordinary = await everything_in(office, "intake")
    for value in (
        TEXT,
        "欧阳明月",
        "13912345678",
        "EXT-4711",
        REASON,
        answer.petition.receipt_number,
    ):
        assert not any(form in ordinary for form in forms_of(value)), value
    uid = name.removeprefix("petitions/110105-")
    tables = await office.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'intake'")
    for (table,) in tables:
        rows = await office.rows(f'SELECT t::text AS line FROM intake."{table}" AS t')
        named = any(form in row["line"] for row in rows for form in forms_of(uid))
        assert not named or table.partition("_2")[0].removesuffix("_default") in KEEPS_THE_NAME

    seen = await desk_of(office).look(name)
    assert (seen.content.sealing_reason, seen.content.facts) == (REASON, TEXT)
    assert list(seen.petition.sealed_because) == ["person"]
    page = await office.stub("portal").CheckProgress(check(answer))
    assert [step.stage for step in page.steps] == [resources.ProgressStep.STAGE_REGISTERED]


async def test_what_cannot_be_seen_cannot_be_sealed(office: Office) -> None:
    name = (await office.register()).petition.name
    far = office.caller(["ROLE_CASE_OFFICER"], "110108")
    error = await refusal(far.SealPetition(sealing(name)))
    assert (reason_of(error), error.details()) == ("NOT_FOUND", f"{name} does not exist")
    assert reason_of(await refusal(office.stub("portal").SealPetition(sealing(name)))) == (
        "ROLE_REQUIRED"
    )
    for reason in ("", "  "):
        error = await refusal(office.stub().SealPetition(sealing(name, reason)))
        assert wrong_fields(error) == {"reason"}
    request = sealing(name)
    await office.stub().SealPetition(request)
    request.reason = "另外的理由"
    assert reason_of(await refusal(office.stub().SealPetition(request))) == "REQUEST_ID_REUSED"


async def test_what_was_erased_is_not_sealed(office: Office) -> None:
    name = (await office.register()).petition.name
    await ended(office, name)
    await office.stub("leader").ErasePetitioner(erase(name))
    error = await refusal(office.stub().SealPetition(sealing(name)))
    assert reason_of(error) == "WRONG_STATE"


async def test_two_who_seal_at_the_same_time_seal_once(office: Office) -> None:
    name = (await office.register()).petition.name
    calls = (office.stub(who).SealPetition(sealing(name)) for who in ("clerk", "officer"))
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert any(isinstance(item, pb.SealPetitionResponse) for item in done)
    assert await kinds(office) == [PetitionEvent.KIND_REGISTERED, PetitionEvent.KIND_SEALED]
    assert len(await office.rows("SELECT 1 FROM intake_sealed.petition")) == 1


async def test_unsealed_it_is_an_ordinary_registration_with_all_that_it_had(
    office: Office,
) -> None:
    desk = desk_of(office)
    person = {"display_name": "欧阳明月", "contact": "13912345678"}
    answer = await desk.sealed(
        facts="我是欧阳明月,小区停水。", petitioner=person, target_units=["自来水公司"]
    )
    name = answer.petition.name
    await office.stub("portal").SupplementPetition(
        pb.SupplementPetitionRequest(
            request_id=str(uuid.uuid4()),
            name=name,
            query_code=answer.query_code,
            text="欧阳明月补充:已停水五天。",
        )
    )
    request = request_of("UnsealPetition", name=name, **STEPS["UnsealPetition"])
    unsealed = (await desk.stub.UnsealPetition(request)).petition
    assert (await desk.stub.UnsealPetition(request)).petition == unsealed
    assert unsealed.state == resources.Petition.STATE_REGISTERED
    assert await kinds(office) == [PetitionEvent.KIND_REGISTERED]

    found = await office.stub().GetPetition(pb.GetPetitionRequest(name=name))
    assert found.petition.receipt_number == answer.petition.receipt_number
    assert found.petition.masked_facts == "我是【姓名】,小区停水。"
    assert [item.masked_text for item in found.petition.supplements] == [
        "【姓名】补充:已停水五天。"
    ]
    assert list(found.petition.target_units) == ["自来水公司"]
    assert found.petition.declared_nature == 0
    texts = await office.stub("service/classifier").BatchGetMaskedTexts(
        pb.BatchGetMaskedTextsRequest(names=[name])
    )
    assert texts.texts[0].availability == pb.MaskedText.AVAILABILITY_READABLE
    assert texts.texts[0].accusation_cleared
    page = await office.stub("portal").CheckProgress(check(answer))
    assert [step.stage for step in page.steps] == [
        resources.ProgressStep.STAGE_REGISTERED,
        resources.ProgressStep.STAGE_SUPPLEMENTED,
    ]
    assert page.steps[0].HasField("due_at")

    assert list((await desk.page()).petitions) == []
    look = sealed.GetSealedPetitionRequest(name=name, purpose=PURPOSE)
    assert reason_of(await refusal(desk.stub.GetSealedPetition(look))) == "NOT_FOUND"
    for table in ("petition", "receipt", "supplement", "step", "accused"):
        assert await office.rows(f"SELECT 1 FROM intake_sealed.{table}") == []
    (kept,) = await office.rows("SELECT uid, record FROM intake_sealed.unsealing")
    assert str(kept["uid"]) == name.removeprefix("petitions/110105-")
    # Who unsealed it and why can be read as long as the petition has its key.
    (row,) = await office.rows("SELECT uid, wrapped_key, key_id FROM intake.petition")
    key = office.service.settings.key_ring.unwrap(  # type: ignore[attr-defined]
        row["uid"], WrappedKey(row["key_id"], row["wrapped_key"])
    )
    actor, reason = json.loads(key.decrypt("unsealing", kept["record"]))
    assert (json.loads(actor)[0], reason) == ("staff/1010", STEPS["UnsealPetition"]["reason"])


async def test_who_sealed_it_does_not_unseal_it(office: Office) -> None:
    desk = desk_of(office)
    name = (await office.register()).petition.name
    await office.stub("accusation").SealPetition(sealing(name))
    error = await refusal(desk.do("UnsealPetition", name, **STEPS["UnsealPetition"]))
    assert reason_of(error) == "SECOND_PERSON_REQUIRED"
    other = office.authority.token("staff/77", "另一人", "市纪委", ["ROLE_ACCUSATION_OFFICER"])
    stub = type(desk.stub)(office.open("client", other))
    await stub.UnsealPetition(request_of("UnsealPetition", name=name, **STEPS["UnsealPetition"]))
    assert await kinds(office) == [
        PetitionEvent.KIND_REGISTERED,
        PetitionEvent.KIND_SEALED,
        PetitionEvent.KIND_REGISTERED,
    ]
    assert await office.rows("SELECT 1 FROM intake.sealed_mark") == []
    snapshot = feed.GetFeedSnapshotRequest(feed="intake.petitions")
    told_again = [
        event.petition.kind
        async for part in office.feed().GetFeedSnapshot(snapshot)
        for event in part.events
    ]
    assert told_again == [PetitionEvent.KIND_REGISTERED]


async def test_sealed_a_second_time_it_can_be_unsealed_a_second_time(office: Office) -> None:
    desk = desk_of(office)
    name = (await office.register()).petition.name
    for turn in range(2):
        await office.stub(("clerk", "officer")[turn]).SealPetition(sealing(name))
        await desk.do("AddAccused", name, target_units=["某单位"])
        await desk.do("UnsealPetition", name, **STEPS["UnsealPetition"])
    assert len(await kinds(office)) == 5
    assert len(await office.rows("SELECT 1 FROM intake_sealed.unsealing")) == 2


async def test_a_crash_in_the_middle_of_unsealing_is_finished_by_the_next_attempt(
    office: Office,
) -> None:
    desk = desk_of(office)
    answer = await desk.sealed()
    rows = await office.rows("SELECT * FROM intake_sealed.petition")
    receipts = await office.rows("SELECT * FROM intake_sealed.receipt")
    await desk.do("UnsealPetition", answer.petition.name, **STEPS["UnsealPetition"])
    # As if the removal had not been committed: the sealed rows are back.
    for table, (row,) in (("petition", rows), ("receipt", receipts)):
        names = ", ".join(row.keys())
        places = ", ".join(f"${at}" for at in range(1, len(row) + 1))
        statement = f"INSERT INTO intake_sealed.{table} ({names}) VALUES ({places})"
        await office.rows(statement, *row.values())
    assert len((await desk.page()).petitions) == 1
    await desk.do("UnsealPetition", answer.petition.name, **STEPS["UnsealPetition"])
    assert await kinds(office) == [PetitionEvent.KIND_REGISTERED]
    assert list((await desk.page()).petitions) == []
