"""Keeps the counts of a case true after any change of it, and at the end of each day."""

from dataclasses import replace
from datetime import date

from heed_disposal.domain.case import Case
from heed_disposal.domain.counts import NOTHING_COUNTED, CountDelta, Counted, Mark, differences
from heed_disposal.domain.deadlines import Deadline
from heed_disposal.domain.handling_counts import marks_of, next_recount
from heed_disposal.domain.terms import DeadlineState, Track


def recount(case: Case, deadline: Deadline, closed_day: date) -> Counted:
    """Return what ``deadline`` should have added to the cells when ``closed_day`` has ended.

    A cancelled clock keeps the count of having been due, if it was; it is overdue no more. Only
    appeals and requests count (neither suggestions nor a warning's own clock).
    """
    if case.track is not Track.APPEAL or deadline.due is None:
        return NOTHING_COUNTED
    was_due = deadline.counted.due_on is not None
    if deadline.due.internal > closed_day:
        return NOTHING_COUNTED
    if deadline.state is DeadlineState.CANCELLED and not was_due:
        return NOTHING_COUNTED
    return Counted(
        region_code=case.handling_region,
        category_code=case.category_code,
        due_on=deadline.due.internal,
        overdue=deadline.open,
    )


def settle(case: Case, closed_day: date) -> tuple[Case, list[CountDelta]]:
    """Return the case with true counts, and the deltas that the change sends."""
    settled = replace(
        case,
        deadlines=tuple(
            replace(deadline, counted=recount(case, deadline, closed_day))
            for deadline in case.deadlines
        ),
        marks=marks_of(case, closed_day),
        recount_on=next_recount(case, closed_day),
    )
    return settled, differences(_all_marks(case), _all_marks(settled))


def retract(case: Case) -> list[CountDelta]:
    """Return the deltas that take back all that a case has added, before it is deleted."""
    return differences(_all_marks(case), ())


def _all_marks(case: Case) -> list[Mark]:
    return [*case.marks, *(mark for item in case.deadlines for mark in item.counted.marks())]
