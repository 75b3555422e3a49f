"""A talk that accuses somebody lies in the sealed lane from its first such word on."""

import asyncpg
import pytest
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_shared.errors import Conflict, reason_of
from tests.intake.conftest import COUNTY, Office, refusal
from tests.intake.consultations import WATER, begun_by, new_id, started
from tests.intake.test_progress import check
from tests.intake.test_sealed_lane import (
    SECRET,
    Sealer,
    events_of,
    everything_in,
    forms_of,
    sealer,
    suspicion,
)

__all__ = ["sealer"]
CLERKS = ["ROLE_INTAKE_CLERK"]


async def test_no_word_of_a_talk_is_readable_in_either_schema(office: Office) -> None:
    talk = await started(office, "clerk", WATER)
    await talk.compose()
    sealed = await started(office, "clerk", SECRET)
    await sealed.compose()
    for schema in ("intake", "intake_sealed"):
        stored = await everything_in(office, schema)
        for value in (WATER, "幸福里", SECRET, "收受贿赂"):
            assert not any(form in stored for form in forms_of(value)), (schema, value)


async def test_words_that_accuse_move_the_talk_before_they_are_stored(office: Office) -> None:
    talk = await started(office, "clerk", "我想说件事。")
    assert len(await office.rows("SELECT 1 FROM intake.consultation")) == 1
    request_id = new_id()
    said = await talk.say(SECRET + "。", request_id=request_id)
    assert await talk.say(SECRET + "。", request_id=request_id) == said
    assert [turn.text for turn in said.turns] == ["我想说件事。", SECRET + "。"]
    assert await office.rows("SELECT 1 FROM intake.consultation") == []
    assert len(await office.rows("SELECT 1 FROM intake_sealed.consultation")) == 1
    assert reason_of(await refusal(talk.read())) == "NOT_FOUND"


async def test_a_sealed_talk_is_open_to_nobody_but_who_began_it(office: Office) -> None:
    talk = await started(office, "clerk", SECRET + "。请依法查处。")
    await talk.compose()
    colleague = await begun_by(office.caller(CLERKS, COUNTY))
    colleague.last = talk.last
    for call in (
        colleague.say("别的话。"),
        colleague.compose(),
        colleague.confirm(),
        colleague.read(),
    ):
        assert reason_of(await refusal(call)) == "NOT_FOUND"
    drafted = await talk.compose()
    assert drafted.draft.facts == SECRET + "。"
    assert drafted.draft.request == "请依法查处。"


async def test_a_confirmed_accusation_is_answered_and_kept_as_any_other(office: Office) -> None:
    talk = await started(office, "clerk", SECRET + "。请依法查处。")
    await talk.compose()
    confirmation = talk.confirmation()
    answer = await office.stub().ConfirmPetitionDraft(confirmation)
    assert answer.petition.state == resources.Petition.STATE_REGISTERED
    assert answer.petition.receipt_number == "110105-2026-000001"
    assert await office.stub().ConfirmPetitionDraft(confirmation) == answer
    assert reason_of(await refusal(talk.confirm())) == "WRONG_STATE"
    assert reason_of(await refusal(talk.read())) == "NOT_FOUND"
    request = pb.GetPetitionRequest(name=answer.petition.name)
    assert reason_of(await refusal(office.stub().GetPetition(request))) == "NOT_FOUND"
    page = await office.stub("portal").CheckProgress(check(answer))  # type: ignore[arg-type]
    assert [step.text for step in page.steps] == ["您的信访事项已登记。"]
    assert await events_of(office) == []
    kept = await office.rows("SELECT state FROM intake_sealed.consultation")
    assert [row["state"] for row in kept] == [resources.Consultation.STATE_CONFIRMED]
    uid = answer.petition.name.removeprefix("petitions/110105-")
    ordinary = await everything_in(office, "intake")
    for value in (uid, uid.replace("-", ""), answer.petition.receipt_number):
        assert not any(form in ordinary for form in forms_of(value)), value


@pytest.mark.parametrize(
    "fields",
    [{"declared_nature": "NATURE_ACCUSATION"}, {"facts": SECRET + "。"}],
    ids=["declared", "corrected into one"],
)
async def test_a_confirmation_that_accuses_seals_the_talk_with_the_petition(
    office: Office, fields: dict[str, str]
) -> None:
    talk = await started(office, "clerk", WATER)
    await talk.compose()
    await talk.confirm(**fields)
    assert await office.rows("SELECT 1 FROM intake.petition") == []
    assert await office.rows("SELECT 1 FROM intake.consultation") == []
    assert reason_of(await refusal(talk.read())) == "NOT_FOUND"


async def test_a_suspected_petition_takes_its_talk_along(office: Office, sealer: Sealer) -> None:
    talk = await started(office, "clerk", WATER)
    await talk.compose()
    answer = await talk.confirm()
    before = await office.rows("SELECT wrapped_key FROM intake.consultation")
    await sealer.take_in(suspicion(answer.petition.name))
    assert await office.rows("SELECT 1 FROM intake.consultation") == []
    after = await office.rows("SELECT wrapped_key FROM intake_sealed.consultation")
    assert after[0]["wrapped_key"] != before[0]["wrapped_key"]
    assert reason_of(await refusal(talk.read())) == "NOT_FOUND"


async def test_a_talk_that_is_noted_after_the_copy_is_copied_before_anything_goes(
    office: Office, sealer: Sealer
) -> None:
    talk = await started(office, "clerk", WATER)
    await talk.compose()
    name = (await office.register()).petition.name
    prepared = await sealer.handler.prepare([suspicion(name)])
    await office.rows(
        "UPDATE intake.consultation SET state = 3, petition_region_code = region_code,"
        " petition_uid = (SELECT uid FROM intake.petition)"
    )
    with pytest.raises(Conflict):
        await sealer.apply([suspicion(name)], prepared)
    assert len(await office.rows("SELECT 1 FROM intake.consultation")) == 1
    await sealer.take_in(suspicion(name))
    assert await office.rows("SELECT 1 FROM intake.consultation") == []
    assert len(await office.rows("SELECT 1 FROM intake_sealed.consultation")) == 1


async def test_a_petition_sealed_before_its_talk_is_noted_takes_it_along(
    office: Office, sealer: Sealer
) -> None:
    talk = await started(office, "clerk", WATER)
    await talk.compose()
    confirmation = talk.confirmation()
    answer = await office.stub().ConfirmPetitionDraft(confirmation)
    # As if the process had died between the registration and the note of it.
    await office.rows(
        "UPDATE intake.consultation SET state = 2, petition_uid = NULL, petition_region_code = NULL"
    )
    await office.rows("DELETE FROM intake.request_record WHERE method = 'ConfirmPetitionDraft'")
    await sealer.take_in(suspicion(answer.petition.name))
    assert len(await office.rows("SELECT 1 FROM intake.consultation")) == 1
    again = await office.stub().ConfirmPetitionDraft(confirmation)
    assert again.query_code == answer.query_code
    assert await office.rows("SELECT 1 FROM intake.consultation") == []
    kept = await office.rows("SELECT state, petition_uid FROM intake_sealed.consultation")
    assert kept[0]["state"] == resources.Consultation.STATE_CONFIRMED


async def test_the_ordinary_role_reads_no_sealed_talk(office: Office) -> None:
    connection = await asyncpg.connect(office.database["url"])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("SELECT * FROM intake_sealed.consultation")
    await connection.close()
    connection = await asyncpg.connect(office.database["sealed_url"])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("SELECT * FROM intake.consultation")
    await connection.close()
