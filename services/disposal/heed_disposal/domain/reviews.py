"""Review (复查) and re-check (复核): two looks by the next higher unit, each within its window.

The window is a right of the petitioner: it ends on the legal date, rolled past rest days, and a
late request is taken with good cause (articles 35 and 36). After the re-check it is final.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from heed_disposal.domain import rules
from heed_disposal.domain.case import Case
from heed_disposal.domain.handbook import Handbook, meet_clocks
from heed_disposal.domain.handling import Act
from heed_disposal.domain.records import Review
from heed_disposal.domain.terms import ReviewResult, StepKind
from heed_disposal.domain.transitions import Action, advance
from heed_shared.clock import day_start, local_day
from heed_shared.errors import InvalidField, SecondPersonRequired, WindowClosed, WrongState


@dataclass(frozen=True)
class Request:
    """What the petitioner asks the next higher unit."""

    unit: str
    reason: str
    requested_on: date
    late_reason: str


@dataclass(frozen=True)
class Finding:
    """What the next higher unit found."""

    result: ReviewResult
    text: str
    legal_basis: str


def request_review(case: Case, request: Request, act: Act, handbook: Handbook) -> Case:
    """Record that the petitioner asks for a review, within 30 days of the service (D07)."""
    moved = advance(case, Action.REQUEST_REVIEW, act.actor, act.now, kind=StepKind.REVIEW_REQUESTED)
    service, present = case.procedure.service, case.procedure.review
    if service is None or present is not None:
        raise _not_now(case, "STATE_SERVED")
    _check(case, request, {case.unit}, act)
    _check_window(rules.REVIEW_REQUEST, service.served_on, request, handbook)
    moved = replace(moved, procedure=replace(case.procedure, review=_opened(request)))
    return handbook.start_clock(moved, rules.REVIEW, _moment(request, act))


def request_recheck(case: Case, request: Request, act: Act, handbook: Handbook) -> Case:
    """Record that the petitioner asks for a re-check, within 30 days of the review (D09)."""
    moved = advance(
        case, Action.REQUEST_RECHECK, act.actor, act.now, kind=StepKind.REVIEW_REQUESTED
    )
    review, present = case.procedure.review, case.procedure.recheck
    if review is None or review.issued_at is None or present is not None:
        raise _not_now(case, "STATE_REVIEW_ISSUED")
    _check(case, request, {case.unit, review.unit}, act)
    issued_on = local_day(review.issued_at)
    _check_window(rules.RECHECK_REQUEST, issued_on, request, handbook)
    moved = replace(moved, procedure=replace(case.procedure, recheck=_opened(request)))
    return handbook.start_clock(moved, rules.RECHECK, _moment(request, act))


def issue_review(case: Case, finding: Finding, act: Act, handbook: Handbook) -> Case:
    """Issue the review opinion; a revoked opinion has to be made anew."""
    revoked = finding.result is ReviewResult.REVOKED
    action = Action.REVOKE_BY_REVIEW if revoked else Action.ISSUE_REVIEW
    moved = advance(case, action, act.actor, act.now, kind=StepKind.REVIEW_ISSUED)
    review = _issued(case, case.procedure.review, finding, act)
    moved = replace(moved, procedure=replace(case.procedure, review=review))
    return _after(meet_clocks(moved, act.now, rules.REVIEW), act, handbook, revoked=revoked)


def issue_recheck(case: Case, finding: Finding, act: Act, handbook: Handbook) -> Case:
    """Issue the re-check opinion, which ends the procedure; a revoked one is made anew."""
    revoked = finding.result is ReviewResult.REVOKED
    action = Action.REVOKE_BY_RECHECK if revoked else Action.ISSUE_RECHECK
    moved = advance(case, action, act.actor, act.now, kind=StepKind.REVIEW_ISSUED)
    recheck = _issued(case, case.procedure.recheck, finding, act)
    moved = replace(moved, procedure=replace(case.procedure, recheck=recheck))
    return _after(meet_clocks(moved, act.now, rules.RECHECK), act, handbook, revoked=revoked)


def _after(case: Case, act: Act, handbook: Handbook, *, revoked: bool) -> Case:
    """Start the clock of the new opinion that a revoked one leaves behind."""
    return handbook.start_clock(case, rules.OPINION, act.now) if revoked else case


def _issued(case: Case, review: Review | None, finding: Finding, act: Act) -> Review:
    if review is None:
        raise _not_now(case, "STATE_REVIEW_REQUESTED")
    same_person = case.handler is not None and case.handler.identity == act.actor.identity
    if same_person or (act.actor.unit and act.actor.unit == case.unit):
        raise SecondPersonRequired(case.name)
    return replace(
        review,
        result=finding.result,
        text=finding.text,
        legal_basis=finding.legal_basis,
        issued_by=act.actor,
        issued_at=act.now,
    )


def _opened(request: Request) -> Review:
    return Review(request.unit, request.reason, request.requested_on, request.late_reason)


def _check(case: Case, request: Request, involved: set[str], act: Act) -> None:
    if request.unit in involved:
        raise SecondPersonRequired(case.name)
    if request.requested_on > act.today:
        raise InvalidField("requested_on", "must not lie in the future")


def _check_window(code: str, begun_on: date, request: Request, handbook: Handbook) -> None:
    if request.requested_on < begun_on:
        raise InvalidField("requested_on", "must not lie before the answer that it is against")
    window = handbook.window(code, day_start(begun_on))
    if request.requested_on > window.legal and not request.late_reason.strip():
        raise WindowClosed(code, window.legal, window.citation)


def _moment(request: Request, act: Act) -> datetime:
    """Return when the clock of the answer begins: the day of the request, not the click."""
    return min(day_start(request.requested_on), act.now)


def _not_now(case: Case, wanted: str) -> WrongState:
    return WrongState(f"STATE_{case.state.name}", [wanted], case.name)
