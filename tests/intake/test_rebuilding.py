"""When a feed starts a new epoch, intake builds anew what follows from it, and nothing twice."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from heed.classifier.v1.events_pb2 import ClassificationEvent
from heed.feed.v1 import feed_service_pb2 as feed
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1.events_pb2 import PetitionEvent
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_local.authority import Authority
from heed_shared.database import Database
from heed_shared.feed import NewEvent, bump_epoch
from tests.database_templates import MadeDatabase
from tests.disposal.serving import open_request, serving
from tests.intake.conftest import NOW, Office, Settings, running_office
from tests.intake.test_progress import check
from tests.intake.test_running import running_peer, until
from tests.shared.feed_setup import rebuilt

CLASSIFICATIONS = "classifier.classifications"
Kind = ClassificationEvent


async def rebuilt_after(upstream: Database, made: MadeDatabase, feed_name: str) -> None:
    """Start a new epoch and wait until intake has followed."""
    own = await Database.open(made["url"], "intake", 1)
    try:
        await rebuilt(own, feed_name, await bump_epoch(upstream))
    finally:
        await own.close()


async def test_progress_pages_are_complete_again_after_disposal_was_restored(
    settings_for: Settings, authority: Authority, make_database: Callable[[str], MadeDatabase]
) -> None:
    own = make_database("intake")
    async with serving(authority, make_database("disposal")) as disposal:
        settings = replace(settings_for(own), disposal_target=f"localhost:{disposal.service.port}")
        async with running_office(settings, authority, own) as office:
            answers = [await office.register() for _ in range(2)]
            for answer in answers:
                request = open_request(matter=f"{answer.petition.name}/matters/1")
                case = (await disposal.stub().OpenCase(request)).case
                await disposal.accepted(await disposal.routed(case))

            async def pages() -> list[pb.CheckProgressResponse]:
                portal = office.stub("portal")
                return [await portal.CheckProgress(check(answer)) for answer in answers]

            async def told() -> bool:
                return [len(page.steps) for page in await pages()] == [4, 4]

            await until(told)
            before = await pages()
            # Intake has one step too many and lacks another; both must come right.
            await office.rows("DELETE FROM intake.progress_step WHERE stage = 3")
            await office.rows(
                "INSERT INTO intake.progress_step (uid, stage, reached_at, unit)"
                " SELECT uid, 9, now(), '' FROM intake.petition"
            )
            await rebuilt_after(disposal.database, own, "disposal.progress")
            assert await pages() == before


async def test_a_suspicion_that_was_missed_seals_once_and_the_rest_stays(
    settings_for: Settings, authority: Authority, make_database: Callable[[str], MadeDatabase]
) -> None:
    own, other = make_database("intake"), make_database("intake")
    state: dict[str, Kind.Kind.ValueType] = {}

    async def source(_connection: AsyncConnection) -> AsyncIterator[NewEvent]:
        for name, kind in state.items():
            payload = ClassificationEvent(kind=kind, petition=name)
            yield NewEvent(CLASSIFICATIONS, name, "110105", "", NOW, payload)

    async def available(office: Office) -> list[str]:
        request = pb.BatchGetMaskedTextsRequest(names=list(state))
        answer = await office.stub("service/classifier").BatchGetMaskedTexts(request)
        return [
            pb.MaskedText.Availability.Name(text.availability).removeprefix("AVAILABILITY_")
            for text in answer.texts
        ]

    async with running_peer(authority, other, {CLASSIFICATIONS: source}) as peer:
        settings = replace(settings_for(own), classifier_target=f"localhost:{peer.service.port}")
        async with running_office(settings, authority, own) as office:
            known, missed, open_one = [(await office.register()).petition.name for _ in range(3)]
            state[known] = Kind.KIND_ACCUSATION_SUSPECTED
            await peer.publish(
                CLASSIFICATIONS, known, ClassificationEvent(kind=state[known], petition=known)
            )

            async def sealed() -> bool:
                return await available(office) == ["SEALED"]

            await until(sealed)
            state[missed] = Kind.KIND_ACCUSATION_SUSPECTED
            state[open_one] = Kind.KIND_CLASSIFIED
            for _ in range(2):
                await rebuilt_after(peer.database, own, CLASSIFICATIONS)
                assert await available(office) == ["SEALED", "SEALED", "READABLE"]
            events = await office.feed().ListEvents(feed.ListEventsRequest(feed="intake.petitions"))
            sealings = [
                event.subject
                for event in events.events
                if event.petition.kind == PetitionEvent.KIND_SEALED
            ]
            assert sorted(sealings) == sorted([known, missed])
