"""The sealed lane: an accusation reaches no feed, no list and no ordinary table."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from heed.classifier.v1.events_pb2 import ClassificationEvent
from heed.disposal.v1.events_pb2 import ProgressEvent
from heed.feed.v1 import feed_service_pb2 as feed
from heed.feed.v1.event_pb2 import Event
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources
from heed.intake.v1.events_pb2 import PetitionEvent

from heed_intake.adapters.consumers import SuspicionHandler
from heed_intake.adapters.sealing import Sealing
from heed_intake.settings import IntakeSettings
from heed_shared.database import Database
from heed_shared.errors import Conflict, reason_of
from heed_shared.feed import Delivery
from tests.intake.conftest import NOW, Office, refusal, registration
from tests.intake.test_progress import check, progress, told

SECRET = "实名举报某镇镇长收受贿赂"
TRACE = "00-11111111111111111111111111111111-2222222222222222-01"


def suspicion(petition: str) -> Delivery:
    """An event as the classifier sends it."""
    event = ClassificationEvent(
        kind=ClassificationEvent.KIND_ACCUSATION_SUSPECTED, petition=petition
    )
    return Delivery(Event(subject=petition, classification=event), TRACE)


@dataclass
class Sealer:
    """The consumer of the classifier's feed, step by step."""

    ordinary: Database
    sealed: Database
    handler: SuspicionHandler

    async def take_in(self, *deliveries: Delivery) -> None:
        """Prepare and apply a batch."""
        await self.apply(deliveries, await self.handler.prepare(deliveries))

    async def apply(self, deliveries: Any, prepared: Any) -> None:
        """Apply what was prepared."""
        async with self.ordinary.transaction() as tx:
            await self.handler.apply(tx, deliveries, prepared)
            await tx.commit()


@pytest_asyncio.fixture
async def sealer(office: Office) -> AsyncIterator[Sealer]:
    settings = office.service.settings
    assert isinstance(settings, IntakeSettings)
    ordinary = await Database.open(office.database["url"], "intake", 1)
    sealed = await Database.open(office.database["sealed_url"], "intake_sealed", 1)
    sealing = Sealing(ordinary, sealed, settings.key_ring, settings.sealed_key_ring)
    yield Sealer(ordinary, sealed, SuspicionHandler(sealing, office.service.clock))
    await ordinary.close()
    await sealed.close()


async def everything_in(office: Office, schema: str) -> str:
    """All rows of all tables of a schema, as text.

    Without the audit, which names every petition alike, whichever lane it is in, and nothing that
    was written in it (tests/intake/test_audit.py).
    """
    tables = await office.rows(
        "SELECT tablename FROM pg_tables"
        " WHERE schemaname = $1 AND tablename NOT IN ('audit_entry', 'audit_chain')",
        schema,
    )
    found = []
    for table in tables:
        rows = await office.rows(f'SELECT t::text AS line FROM "{schema}"."{table[0]}" AS t')
        found += [row["line"] for row in rows]
    return "\n".join(found)


def forms_of(value: str) -> set[str]:
    """How a value would look in a column: as text, or as bytes in hexadecimal digits."""
    return {value, value.encode().hex(), value.encode("utf-16-le").hex()}


async def events_of(office: Office) -> list[Event]:
    """Everything that the feed tells."""
    answer = await office.feed().ListEvents(
        feed.ListEventsRequest(feed="intake.petitions", page_size=1000)
    )
    return list(answer.events)


@pytest.mark.parametrize(
    "fields",
    [{"declared_nature": "NATURE_ACCUSATION", "facts": "请查一查。"}, {"facts": SECRET + "。"}],
    ids=["declared", "found by the rules"],
)
async def test_an_accusation_is_registered_like_any_other(
    office: Office, fields: dict[str, Any]
) -> None:
    before = await office.register()
    answer = await office.register(**fields)
    after = await office.register()
    assert [item.petition.receipt_number[-1] for item in (before, answer, after)] == [*"123"]
    assert answer.petition.state == resources.Petition.STATE_REGISTERED
    assert answer.petition.masked_facts == fields["facts"]
    page = await office.stub("portal").CheckProgress(check(answer))
    (step,) = page.steps
    assert (step.stage, step.unit) == (resources.ProgressStep.STAGE_REGISTERED, "")
    assert not step.HasField("due_at")
    assert step.text == "您的信访事项已登记。"


