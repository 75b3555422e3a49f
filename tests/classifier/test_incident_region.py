"""What a county is told of a city's incident: its own matters, and of the rest only keywords."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1 import resources_pb2 as resources

from heed_classifier.application.ports import MaskedPetition
from heed_shared.errors import reason_of
from tests.classifier.builders import NOON, petition
from tests.classifier.serving import Serving, get, name
from tests.classifier.test_incident_store import stream
from tests.classifier.test_incidents import CONCRETE

HERE, THERE, NOWHERE = "110105", "110101", "110108"


async def incident_of_two_counties(
    served: Serving,
) -> tuple[resources.Incident, list[MaskedPetition]]:
    """Three matters in one county, weeks apart, and two in another."""
    padding = [item for item in stream() if "桃源" not in item.text.joined]
    days = ((0, HERE), (3, THERE), (4, HERE), (12, HERE), (16, THERE))
    items = [
        petition(
            *CONCRETE[number % 3],
            at=NOON + timedelta(days=20 + day),
            region=region,
            place="东村" if region == HERE else "西村",
        )
        for number, (day, region) in enumerate(days)
    ]
    await served.feed.register(*padding)
    for item in items:
        await served.feed.register(item)
    return await told(served, (await get(served, items[0])).matters[0].incident), items


async def told(served: Serving, incident: str, region: str = "") -> resources.Incident:
    request = pb.GetIncidentRequest(name=incident)
    return (await served.stub("leader", region).GetIncident(request)).incident


def moment(item: MaskedPetition) -> datetime:
    return item.received_at


async def test_a_city_is_told_all_with_its_growth(served: Serving) -> None:
    incident, items = await incident_of_two_counties(served)

    assert incident.region_code == "110100"
    assert [found.rpartition("/matters/")[0] for found in incident.matters] == [
        name(item) for item in items
    ]
    assert (incident.matter_count, incident.recent_count, incident.previous_count) == (5, 2, 2)
    assert set(incident.places) == {"东村", "西村"}


async def test_a_county_is_told_what_its_own_matters_say(served: Serving) -> None:
    whole, items = await incident_of_two_counties(served)
    own = [item for item in items if item.region_code == HERE]

    incident = await told(served, whole.name, HERE)

    assert [found.rpartition("/matters/")[0] for found in incident.matters] == [
        name(item) for item in own
    ]
    assert (incident.matter_count, incident.recent_count, incident.previous_count) == (3, 1, 2)
    assert incident.first_seen_at.ToDatetime(UTC) == moment(own[0])
    assert incident.last_seen_at.ToDatetime(UTC) == moment(own[-1])
    assert incident.title in {item.text.request for item in own}
    assert list(incident.places) == ["东村"]
    assert incident.keywords == whole.keywords


async def test_a_county_lists_incidents_by_its_own_matters(served: Serving) -> None:
    whole, _ = await incident_of_two_counties(served)

    for region, prefix, count in ((HERE, "", 3), ("", HERE, 3), (THERE, "", 2), ("", "1101", 5)):
        request = pb.ListIncidentsRequest(region_prefix=prefix, page_size=500)
        listed = (await served.stub("officer", region).ListIncidents(request)).incidents
        counts = {item.name: item.matter_count for item in listed}
        assert counts[whole.name] == count
        assert list(counts.values()) == sorted(counts.values(), reverse=True)


async def test_without_a_matter_of_its_own_an_incident_does_not_exist(served: Serving) -> None:
    whole, _ = await incident_of_two_counties(served)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await told(served, whole.name, NOWHERE)
    assert reason_of(caught.value) == "NOT_FOUND"
    listed = await served.stub("officer", NOWHERE).ListIncidents(pb.ListIncidentsRequest())
    assert whole.name not in {item.name for item in listed.incidents}


async def test_the_incidents_of_a_county_come_in_pages(served: Serving) -> None:
    await incident_of_two_counties(served)
    stub = served.stub("officer", HERE)
    whole = (await stub.ListIncidents(pb.ListIncidentsRequest(page_size=500))).incidents

    pages, token = [], ""
    while True:
        request = pb.ListIncidentsRequest(page_size=1, page_token=token)
        answer = await stub.ListIncidents(request)
        pages += [item.name for item in answer.incidents]
        token = answer.next_page_token
        if not token:
            break

    assert pages == [item.name for item in whole]
