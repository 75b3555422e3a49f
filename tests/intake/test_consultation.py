"""A talk becomes a petition: in the petitioner's words, once, by the ordinary way."""

import asyncio
from datetime import timedelta

import grpc
from heed.common.v1.matter_pb2 import CHANNEL_CALL, CHANNEL_VISIT
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_intake.adapters.abandoned_talks import AbandonedTalks
from heed_shared.clock import local_day
from heed_shared.database import Database
from heed_shared.errors import info_of, reason_of
from tests.intake.conftest import COUNTY, NOW, Office, refusal, wrong_fields
from tests.intake.consultations import CLERK, WATER, Talk, new_id, started
from tests.intake.test_progress import check
from tests.intake.test_sealed_lane import SECRET

State = resources.Consultation


async def test_a_talk_becomes_a_petition_in_the_petitioners_words(office: Office) -> None:
    talk = await started(office, "clerk", "您好！")
    assert (talk.last.state, talk.last.region_code) == (State.STATE_OPEN, COUNTY)
    assert talk.last.started_at.ToDatetime(NOW.tzinfo) == NOW
    await talk.say("请问是哪个小区?", CLERK)
    drafted = await talk.say(WATER)
    assert not drafted.HasField("draft")
    drafted = await talk.compose()
    assert drafted.state == State.STATE_DRAFTED
    assert drafted.draft.request == "请尽快恢复供水。"
    assert drafted.draft.facts == "我们幸福里小区停水三天了，物业没有说明原因。"
    answer = await talk.confirm()
    petition = answer.petition
    assert petition.receipt_number == "110105-2026-000001"
    assert petition.masked_facts == drafted.draft.facts
    assert petition.consultation == talk.name
    read = (await office.stub().GetPetition(pb.GetPetitionRequest(name=petition.name))).petition
    assert read == petition
    kept = await talk.read()
    assert (kept.state, kept.petition) == (State.STATE_CONFIRMED, petition.name)
    assert [turn.text for turn in kept.turns] == ["您好！", "请问是哪个小区?", WATER]
    assert kept.draft == drafted.draft
    page = await office.stub("portal").CheckProgress(check(answer))  # type: ignore[arg-type]
    assert len(page.steps) == 1


async def test_a_repeated_call_is_answered_as_the_first_was(office: Office) -> None:
    ids = [new_id() for _ in range(3)]
    start = pb.StartConsultationRequest(request_id=ids[0], region_code=COUNTY, channel=CHANNEL_CALL)
    first = await office.stub().StartConsultation(start)
    talk = await started(office)
    said = await talk.say(WATER, request_id=ids[1])
    composed = await talk.compose(ids[2])
    confirmation = talk.confirmation()
    registered = await office.stub().ConfirmPetitionDraft(confirmation)
    assert await office.stub().StartConsultation(start) == first
    assert await talk.say(WATER, request_id=ids[1].upper()) == said
    assert await talk.compose(ids[2]) == composed
    assert await office.stub().ConfirmPetitionDraft(confirmation) == registered
    assert len(await office.rows("SELECT 1 FROM intake.petition")) == 1
    assert len(await office.rows("SELECT 1 FROM intake.consultation")) == 2


async def test_a_request_id_with_another_payload_is_refused(office: Office) -> None:
    talk = await started(office)
    request_id = new_id()
    await talk.say(WATER, request_id=request_id)
    error = await refusal(talk.say("别的话。", request_id=request_id))
    assert reason_of(error) == "REQUEST_ID_REUSED"
    start = pb.StartConsultationRequest(
        request_id=new_id(), region_code=COUNTY, channel=CHANNEL_CALL
    )
    await office.stub().StartConsultation(start)
    start.channel = CHANNEL_VISIT
    error = await refusal(office.stub().StartConsultation(start))
    assert reason_of(error) == "REQUEST_ID_REUSED"


async def test_one_petition_comes_from_one_talk(office: Office) -> None:
    talk = await started(office, "clerk", WATER)
    await talk.compose()
    await talk.confirm()
    error = await refusal(talk.confirm())
    assert reason_of(error) == "WRONG_STATE"
    info = info_of(error)
    assert info is not None
    assert dict(info.metadata) == {"current_state": "CONFIRMED", "allowed_states": "DRAFTED"}
    for call in (talk.say("还有一件事。"), talk.compose()):
        assert reason_of(await refusal(call)) == "WRONG_STATE"
    assert len(await office.rows("SELECT 1 FROM intake.petition")) == 1


async def test_a_talk_without_a_draft_cannot_be_confirmed_and_a_turn_makes_a_draft_stale(
    office: Office,
) -> None:
    talk = await started(office, "clerk", WATER)
    assert reason_of(await refusal(talk.confirm(request="请修好。"))) == "WRONG_STATE"
    await talk.compose()
    reopened = await talk.say("已经第四天了。")
    assert (reopened.state, reopened.HasField("draft")) == (State.STATE_OPEN, False)
    assert reason_of(await refusal(talk.confirm(request="请修好。"))) == "WRONG_STATE"


async def test_nothing_is_registered_that_the_petitioner_did_not_confirm(office: Office) -> None:
    talk = await started(office, "clerk", WATER)
    await talk.compose()
    request = talk.confirmation()
    request.confirmed = False
    error = await refusal(office.stub().ConfirmPetitionDraft(request))
    assert wrong_fields(error) == {"confirmed"}
    assert await office.rows("SELECT 1 FROM intake.petition") == []