async def test_an_accusation_is_nowhere_in_the_ordinary_lane(office: Office) -> None:
    person = {"display_name": "欧阳明月", "contact": "13912345678"}
    request = registration(facts=SECRET, petitioner=person, external_id="EXT-4711")
    batch = pb.BatchRegisterPetitionsRequest(requests=[request])
    answer = await office.stub().BatchRegisterPetitions(batch)
    petition = answer.results[0].registered.petition
    assert await events_of(office) == []
    uid = petition.name.removeprefix("petitions/110105-")
    ordinary = await everything_in(office, "intake")
    for value in (SECRET, uid, uid.replace("-", ""), "EXT-4711", petition.receipt_number):
        assert not any(form in ordinary for form in forms_of(value)), value
    error = await refusal(office.stub().GetPetition(pb.GetPetitionRequest(name=petition.name)))
    assert reason_of(error) == "NOT_FOUND"
    listed = await office.stub().ListPetitions(pb.ListPetitionsRequest())
    assert list(listed.petitions) == []


async def test_the_sealed_lane_is_closed_to_the_ordinary_role(office: Office) -> None:
    for role in ("url", "reader_url"):
        connection = await asyncpg.connect(office.database[role])
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM intake_sealed.petition")
        await connection.close()


async def test_the_sealed_role_reaches_numbers_and_request_ids_only(office: Office) -> None:
    connection = await asyncpg.connect(office.database["sealed_url"])
    for table in ("petition", "receipt", "progress_step", "feed_event", "sealed_mark"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"SELECT * FROM intake.{table}")
    await connection.fetch("SELECT * FROM intake.receipt_counter")
    await connection.close()


async def test_no_personal_value_is_readable_in_either_schema(office: Office) -> None:
    values = {
        "display_name": "欧阳明月",
        "address": "幸福里小区3号楼501室门牌",
        "contact": "13912345678",
        "safe_contact_note": "只在晚上八点以后打",
    }
    other = {"display_name": "司马相如", "contact": "sima@example.com"}
    text = "我叫欧阳明月，身份证11010519900307234X，卡号6222021302020112345，请打13912345678。"
    for nature in ("NATURE_APPEAL_REQUEST", "NATURE_ACCUSATION"):
        await office.register(
            petitioner=values,
            representatives=[other],
            people_bucket="PEOPLE_BUCKET_5_10",
            request=text,
            facts=text,
            reasons=text,
            place="幸福里，找欧阳明月",
            declared_nature=nature,
            evidence=[
                {"file_name": "欧阳明月.jpg", "media_type": "image/jpeg", "sha256": b"x" * 32}
            ],
        )
    stored = await everything_in(office, "intake") + await everything_in(office, "intake_sealed")
    ids = ("11010519900307234X", "6222021302020112345")
    for value in (*values.values(), *other.values(), *ids):
        assert not any(form in stored for form in forms_of(value)), value
    assert "【姓名】.jpg" in stored
    sealed = await everything_in(office, "intake_sealed")
    assert not any(form in sealed for form in forms_of("【姓名】"))


async def test_a_suspected_petition_moves_whole_and_is_told_as_sealed(
    office: Office, sealer: Sealer
) -> None:
    request = registration(facts="某单位的事情。", petitioner={"display_name": "欧阳明月"})
    answer = await office.stub().RegisterPetition(request)
    name = answer.petition.name
    await told(office, progress(name, ProgressEvent.KIND_OPENED))
    office.service.clock.advance(NOW + timedelta(hours=1))  # type: ignore[attr-defined]
    await sealer.take_in(suspicion(name))

    events = await events_of(office)
    assert [event.petition.kind for event in events] == [
        PetitionEvent.KIND_REGISTERED,
        PetitionEvent.KIND_SEALED,
    ]
    assert events[1].traceparent == TRACE
    assert events[1].etag != events[0].etag
    ordinary = await everything_in(office, "intake")
    assert "某单位的事情" not in ordinary
    assert answer.petition.receipt_number not in ordinary
    assert await office.rows("SELECT 1 FROM intake.progress_step") == []
    error = await refusal(office.stub().GetPetition(pb.GetPetitionRequest(name=name)))
    assert reason_of(error) == "NOT_FOUND"
    texts = await office.stub("service/classifier").BatchGetMaskedTexts(
        pb.BatchGetMaskedTextsRequest(names=[name])
    )
    assert texts.texts[0].availability == pb.MaskedText.AVAILABILITY_SEALED
    page = await office.stub("portal").CheckProgress(check(answer))
    assert [step.stage for step in page.steps] == [resources.ProgressStep.STAGE_REGISTERED]
    # Whoever repeats the registration learns nothing of the move.
    again = await office.stub().RegisterPetition(request)
    assert again.query_code == answer.query_code
    assert again.petition.state == resources.Petition.STATE_REGISTERED
    assert again.petition.masked_facts == "某单位的事情。"


