"""intake.petitions: one thin event for each petition, and the state behind the feed."""

import pytest
from heed.feed.v1 import feed_service_pb2 as feed
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1.events_pb2 import PetitionEvent

from heed_shared.errors import reason_of
from tests.intake.conftest import COUNTY, NOW, Office, refusal, registration

LIST = feed.ListEventsRequest(feed="intake.petitions", page_size=1000)


async def test_each_registration_is_told_once_and_without_text(office: Office) -> None:
    requests = [registration(facts="不得外传的内容") for _ in range(30)]
    batch = pb.BatchRegisterPetitionsRequest(requests=requests)
    answer = await office.stub().BatchRegisterPetitions(batch)
    await office.stub().BatchRegisterPetitions(batch)
    events = (await office.feed().ListEvents(LIST)).events
    petitions = {
        result.registered.petition.name: result.registered.petition for result in answer.results
    }
    assert {event.subject for event in events} == petitions.keys()
    assert len(events) == 30
    for event in events:
        assert event.petition == PetitionEvent(
            kind=PetitionEvent.KIND_REGISTERED, petition=event.subject
        )
        assert event.region_code == COUNTY
        assert event.etag == petitions[event.subject].etag
        assert event.recorded_at.ToDatetime().timestamp() == NOW.replace(tzinfo=None).timestamp()
        assert "不得外传".encode() not in event.SerializeToString()


async def test_the_trace_of_the_call_goes_with_the_event(office: Office) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    await office.stub().RegisterPetition(
        registration(), metadata=(("traceparent", f"00-{trace_id}-b7ad6b7169203331-01"),)
    )
    await office.register()
    events = (await office.feed().ListEvents(LIST)).events
    assert sum(trace_id in event.traceparent for event in events) == 1


async def test_a_snapshot_tells_what_is_there_and_where_to_go_on(office: Office) -> None:
    answers = [await office.register() for _ in range(5)]
    await office.register(declared_nature="NATURE_ACCUSATION")
    parts = [
        part
        async for part in office.feed().GetFeedSnapshot(
            feed.GetFeedSnapshotRequest(feed="intake.petitions")
        )
    ]
    told = {event.subject: event for part in parts for event in part.events}
    assert told.keys() == {answer.petition.name for answer in answers}
    later = await office.register()
    request = feed.ListEventsRequest(feed="intake.petitions", positions=parts[-1].positions)
    events = (await office.feed().ListEvents(request)).events
    assert [event.subject for event in events] == [later.petition.name]


async def test_strangers_to_the_feed_are_refused(office: Office) -> None:
    for identity in ("clerk", "analyst"):
        assert reason_of(await refusal(office.feed(identity).ListEvents(LIST))) == "ROLE_REQUIRED"
    unknown = feed.ListEventsRequest(feed="intake.secrets")
    assert reason_of(await refusal(office.feed().ListEvents(unknown))) == "UNKNOWN_FEED"


@pytest.mark.parametrize("identity", ["service/classifier", "service/disposal", "peer"])
async def test_services_and_peers_read_the_feed(office: Office, identity: str) -> None:
    await office.register()
    assert len((await office.feed(identity).ListEvents(LIST)).events) == 1
