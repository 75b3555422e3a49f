"""What petitioners say of the handling, and what those who handled it learned."""

from dataclasses import replace

from heed_disposal.domain.approval import Act
from heed_disposal.domain.case import Case
from heed_disposal.domain.procedure_terms import RatingGrade
from heed_disposal.domain.records import Lesson, Rating
from heed_disposal.domain.transitions import Action, advance
from heed_shared.errors import InvalidField


def rate(case: Case, office: RatingGrade, unit: RatingGrade, comment: str, act: Act) -> Case:
    """Record how the petitioner rates office and unit; a later rating replaces the earlier one."""
    moved = advance(case, Action.RATE, act.actor, act.now)
    if office is RatingGrade.UNSPECIFIED and unit is RatingGrade.UNSPECIFIED:
        raise InvalidField("office", "office or unit must be rated")
    return replace(moved, rated=True, rating=Rating(office, unit, comment, act.now))


def record_lesson(case: Case, text: str, proposal: str, addressee: str, act: Act) -> Case:
    """Record what was learned from the case."""
    moved = advance(case, Action.RECORD_LESSON, act.actor, act.now)
    lesson = Lesson(text, proposal, addressee, act.actor, act.now)
    return replace(moved, lessons=(*case.lessons, lesson))
