"""The lists of cases and deadlines: what the caller may see, page by page."""

from dataclasses import dataclass

from heed.disposal.v1 import disposal_service_pb2 as pb

from heed_disposal.api import convert, pages
from heed_disposal.api.parts import day_of
from heed_disposal.api.texts import require_plain_texts
from heed_disposal.application.desk import Desk
from heed_disposal.application.ports import CaseFilter, CasePosition, DeadlineFilter
from heed_disposal.domain.deadlines import BANDS
from heed_disposal.domain.terms import Band, Track
from heed_shared.errors import RegionNotAllowed, UnknownCategory, UnknownRegion
from heed_shared.identity import Caller, region_prefix
from heed_shared.paging import PageTokens, page_size
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy

_SHARES = {
    Band.UNSPECIFIED: 0.0,
    Band.AMPLE: 0.0,
    Band.OVERDUE: 1.0,
    **{band: share for share, band in BANDS},
}
"""From which share of time used a band begins."""


@dataclass(frozen=True)
class Reference:
    """Tables that requests are checked against."""

    regions: Regions
    taxonomy: Taxonomy

    def visible_prefix(self, caller: Caller, asked: str) -> str:
        """Return the prefix of the regions to list: those asked for, within the caller's.

        Raises:
            UnknownRegion: no region begins so.
            RegionNotAllowed: the caller's region and the one asked for have nothing in common.
        """
        if not asked:
            return caller.region_prefix
        prefix = region_prefix(asked)
        if not any(code.startswith(prefix) for code in self.regions):
            raise UnknownRegion(asked, "region_prefix")
        if prefix.startswith(caller.region_prefix):
            return prefix
        if caller.region_prefix.startswith(prefix):
            return caller.region_prefix
        raise RegionNotAllowed(asked)

    def known_category(self, code: str) -> str:
        """Return the code if the taxonomy has it, or none was given.

        Raises:
            UnknownCategory: it has not.
        """
        if code and code not in self.taxonomy:
            raise UnknownCategory(code)
        return code


class Listing:
    """Answers the list methods."""

    def __init__(self, desk: Desk, reference: Reference, tokens: PageTokens) -> None:
        self._desk = desk
        self._reference = reference
        self._case_pages = pages.Pages(tokens, "ListCases")
        self._deadline_pages = pages.Pages(tokens, "ListDeadlines")

    async def cases(self, caller: Caller, request: pb.ListCasesRequest) -> pb.ListCasesResponse:
        """Return cases, latest opened first."""
        require_plain_texts(request)
        region = self._reference.visible_prefix(caller, request.region_prefix)
        wanted = CaseFilter(
            region_prefix=region,
            category_code=self._reference.known_category(request.category_code),
            states=convert.states_of(request.states),
            track=Track(request.track) if request.track else None,
            petition=request.petition,
            unit=request.unit,
        )
        position = self._case_pages.after(request, request.page_token, region)
        size = page_size(request.page_size)
        found = await self._desk.reader.list_cases(wanted, pages.case_position(position), size + 1)
        token = ""
        if len(found) > size:
            last = CasePosition(found[size - 1].opened_at, found[size - 1].uid)
            token = self._case_pages.next(request, region, pages.case_key(last))
        now = self._desk.clock.now()
        return pb.ListCasesResponse(
            cases=[convert.case(case, now) for case in found[:size]], next_page_token=token
        )

    async def deadlines(
        self, caller: Caller, request: pb.ListDeadlinesRequest
    ) -> pb.ListDeadlinesResponse:
        """Return running deadlines, what burns most first."""
        region = self._reference.visible_prefix(caller, request.region_prefix)
        due_by = day_of(request.due_by, "due_by") if request.due_by else None
        now = self._desk.clock.now()
        wanted = DeadlineFilter(
            region_prefix=region,
            due_by=due_by,
            unit=request.unit,
            used_share=_SHARES[Band(request.band)],
            now=now,
        )
        position = self._deadline_pages.after(request, request.page_token, region)
        size = page_size(request.page_size)
        found = await self._desk.reader.list_deadlines(
            wanted, pages.deadline_position(position), size + 1
        )
        token = ""
        if len(found) > size:
            key = pages.deadline_key(found[size - 1].position)
            token = self._deadline_pages.next(request, region, key)
        return pb.ListDeadlinesResponse(
            deadlines=[convert.burning(item, now) for item in found[:size]],
            next_page_token=token,
        )
