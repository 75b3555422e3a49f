# ruff: noqa: N802 - methods are named as in the contract
"""The RPCs of review and re-check."""

from datetime import date
from typing import Any

import grpc
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1.disposal_service_pb2_grpc import DisposalServiceServicer

from heed_disposal.api.parts import day_of
from heed_disposal.api.verbs import CaseVerbs
from heed_disposal.domain import reviews
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.procedure_terms import ReviewResult
from heed_disposal.domain.transitions import Action
from heed_shared.clock import Clock, local_day

Context = grpc.aio.ServicerContext[Any, Any]


class ReviewRpcs(DisposalServiceServicer):
    """Part of the servicer."""

    _verbs: CaseVerbs
    _book: Handbook
    _clock: Clock

    async def RequestReview(
        self, request: pb.RequestReviewRequest, _context: Context
    ) -> pb.RequestReviewResponse:
        """Record that the petitioner asks for a review."""
        asked = reviews.Request(
            unit=request.reviewing_unit,
            reason=request.reason,
            requested_on=self._requested_on(request.requested_on),
            late_reason=request.late_reason,
        )
        return await self._verbs.on_case(
            request,
            pb.RequestReviewResponse,
            Action.REQUEST_REVIEW,
            lambda case, act: reviews.request(reviews.REVIEW, case, asked, act, self._book),
        )

    async def RequestRecheck(
        self, request: pb.RequestRecheckRequest, _context: Context
    ) -> pb.RequestRecheckResponse:
        """Record that the petitioner asks for a re-check."""
        asked = reviews.Request(
            unit=request.rechecking_unit,
            reason=request.reason,
            requested_on=self._requested_on(request.requested_on),
            late_reason=request.late_reason,
        )
        return await self._verbs.on_case(
            request,
            pb.RequestRecheckResponse,
            Action.REQUEST_RECHECK,
            lambda case, act: reviews.request(reviews.RECHECK, case, asked, act, self._book),
        )

    async def IssueReview(
        self, request: pb.IssueReviewRequest, _context: Context
    ) -> pb.IssueReviewResponse:
        """Issue the review opinion."""
        finding = reviews.Finding(ReviewResult(request.result), request.text, request.legal_basis)
        return await self._verbs.on_case(
            request,
            pb.IssueReviewResponse,
            reviews.REVIEW.issuing(finding.result),
            lambda case, act: reviews.issue(reviews.REVIEW, case, finding, act, self._book),
        )

    async def IssueRecheck(
        self, request: pb.IssueRecheckRequest, _context: Context
    ) -> pb.IssueRecheckResponse:
        """Issue the re-check opinion."""
        finding = reviews.Finding(ReviewResult(request.result), request.text, request.legal_basis)
        return await self._verbs.on_case(
            request,
            pb.IssueRecheckResponse,
            reviews.RECHECK.issuing(finding.result),
            lambda case, act: reviews.issue(reviews.RECHECK, case, finding, act, self._book),
        )

    def _requested_on(self, text: str) -> date:
        """Return the day of a request; none given means today."""
        return day_of(text, "requested_on") if text else local_day(self._clock.now())