async def test_a_snapshot_names_what_was_sealed_after_it_was_told_and_no_other_accusation(
    office: Office, sealer: Sealer
) -> None:
    names = [(await office.register()).petition.name for _ in range(2)]
    await office.register(declared_nature="NATURE_ACCUSATION")
    await sealer.take_in(suspicion(names[0]))
    request = feed.GetFeedSnapshotRequest(feed="intake.petitions")
    told = [event async for part in office.feed().GetFeedSnapshot(request) for event in part.events]
    assert {event.subject: event.petition.kind for event in told} == {
        names[0]: PetitionEvent.KIND_SEALED,
        names[1]: PetitionEvent.KIND_REGISTERED,
    }
    assert len(told) == 2


async def test_only_suspicions_seal(office: Office, sealer: Sealer) -> None:
    answer = await office.register()
    kinds = [kind for kind in ClassificationEvent.Kind.values() if kind]
    kinds.remove(ClassificationEvent.KIND_ACCUSATION_SUSPECTED)
    for kind in kinds:
        event = ClassificationEvent(kind=kind, petition=answer.petition.name)
        await sealer.take_in(Delivery(Event(classification=event), ""))
    assert len(await office.rows("SELECT 1 FROM intake.petition")) == 1


async def test_a_suspicion_that_comes_twice_seals_once(office: Office, sealer: Sealer) -> None:
    name = (await office.register()).petition.name
    await sealer.take_in(suspicion(name), suspicion(name))
    await sealer.take_in(suspicion(name))
    assert len(await events_of(office)) == 2


async def test_a_crash_between_copy_and_removal_loses_nothing(
    office: Office, sealer: Sealer
) -> None:
    answer = await office.register()
    await sealer.handler.prepare([suspicion(answer.petition.name)])
    # The process dies here: the petition is still in the ordinary lane, and still readable.
    page = await office.stub("portal").CheckProgress(check(answer))
    assert page.steps[0].HasField("due_at")
    await sealer.take_in(suspicion(answer.petition.name))
    assert len(await office.rows("SELECT 1 FROM intake_sealed.petition")) == 1
    assert await office.rows("SELECT 1 FROM intake.petition") == []


async def test_a_petition_that_changed_since_the_copy_is_copied_again(
    office: Office, sealer: Sealer
) -> None:
    name = (await office.register()).petition.name
    prepared = await sealer.handler.prepare([suspicion(name)])
    await office.rows("UPDATE intake.petition SET masked_facts = '补充', version = version + 1")
    with pytest.raises(Conflict):
        await sealer.apply([suspicion(name)], prepared)
    assert len(await office.rows("SELECT 1 FROM intake.petition")) == 1
    await sealer.take_in(suspicion(name))
    versions = await office.rows("SELECT version FROM intake_sealed.petition")
    assert [row["version"] for row in versions] == [3]


async def test_after_the_move_the_ordinary_key_ring_opens_nothing(
    office: Office, sealer: Sealer
) -> None:
    answer = await office.register()
    before = await office.rows("SELECT wrapped_key FROM intake.petition")
    await sealer.take_in(suspicion(answer.petition.name))
    after = await office.rows("SELECT wrapped_key FROM intake_sealed.petition")
    assert after[0]["wrapped_key"] != before[0]["wrapped_key"]
    assert before[0]["wrapped_key"].hex() not in await everything_in(office, "intake")
