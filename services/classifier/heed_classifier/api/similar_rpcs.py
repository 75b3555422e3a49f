# ruff: noqa: N802 - methods are named as in the contract
"""FindSimilarPetitions: petitions that may be on the same matter; it joins and moves nothing."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import grpc
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1 import resources_pb2

from heed_classifier.api.convert import incident_name
from heed_classifier.application.repeats import matter_name
from heed_classifier.application.similar import Wanted
from heed_classifier.domain.records import PetitionKey
from heed_classifier.domain.similarity import Similar
from heed_classifier.domain.text import PetitionText
from heed_shared.identity import current_caller
from heed_shared.ids import parse_resource_name, petition_name

if TYPE_CHECKING:
    from heed_classifier.api.servicer import Classifier

Context = grpc.aio.ServicerContext[Any, Any]
_USUAL: Final = 5
_MOST: Final = 50


class SimilarRpcs:
    """FindSimilarPetitions."""

    _classifier: Classifier

    async def FindSimilarPetitions(
        self, request: pb.FindSimilarPetitionsRequest, _context: Context
    ) -> pb.FindSimilarPetitionsResponse:
        """Return petitions that may be on the same matter, most similar first."""
        petition = None
        if request.petition:
            petition = PetitionKey(*parse_resource_name(request.petition, "petitions", "petition"))
        wanted = Wanted(
            petition,
            PetitionText(request.request, request.facts),
            request.region_code,
            request.received_from.ToDatetime(UTC) if request.HasField("received_from") else None,
            min(request.limit or _USUAL, _MOST),
        )
        found = await self._classifier.finding.find(wanted, current_caller())
        return pb.FindSimilarPetitionsResponse(petitions=[_message(item) for item in found])


def _message(item: Similar) -> resources_pb2.SimilarPetition:
    found = item.found
    message = resources_pb2.SimilarPetition(
        petition=petition_name(found.key.region, found.key.uid),
        matter=matter_name(found.key),
        title=found.title,
        similarity=item.similarity,
        shared_terms=item.shared_terms,
        region_code=found.region_code,
        category_code=found.category_code,
        incident=incident_name(found.incident) if found.incident else "",
    )
    message.received_at.FromDatetime(found.received_at)
    return message
