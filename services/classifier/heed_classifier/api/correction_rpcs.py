# ruff: noqa: N802 - methods are named as in the contract
"""The RPCs about corrections: what people changed, and who, why and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from heed.classifier.v1 import classifier_service_pb2 as pb

from heed_classifier.api import convert
from heed_classifier.api.convert import Converter
from heed_classifier.application.correct import Correction
from heed_classifier.domain.incidents import MatterKey
from heed_classifier.domain.nature import Nature, Urgency
from heed_classifier.domain.records import PetitionKey
from heed_shared.identity import current_caller
from heed_shared.ids import parse_resource_name
from heed_shared.paging import filter_digest, page_size
from heed_shared.request_records import payload_digest

if TYPE_CHECKING:
    from heed_classifier.api.servicer import Classifier

Context = grpc.aio.ServicerContext[Any, Any]
_METHOD = "ListCorrections"


class CorrectionRpcs:
    """CorrectClassification and ListCorrections."""

    _classifier: Classifier
    _convert: Converter

    async def CorrectClassification(
        self, request: pb.CorrectClassificationRequest, _context: Context
    ) -> pb.CorrectClassificationResponse:
        """Record what a person found right."""
        petition, _, k = request.matter.rpartition("/matters/")
        region, uid = parse_resource_name(petition, "petitions", "matter")
        correction = Correction(
            MatterKey(region, uid, int(k)),
            request.etag,
            request.category_code,
            Nature(request.nature),
            Urgency(request.urgency),
            request.reason,
        )
        record = await self._classifier.corrections.correct(
            correction, current_caller(), request.request_id, payload_digest(request)
        )
        return pb.CorrectClassificationResponse(classification=self._convert.classification(record))

    async def ListCorrections(
        self, request: pb.ListCorrectionsRequest, _context: Context
    ) -> pb.ListCorrectionsResponse:
        """Return a page of what people changed in a classification, latest first."""
        petition = request.name.removesuffix("/classification")
        key = PetitionKey(*parse_resource_name(petition, "petitions", "name"))
        size, digest = page_size(request.page_size), filter_digest(request)
        tokens = self._classifier.page_tokens
        after = tokens.decode(_METHOD, digest, request.page_token) if request.page_token else ()
        found = await self._classifier.corrections.history(key, current_caller(), after, size + 1)
        token = tokens.encode(_METHOD, digest, [found[size - 1][0]]) if len(found) > size else ""
        return pb.ListCorrectionsResponse(
            corrections=[convert.correction(kept) for _, kept in found[:size]],
            next_page_token=token,
        )
