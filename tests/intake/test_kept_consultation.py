"""What becomes of a talk when its petition is unsealed or erased."""

from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_intake.domain.progress import Stage
from heed_shared.errors import reason_of
from tests.intake.conftest import Office, refusal
from tests.intake.consultations import WATER, started
from tests.intake.sealed_desk import STEPS, desk_of
from tests.intake.test_personal_data import ended, erase
from tests.intake.test_sealed_lane import SECRET, Sealer, sealer, suspicion

__all__ = ["sealer"]


async def test_an_unsealed_petition_brings_its_talk_back(office: Office) -> None:
    talk = await started(office, "clerk", WATER)
    drafted = await talk.compose()
    answer = await talk.confirm(declared_nature="NATURE_ACCUSATION")
    assert reason_of(await refusal(talk.read())) == "NOT_FOUND"
    await desk_of(office).do("UnsealPetition", answer.petition.name, **STEPS["UnsealPetition"])
    kept = await talk.read()
    assert kept.state == resources.Consultation.STATE_CONFIRMED
    assert kept.petition == answer.petition.name
    assert (kept.turns, kept.draft) == (drafted.turns, drafted.draft)
    request = pb.GetPetitionRequest(name=answer.petition.name)
    petition = (await office.stub().GetPetition(request)).petition
    assert petition.consultation == talk.name
    assert await office.rows("SELECT 1 FROM intake_sealed.consultation") == []


async def test_a_talk_that_accuses_stays_sealed_where_its_petition_does_not(
    office: Office, sealer: Sealer
) -> None:
    talk = await started(office, "clerk", WATER, SECRET)
    await talk.compose()
    # The petitioner took the accusation out: the petition goes the ordinary way, the talk does not.
    answer = await talk.confirm(facts=WATER)
    request = pb.GetPetitionRequest(name=answer.petition.name)
    petition = (await office.stub().GetPetition(request)).petition
    assert petition.consultation == ""
    await sealer.take_in(suspicion(answer.petition.name))
    await desk_of(office).do("UnsealPetition", answer.petition.name, **STEPS["UnsealPetition"])
    assert (await office.stub().GetPetition(request)).petition.consultation == ""
    assert reason_of(await refusal(talk.read())) == "NOT_FOUND"
    assert len(await office.rows("SELECT 1 FROM intake_sealed.consultation")) == 1


async def test_an_erased_petition_takes_its_talk_along(office: Office) -> None:
    talk = await started(office, "clerk", WATER)
    await talk.compose()
    name = (await talk.confirm()).petition.name
    await ended(office, name, Stage.CLOSED)
    await office.stub("leader").ErasePetitioner(erase(name))
    assert reason_of(await refusal(talk.read())) == "NOT_FOUND"
    assert await office.rows("SELECT 1 FROM intake.consultation") == []
