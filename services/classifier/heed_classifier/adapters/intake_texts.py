"""Reads masked texts from intake; what is sealed, erased or unknown there does not come back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC

import grpc
from heed.intake.v1.intake_service_pb2 import BatchGetMaskedTextsRequest, MaskedText
from heed.intake.v1.intake_service_pb2_grpc import IntakeServiceStub

from heed_classifier.application.ports import MaskedPetition
from heed_classifier.domain.nature import Nature
from heed_classifier.domain.records import PetitionKey
from heed_classifier.domain.text import PetitionText
from heed_shared.ids import parse_resource_name, petition_name

MOST_NAMES = 16
"""Petitions in one question: so many of the longest texts fit into one message."""


class IntakeTexts:
    """The texts of petitions, by RPC."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = IntakeServiceStub(channel)

    async def read(self, keys: Sequence[PetitionKey]) -> dict[PetitionKey, MaskedPetition]:
        """Read those that may be read now."""
        readable: dict[PetitionKey, MaskedPetition] = {}
        names = [petition_name(key.region, key.uid) for key in keys]
        responses = await asyncio.gather(
            *(
                self._stub.BatchGetMaskedTexts(
                    BatchGetMaskedTextsRequest(names=names[start : start + MOST_NAMES])
                )
                for start in range(0, len(names), MOST_NAMES)
            )
        )
        for response in responses:
            for text in response.texts:
                if text.availability == MaskedText.AVAILABILITY_READABLE:
                    petition = _petition(text)
                    readable[petition.key] = petition
        return readable


def _petition(text: MaskedText) -> MaskedPetition:
    return MaskedPetition(
        key=PetitionKey(*parse_resource_name(text.petition, "petitions", "petition")),
        region_code=text.region_code,
        received_at=text.received_at.ToDatetime(UTC),
        # What was added later tells of the same matter as the facts, or of another one.
        text=PetitionText(text.request, "\n".join((text.facts, *text.supplements))),
        place=text.place,
        declared_nature=Nature(text.declared_nature),
        people_bucket=int(text.people_bucket),
        accusation_cleared=text.accusation_cleared,
    )
