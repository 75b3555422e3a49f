"""Asks the classifier for similar petitions, as the intake service itself."""

from datetime import UTC
from typing import Final

import grpc
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1.classifier_service_pb2_grpc import ClassifierServiceStub

from heed_intake.domain.suggestions import SimilarPetition
from heed_shared.errors import DependencyDown

_ASKED_FOR: Final = 50
"""More than are shown: those outside the caller's region are left out afterwards."""
_TIMEOUT_S: Final = 3.0
"""A clerk waits no longer for a suggestion; the petition is registered without."""
_AWAY: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)


class ClassifierSimilarities:
    """SimilarFinder by RPC; without a channel the classifier counts as away."""

    def __init__(self, channel: grpc.aio.Channel | None) -> None:
        self._stub = ClassifierServiceStub(channel) if channel else None

    async def find(self, region_code: str, request: str, facts: str) -> list[SimilarPetition]:
        """Return petitions of the region's city; see the port."""
        if self._stub is None:
            raise DependencyDown("classifier")
        asked = pb.FindSimilarPetitionsRequest(
            region_code=region_code, request=request, facts=facts, limit=_ASKED_FOR
        )
        try:
            found = await self._stub.FindSimilarPetitions(asked, timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() in _AWAY:
                raise DependencyDown("classifier") from error
            raise
        return [
            SimilarPetition(
                region_code=item.region_code,
                similarity=item.similarity,
                shared_terms=tuple(item.shared_terms),
                category_code=item.category_code,
                received_at=item.received_at.ToDatetime(UTC),
                incident=item.incident,
            )
            for item in found.petitions
        ]
