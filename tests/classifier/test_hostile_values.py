"""Whatever a caller sends to the classifier, it is answered: refused by field name, or done."""

import uuid
from dataclasses import dataclass

from google.protobuf.message import Message
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1 import resources_pb2 as resources
from heed.common.v1 import matter_pb2

from tests.classifier.builders import NOON, petition
from tests.classifier.serving import WAGES, Serving, correction, get, name
from tests.classifier.test_hostile_models import METHODS
from tests.classifier.test_incidents import CONCRETE
from tests.contracts.hostile import Call, always, failures

CLASSIFIER = pb.DESCRIPTOR.services_by_name["ClassifierService"]


@dataclass
class RepeatPair:
    """Two matters that can be linked over and over."""

    served: Serving
    matter: str
    earlier: str

    async def to_link(self) -> Message:
        """A request to link them, after they were unlinked."""
        for link in await self._in_force():
            await self.served.stub("clerk").UnlinkRepeat(self._unlink(link))
        return self._link()

    async def to_unlink(self) -> Message:
        """A request to unlink them, after they were linked."""
        if not await self._in_force():
            await self.served.stub("clerk").LinkRepeat(self._link())
        return self._unlink((await self._in_force())[0])

    async def _in_force(self) -> list[resources.RepeatLink]:
        request = pb.ListRepeatLinksRequest(matter=self.matter)
        links = (await self.served.stub("clerk").ListRepeatLinks(request)).links
        return [link for link in links if link.state == resources.RepeatLink.STATE_LINKED]

    def _link(self) -> pb.LinkRepeatRequest:
        return pb.LinkRepeatRequest(
            request_id=str(uuid.uuid4()),
            matter=self.matter,
            earlier_matter=self.earlier,
            reason="同一件事",
        )

    @staticmethod
    def _unlink(link: resources.RepeatLink) -> pb.UnlinkRepeatRequest:
        return pb.UnlinkRepeatRequest(
            request_id=str(uuid.uuid4()), name=link.name, etag=link.etag, reason="不是同一件事"
        )


def asked(classified: str, incident: str) -> dict[str, tuple[str, Message]]:
    """Requests that change nothing, and who makes them."""
    matter = f"{classified.removesuffix('/classification')}/matters/1"
    similar = pb.FindSimilarPetitionsRequest(
        request=WAGES[0], facts=WAGES[1], region_code="110105", limit=1
    )
    similar.received_from.FromJsonString("2026-01-01T00:00:00Z")
    incidents = pb.ListIncidentsRequest(region_prefix="11", min_matter_count=1, page_size=1)
    incidents.seen_from.FromJsonString("2026-01-01T00:00:00Z")
    return {
        "Classify": (
            "officer",
            pb.ClassifyRequest(
                request=WAGES[0],
                facts=WAGES[1],
                region_code="110105",
                people_bucket=matter_pb2.PEOPLE_BUCKET_ONE,
            ),
        ),
        "GetClassification": ("officer", pb.GetClassificationRequest(name=classified)),
        "BatchGetClassifications": (
            "service/disposal",
            pb.BatchGetClassificationsRequest(names=[classified]),
        ),
        "ListClassifications": (
            "officer",
            pb.ListClassificationsRequest(region_prefix="1101", category_code="05"),
        ),
        "ListCorrections": (
            "officer",
            pb.ListCorrectionsRequest(name=classified, page_size=1),
        ),
        "ListCategories": ("officer", pb.ListCategoriesRequest(valid_on="2026-03-01")),
        "GetIncident": ("officer", pb.GetIncidentRequest(name=incident)),
        "ListIncidents": ("officer", incidents),
        "FindSimilarPetitions": ("officer", similar),
        "ListRepeatLinks": ("officer", pb.ListRepeatLinksRequest(matter=matter, page_size=1)),
    }


async def test_no_value_in_any_field_is_a_fault_of_the_classifier(served: Serving) -> None:
    padding = [petition(f"第{number}号路口没有红绿灯", at=NOON) for number in range(40)]
    items = [petition(*text, at=NOON, place="桃源丽都") for text in CONCRETE]
    await served.feed.register(*padding, *items)
    item = items[0]
    incident = (await get(served, item)).matters[0].incident

    async def corrected() -> Message:
        # Without an accusation, which would take the petition away from all that follows.
        return correction(
            await get(served, item), category_code="05", urgency=matter_pb2.URGENCY_U2
        )

    # Methods are called side by side, so each links another matter.
    linked, unlinked = (
        RepeatPair(served, f"{name(repeat)}/matters/1", f"{name(item)}/matters/1")
        for repeat in items[1:3]
    )
    made = asked(f"{name(item)}/classification", incident)
    calls = [
        Call(CLASSIFIER.methods_by_name[method], served.channel(caller), always(request))
        for method, (caller, request) in made.items()
    ]
    calls.append(
        Call(
            CLASSIFIER.methods_by_name["CorrectClassification"],
            served.channel("officer"),
            corrected,
        )
    )
    calls += [
        Call(CLASSIFIER.methods_by_name["LinkRepeat"], served.channel("clerk"), linked.to_link),
        Call(
            CLASSIFIER.methods_by_name["UnlinkRepeat"], served.channel("clerk"), unlinked.to_unlink
        ),
    ]
    called = {call.method.name for call in calls}
    assert called | METHODS == set(CLASSIFIER.methods_by_name)
    assert await failures(calls) == []
