# ruff: noqa: N802 - methods are named as in the contract
"""ClassifierService: convert, ask, convert."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

import grpc
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1.classifier_service_pb2_grpc import ClassifierServiceServicer

from heed_classifier.api import convert
from heed_classifier.api.convert import Converter
from heed_classifier.api.correction_rpcs import CorrectionRpcs
from heed_classifier.api.model_rpcs import ModelParts, ModelRpcs
from heed_classifier.api.repeat_rpcs import RepeatRpcs
from heed_classifier.api.similar_rpcs import SimilarRpcs
from heed_classifier.api.stream_rpcs import StreamRpcs
from heed_classifier.application.batching import Batches
from heed_classifier.application.correct import Corrections
from heed_classifier.application.ports import Queries
from heed_classifier.application.repeats import RepeatLinks
from heed_classifier.application.scope import list_prefix
from heed_classifier.application.similar import Finding
from heed_classifier.domain.incidents import IncidentKey
from heed_classifier.domain.records import PetitionKey
from heed_shared.clock import Clock, local_day
from heed_shared.errors import InvalidField, NotFound
from heed_shared.identity import current_caller
from heed_shared.ids import parse_resource_name
from heed_shared.paging import PageTokens, filter_digest, page_size
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy

Context = grpc.aio.ServicerContext[Any, Any]
_LEAST_MATTERS = 2


@dataclass(frozen=True)
class Classifier:
    """What the RPCs work with."""

    batches: Batches
    queries: Queries
    corrections: Corrections
    taxonomy: Taxonomy
    regions: Regions
    page_tokens: PageTokens
    clock: Clock
    models: ModelParts
    finding: Finding
    repeats: RepeatLinks


class ClassifierServicer(
    CorrectionRpcs, ModelRpcs, RepeatRpcs, SimilarRpcs, StreamRpcs, ClassifierServiceServicer
):
    """The contract's methods."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._models = classifier.models
        self._convert = Converter(classifier.taxonomy)

    async def GetClassification(
        self, request: pb.GetClassificationRequest, _context: Context
    ) -> pb.GetClassificationResponse:
        """Return how a petition was sorted."""
        key = _petition_of(request.name)
        record = (await self._classifier.queries.classifications([key])).get(key)
        if record is None or not current_caller().covers(record.region_code):
            raise NotFound(request.name)
        return pb.GetClassificationResponse(classification=self._convert.classification(record))

    async def BatchGetClassifications(
        self, request: pb.BatchGetClassificationsRequest, _context: Context
    ) -> pb.BatchGetClassificationsResponse:
        """Return several; those that do not exist are left out."""
        keys = [_petition_of(name, "names") for name in request.names]
        records = await self._classifier.queries.classifications(keys)
        caller = current_caller()
        return pb.BatchGetClassificationsResponse(
            classifications=[
                self._convert.classification(records[key])
                for key in keys
                if key in records and caller.covers(records[key].region_code)
            ]
        )

    async def ListClassifications(
        self, request: pb.ListClassificationsRequest, _context: Context
    ) -> pb.ListClassificationsResponse:
        """Return a page, newest first."""
        if request.category_code:
            self._classifier.taxonomy.get(request.category_code)
        prefix = list_prefix(current_caller(), request.region_prefix, self._classifier.regions)
        size, digest = page_size(request.page_size), filter_digest(request)
        method, tokens = "ListClassifications", self._classifier.page_tokens
        after = tokens.decode(method, digest, request.page_token) if request.page_token else ()
        records = await self._classifier.queries.newest(
            prefix, request.category_code, int(request.band), after, size + 1
        )
        more = len(records) > size
        token = (
            tokens.encode(method, digest, convert.position_of_classification(records[size - 1]))
            if more
            else ""
        )
        return pb.ListClassificationsResponse(
            classifications=[self._convert.classification(r) for r in records[:size]],
            next_page_token=token,
        )

    async def ListCategories(
        self, request: pb.ListCategoriesRequest, _context: Context
    ) -> pb.ListCategoriesResponse:
        """Return the taxonomy as valid on a day."""
        day = _day(request.valid_on) or local_day(self._classifier.clock.now())
        taxonomy = self._classifier.taxonomy
        valid = [item for code in taxonomy if (item := taxonomy.get(code)).valid_on(day)]
        valid.sort(key=lambda item: (len(item.code), item.code))
        return pb.ListCategoriesResponse(categories=[convert.category(item) for item in valid])

    async def GetIncident(
        self, request: pb.GetIncidentRequest, _context: Context
    ) -> pb.GetIncidentResponse:
        """Return one incident; a county is told what its own matters say of it."""
        key = IncidentKey(*parse_resource_name(request.name, "incidents"))
        found = await self._classifier.queries.incident(key, current_caller().region_prefix)
        if found is None:
            raise NotFound(request.name)
        record, members = found
        return pb.GetIncidentResponse(incident=convert.incident(record, members))

    async def ListIncidents(
        self, request: pb.ListIncidentsRequest, _context: Context
    ) -> pb.ListIncidentsResponse:
        """Return a page, largest first."""
        prefix = list_prefix(current_caller(), request.region_prefix, self._classifier.regions)
        size, digest = page_size(request.page_size), filter_digest(request)
        method, tokens = "ListIncidents", self._classifier.page_tokens
        after = tokens.decode(method, digest, request.page_token) if request.page_token else ()
        seen_from = request.seen_from.ToDatetime(UTC) if request.HasField("seen_from") else None
        records = await self._classifier.queries.largest(
            prefix, request.min_matter_count or _LEAST_MATTERS, seen_from, after, size + 1
        )
        more = len(records) > size
        token = (
            tokens.encode(method, digest, convert.position_of_incident(records[size - 1]))
            if more
            else ""
        )
        return pb.ListIncidentsResponse(
            incidents=[convert.incident(record) for record in records[:size]],
            next_page_token=token,
        )


def _petition_of(name: str, field: str = "name") -> PetitionKey:
    petition, _, rest = name.rpartition("/")
    if rest != "classification":
        raise InvalidField(field, "must look like petitions/REGION-UUID/classification")
    return PetitionKey(*parse_resource_name(petition, "petitions", field))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidField("valid_on", "must be a day of the calendar, YYYY-MM-DD") from error
