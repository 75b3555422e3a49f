# ruff: noqa: N802 - methods are named as in the contract
"""SuggestSimilarPetitions (相似件提示), over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_intake.application.suggest import AskingText, suggest_similar
from heed_intake.domain.suggestions import Suggestion
from heed_shared.clock import local_day
from heed_shared.identity import current_caller

if TYPE_CHECKING:
    from heed_intake.api.servicer import Intake

Context = grpc.aio.ServicerContext[Any, Any]


class SuggestionRpcs:
    """SuggestSimilarPetitions."""

    _intake: Intake

    async def SuggestSimilarPetitions(
        self, request: pb.SuggestSimilarPetitionsRequest, _context: Context
    ) -> pb.SuggestSimilarPetitionsResponse:
        """Return at most five matters that may be the same."""
        text = AskingText(request.region_code, request.request, request.facts)
        found = await suggest_similar(text, current_caller(), self._intake.suggesting)
        return pb.SuggestSimilarPetitionsResponse(suggestions=[_message(item) for item in found])


def _message(item: Suggestion) -> resources.SimilarSuggestion:
    return resources.SimilarSuggestion(
        title=item.title,
        similarity=item.similarity,
        shared_terms=item.shared_terms,
        category_code=item.category_code,
        received_on=local_day(item.received_at).isoformat(),
        incident=item.incident,
    )
