"""For what a case itself is counted: invitations, ratings, opinions, reviews, and silence.

Shares are true shares because both parts have one day: an unperformed opinion has the day on which
it was issued, like all that supported the request; a changed opinion that of the review; a
dissatisfied rating that of the rating.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from heed_disposal.domain.case import Case
from heed_disposal.domain.counts import CountKind, Mark
from heed_disposal.domain.procedure_terms import RatingGrade, ReviewResult
from heed_disposal.domain.terms import FollowUpResult, Outcome, State, Track
from heed_disposal.domain.transitions import BEFORE_ANSWER
from heed_shared.clock import local_day

STALE_EDGES = (8, 16, 31, 61)
"""Days without news at which buckets 2 to 5 begin; the contract's."""
WAITING = (
    *BEFORE_ANSWER,
    State.OPINION_ISSUED,
    State.REVIEW_REQUESTED,
    State.RECHECK_REQUESTED,
)
"""States in which the petitioner waits for something to be told."""
_GIVEN = (CountKind.RATED, CountKind.DISSATISFIED)
"""Kinds that are known only from the verb in progress: who reads a case reads no rating."""
_KEPT = frozenset({FollowUpResult.SOLVED, FollowUpResult.PARTLY})


def marks_of(case: Case, closed_day: date) -> tuple[Mark, ...]:
    """Return what the case should have added to the cells when ``closed_day`` has ended.

    A case that is no appeal or request counts nowhere; its ratings are remembered all the same, as
    a correction may make it one again.
    """
    counts = case.track is Track.APPEAL
    cell = (case.handling_region, case.category_code) if counts else ("", "")
    found = [Mark(kind, day, 0, *cell) for kind, day in _ratings(case)]
    if counts:
        found += [Mark(kind, day, 0, *cell) for kind, day in _steps(case)]
        silence = _silence(case, closed_day)
        if silence is not None:
            found.append(Mark(CountKind.STALE, _told_on(case), silence, *cell))
    return tuple(found)


def next_recount(case: Case, closed_day: date) -> date | None:
    """Return the next day whose end changes what the case counts for; None if no day does."""
    if case.track is not Track.APPEAL or case.state not in WAITING:
        return None
    told_on = _told_on(case)
    days = (told_on, *(told_on + timedelta(days=edge) for edge in STALE_EDGES))
    return next((day for day in days if day > closed_day), None)


def _ratings(case: Case) -> Iterator[tuple[CountKind, date]]:
    if case.rating is None:
        yield from ((mark.kind, mark.day) for mark in case.marks if mark.kind in _GIVEN)
        return
    day = local_day(case.rating.rated_at)
    yield CountKind.RATED, day
    if RatingGrade.DISSATISFIED in (case.rating.office, case.rating.unit):
        yield CountKind.DISSATISFIED, day


def _steps(case: Case) -> Iterator[tuple[CountKind, date]]:
    procedure = case.procedure
    if procedure.service is not None:
        yield CountKind.INVITED, procedure.service.served_on
    for review in (procedure.review, procedure.recheck):
        if review is not None and review.issued_at is not None:
            yield CountKind.REVIEWED, local_day(review.issued_at)
            if review.result in (ReviewResult.CHANGED, ReviewResult.REVOKED):
                yield CountKind.OVERTURNED, local_day(review.issued_at)
    if case.opinion is not None and case.opinion.outcome is Outcome.SUPPORTED:
        issued_on = local_day(case.opinion.issued_at)
        yield CountKind.SUPPORTED, issued_on
        if _unperformed(case):
            yield CountKind.UNPERFORMED, issued_on


def _unperformed(case: Case) -> bool:
    """Say whether the petitioner was last found to wait in vain for what the opinion promised.

    Who withdrew, or whose text was erased, can no longer be asked.
    """
    if case.opinion is None or case.withdrawn or case.erased:
        return False
    since = case.opinion.issued_at
    asked = [(f.recorded_at, f.result) for f in case.follow_ups if f.recorded_at is not None]
    broken = False
    for recorded_at, result in sorted(asked):
        if recorded_at >= since:
            found = result is FollowUpResult.PROMISE_BROKEN
            broken = found or (broken and result not in _KEPT)
    return broken


def _silence(case: Case, closed_day: date) -> int | None:
    """Return the bucket of days without news; None where nothing is waited for.

    A case that was told something on a day still open is counted when that day ends.
    """
    days = (closed_day - _told_on(case)).days
    if case.state not in WAITING or days < 0:
        return None
    return 1 + sum(days >= edge for edge in STALE_EDGES)


def _told_on(case: Case) -> date:
    return local_day(case.told_at or case.received_at)
