"""Collects what the suite knows after a replay, through the public RPCs of the four services."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from heed.classifier.v1 import classifier_service_pb2, classifier_service_pb2_grpc
from heed.classifier.v1 import resources_pb2 as classifier
from heed.disposal.v1 import disposal_service_pb2, disposal_service_pb2_grpc
from heed.disposal.v1 import resources_pb2 as disposal

from heed_local.demo.feeds import FeedCount, FeedMonitor
from heed_local.launcher import Suite

PAGE = 500
INCIDENTS_SHOWN_WITH_MATTERS = 200


@dataclass(frozen=True)
class Results:
    """The state of the suite at the end."""

    classifications: Sequence[classifier.Classification]
    incidents: Sequence[classifier.Incident]
    cases: Sequence[disposal.Case]
    deadlines: Sequence[disposal_service_pb2.CaseDeadline]
    feed_counts: Sequence[FeedCount]
    category_titles: dict[str, str]

    @property
    def lost_events(self) -> int:
        """Events that some consumer neither applied nor parked."""
        return sum(abs(count.lost) for count in self.feed_counts)


async def collect(suite: Suite, feeds: FeedMonitor) -> Results:
    """Pages through everything that the report shows."""
    sorter = classifier_service_pb2_grpc.ClassifierServiceStub(
        suite.channel("classifier", "officer")
    )
    handling = disposal_service_pb2_grpc.DisposalServiceStub(suite.channel("disposal", "officer"))
    classifications, incidents, cases, deadlines = await asyncio.gather(
        _all(
            sorter.ListClassifications,
            classifier_service_pb2.ListClassificationsRequest(page_size=PAGE),
            lambda page: page.classifications,
        ),
        _all(
            sorter.ListIncidents,
            classifier_service_pb2.ListIncidentsRequest(page_size=PAGE, min_matter_count=3),
            lambda page: page.incidents,
        ),
        _all(
            handling.ListCases,
            disposal_service_pb2.ListCasesRequest(page_size=PAGE),
            lambda page: page.cases,
        ),
        _all(
            handling.ListDeadlines,
            disposal_service_pb2.ListDeadlinesRequest(page_size=PAGE),
            lambda page: page.deadlines,
        ),
    )
    categories = await sorter.ListCategories(classifier_service_pb2.ListCategoriesRequest())
    return Results(
        classifications=classifications,
        incidents=await _with_matters(sorter, incidents),
        cases=cases,
        deadlines=deadlines,
        feed_counts=await feeds.counts(),
        category_titles={category.code: category.title for category in categories.categories},
    )


async def _with_matters(
    sorter: classifier_service_pb2_grpc.ClassifierServiceStub,
    incidents: Sequence[classifier.Incident],
) -> list[classifier.Incident]:
    whole = []
    for incident in incidents[:INCIDENTS_SHOWN_WITH_MATTERS]:
        request = classifier_service_pb2.GetIncidentRequest(name=incident.name)
        whole.append((await sorter.GetIncident(request)).incident)
    return whole


async def _all(
    method: Callable[..., Awaitable[Any]], request: Any, items: Callable[[Any], Sequence[Any]]
) -> list[Any]:
    found: list[Any] = []
    while True:
        page = await method(request, timeout=30)
        found += items(page)
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token