async def test_the_roles_of_the_contract_lead_talks(office: Office) -> None:
    talks = {who: await started(office, who, WATER) for who in ("clerk", "portal")}
    for talk in talks.values():
        assert (await talk.compose()).draft.facts
        assert (await talk.confirm()).query_code
    assert (await talks["clerk"].read()).turns
    assert reason_of(await refusal(talks["portal"].read())) == "ROLE_REQUIRED"
    methods = {
        "StartConsultation": pb.StartConsultationRequest(),
        "AddConsultationTurn": pb.AddConsultationTurnRequest(),
        "ComposePetitionDraft": pb.ComposePetitionDraftRequest(),
        "ConfirmPetitionDraft": pb.ConfirmPetitionDraftRequest(),
        "GetConsultation": pb.GetConsultationRequest(),
        "SuggestSimilarPetitions": pb.SuggestSimilarPetitionsRequest(),
    }
    for who in ("officer", "handler", "supervisor", "analyst", "operator", "peer"):
        for method, request in methods.items():
            call = getattr(office.stub(who), method)(request)
            assert reason_of(await refusal(call)) == "ROLE_REQUIRED", (who, method)
    for method, request in methods.items():
        call = getattr(office.stub("nobody"), method)(request)
        assert reason_of(await refusal(call)) == "UNAUTHENTICATED", method


async def test_a_colleague_goes_on_with_a_talk_and_another_portal_does_not(office: Office) -> None:
    talk = await started(office, "portal", WATER)
    talk.stub = office.caller(["ROLE_INTAKE_CLERK"], COUNTY)
    assert len((await talk.say("还有一件事。")).turns) == 2
    talk.stub = office.caller(["ROLE_PORTAL"], COUNTY)
    for call in (talk.say("看一看。"), talk.compose(), talk.confirm(request="请修好。")):
        assert reason_of(await refusal(call)) == "NOT_FOUND"


async def test_missing_and_out_of_region_are_one_answer(office: Office) -> None:
    talk = await started(office, "clerk", WATER)
    await talk.compose()
    elsewhere = office.caller(["ROLE_INTAKE_CLERK"], "310000")
    for name in (talk.name, talk.name[:-4] + "0000", talk.name.replace("110105", "110106")):
        if name == talk.name:
            talk.stub = elsewhere
        else:
            talk.stub = office.stub()
        talk.last.name = name
        for call in (talk.say("好。"), talk.compose(), talk.confirm(), talk.read()):
            error = await refusal(call)
            assert reason_of(error) == "NOT_FOUND"
            assert (error.details() or "").replace(name, "") == " does not exist"


async def test_a_talk_begins_in_a_region_of_the_callers(office: Office) -> None:
    request = pb.StartConsultationRequest(
        request_id=new_id(), region_code="999999", channel=CHANNEL_VISIT
    )
    error = await refusal(office.stub().StartConsultation(request))
    assert (reason_of(error), wrong_fields(error)) == ("UNKNOWN_REGION", {"region_code"})
    elsewhere = office.caller(["ROLE_INTAKE_CLERK"], "310000")
    request.region_code = COUNTY
    error = await refusal(elsewhere.StartConsultation(request))
    assert reason_of(error) == "REGION_NOT_ALLOWED"


async def test_a_wrong_submission_can_be_put_right(office: Office) -> None:
    talk = await started(office, "clerk", WATER)
    await talk.compose()
    error = await refusal(talk.confirm(office="110106-\0"))
    assert reason_of(error) == "INVALID_FIELD"
    error = await refusal(talk.confirm(external_id="\0"))
    assert wrong_fields(error) == {"submission.external_id"}
    assert (await talk.confirm()).petition.receipt_number == "110105-2026-000001"


async def test_of_many_confirmations_at_once_one_registers(office: Office) -> None:
    talk = await started(office, "clerk", WATER)
    await talk.compose()
    calls = [talk.stub.ConfirmPetitionDraft(talk.confirmation()) for _ in range(8)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [reason_of(item) for item in answers if isinstance(item, grpc.aio.AioRpcError)]
    assert len(refused) == 7
    assert set(refused) <= {"WRONG_STATE", "CONFLICT"}
    assert len(await office.rows("SELECT 1 FROM intake.petition")) == 1


async def test_turns_that_come_at_once_are_all_kept(office: Office) -> None:
    talk = await started(office)
    await asyncio.gather(*(Talk(talk.stub, talk.last).say(f"第{n}句。") for n in range(8)))
    kept = [turn.text for turn in (await talk.read()).turns]
    assert sorted(kept) == sorted(f"第{n}句。" for n in range(8))


async def test_a_talk_has_an_end(office: Office) -> None:
    talk = await started(office)
    for _ in range(5):
        await talk.say("长" * 20_000)
    error = await refusal(talk.say("再"))
    assert wrong_fields(error) == {"text"}
    error = await refusal(talk.say("好\0"))
    assert wrong_fields(error) == {"text"}
    drafted = await talk.compose()
    assert len(drafted.draft.facts) == 100_004


async def test_a_talk_from_which_nothing_came_goes_after_its_time(office: Office) -> None:
    for _ in range(2):
        await started(office, "clerk", WATER)
    kept = await started(office, "clerk", WATER)
    await kept.compose()
    await kept.confirm()
    sealed = await started(office, "clerk", SECRET)
    database = await Database.open(office.database["url"], "intake", 1)
    talks = AbandonedTalks(database, 30)
    await talks.work_off(local_day(NOW) + timedelta(days=29))
    assert len(await office.rows("SELECT 1 FROM intake.consultation")) == 3
    await talks.work_off(local_day(NOW) + timedelta(days=30))
    await database.close()
    rows = await office.rows("SELECT uid::text FROM intake.consultation")
    assert [row["uid"] for row in rows] == [kept.name.removeprefix("consultations/110105-")]
    rows = await office.rows("SELECT uid::text FROM intake_sealed.consultation")
    assert [row["uid"] for row in rows] == [sealed.name.removeprefix("consultations/110105-")]
