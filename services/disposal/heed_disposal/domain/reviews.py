"""Review (复查) and re-check (复核): two looks by the next higher unit, each within its window.

The window is a right of the petitioner: it ends on the legal date, rolled past rest days, and a
late request is taken with good cause (articles 35 and 36). After the re-check it is final.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from heed_disposal.domain import rules
from heed_disposal.domain.approval import Act
from heed_disposal.domain.case import Case
from heed_disposal.domain.handbook import Handbook, meet_clocks
from heed_disposal.domain.procedure_terms import ReviewResult
from heed_disposal.domain.records import Review
from heed_disposal.domain.terms import StepKind
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


@dataclass(frozen=True)
class Stage:
    """One of the two looks: what it follows, by which rules, and what the verbs are called."""

    follows: str
    """State that a case is in when it can be asked for, as the contract names it."""
    waits: str
    """State that a case is in while it is looked at, as the contract names it."""
    window: str
    clock: str
    request: Action
    issue: Action
    revoke: Action

    def issuing(self, result: ReviewResult) -> Action:
        """Return the verb by which a result is issued: a revoked opinion is made anew."""
        return self.revoke if result is ReviewResult.REVOKED else self.issue


REVIEW = Stage(
    "STATE_SERVED",
    "STATE_REVIEW_REQUESTED",
    rules.REVIEW_REQUEST,
    rules.REVIEW,
    Action.REQUEST_REVIEW,
    Action.ISSUE_REVIEW,
    Action.REVOKE_BY_REVIEW,
)
RECHECK = Stage(
    "STATE_REVIEW_ISSUED",
    "STATE_RECHECK_REQUESTED",
    rules.RECHECK_REQUEST,
    rules.RECHECK,
    Action.REQUEST_RECHECK,
    Action.ISSUE_RECHECK,
    Action.REVOKE_BY_RECHECK,
)


def request(stage: Stage, case: Case, asked: Request, act: Act, handbook: Handbook) -> Case:
    """Record that the petitioner asks for a look, within 30 days of the answer (D07, D09)."""
    moved = advance(case, stage.request, act.actor, act.now, kind=StepKind.REVIEW_REQUESTED)
    begun_on = _answered_on(stage, case)
    if begun_on is None or _of(stage, case) is not None:
        raise WrongState(f"STATE_{case.state.name}", [stage.follows], case.name)
    earlier = case.procedure.review
    _check(case, asked, {case.unit, earlier.unit} if earlier else {case.unit}, act)
    _check_window(stage.window, begun_on, asked, handbook)
    moved = _recorded(moved, stage, _opened(asked))
    return handbook.start_clock(moved, stage.clock, _moment(asked, act))


def issue(stage: Stage, case: Case, finding: Finding, act: Act, handbook: Handbook) -> Case:
    """Issue the written opinion; a revoked one has to be made anew. The re-check is final."""
    action = stage.issuing(finding.result)
    moved = advance(case, action, act.actor, act.now, kind=StepKind.REVIEW_ISSUED)
    moved = _recorded(moved, stage, _issued(stage, case, finding, act))
    moved = meet_clocks(moved, act.now, stage.clock)
    revoked = finding.result is ReviewResult.REVOKED
    return handbook.start_clock(moved, rules.OPINION, act.now) if revoked else moved


def _answered_on(stage: Stage, case: Case) -> date | None:
    """Return the day of the answer that a look is asked against; None before there is one."""
    service, review = case.procedure.service, case.procedure.review
    if stage is REVIEW:
        return service.served_on if service else None
    return local_day(review.issued_at) if review and review.issued_at else None


def _of(stage: Stage, case: Case) -> Review | None:
    return case.procedure.review if stage is REVIEW else case.procedure.recheck


def _recorded(case: Case, stage: Stage, review: Review) -> Case:
    if stage is REVIEW:
        return replace(case, procedure=replace(case.procedure, review=review))
    return replace(case, procedure=replace(case.procedure, recheck=review))


def _issued(stage: Stage, case: Case, finding: Finding, act: Act) -> Review:
    review = _of(stage, case)
    if review is None:
        raise WrongState(f"STATE_{case.state.name}", [stage.waits], case.name)
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
