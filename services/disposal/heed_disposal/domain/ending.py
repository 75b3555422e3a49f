"""What becomes of a case when the petitioner withdraws, or the petition's text is erased.

A withdrawal ends the procedure and is no success: the case is not solved by it. Erasure deletes all
that was taken from the text; numbers and dates stay.
"""

from dataclasses import replace
from datetime import datetime

from heed_disposal.domain.case import Case, Measure, Step
from heed_disposal.domain.follow_ups import without_planned
from heed_disposal.domain.handbook import cancel_clocks
from heed_disposal.domain.records import Procedure, Review
from heed_disposal.domain.terms import SERVICE, MeasureStatus, State, StepKind
from heed_disposal.domain.transitions import Action, advance

WITHDRAWN = "信访人已撤回"
ERASED = "(内容已删除)"

_PENDING = (MeasureStatus.PLANNED, MeasureStatus.APPROVED, MeasureStatus.STARTED)


def withdraw(case: Case, now: datetime) -> Case:
    """Conclude a case that is still open because the petitioner took the petition back."""
    if not case.open:
        return case
    note = f"{WITHDRAWN},退出上级案件" if case.parent else WITHDRAWN
    case = advance(case, Action.WITHDRAW, SERVICE, now, note=note, kind=StepKind.CLOSED)
    return replace(_without_duties(case), withdrawn=True, concluded_at=now, parent="")


def _without_duties(case: Case) -> Case:
    measures = tuple(
        replace(m, status=MeasureStatus.STOPPED) if m.status in _PENDING else m
        for m in case.measures
    )
    return cancel_clocks(without_planned(replace(case, measures=measures)))


def erase(case: Case, now: datetime) -> Case:
    """Delete what was taken from the petition's text, and conclude what was still open."""
    if case.erased:
        return case
    step = Step("erase", case.state, State.CONCLUDED if case.open else case.state, now, SERVICE)
    case = _without_duties(
        replace(
            case,
            state=step.to_state,
            title=ERASED,
            incident="",
            repeat_of="",
            erased=True,
            updated_at=now,
            steps=(*case.steps, step),
        )
    )
    return replace(
        case,
        assessment=None,
        procedure=erased_procedure(case.procedure),
        opinion=replace(case.opinion, text=ERASED) if case.opinion else None,
        measures=tuple(_erased_measure(measure) for measure in case.measures),
        follow_ups=tuple(replace(f, note="", occasion=ERASED) for f in case.follow_ups),
    )


def _erased_measure(measure: Measure) -> Measure:
    """Return a measure without what was written; kind, status, days, cost and effect stay."""
    return replace(
        measure,
        title=ERASED,
        purpose="",
        result="",
        details=None,
        proportionality_note="",
        approval_note="",
        side_effects="",
        stop_reason="",
        promises=tuple(replace(promise, text=ERASED) for promise in measure.promises),
        documents=(),
    )


def erased_procedure(procedure: Procedure) -> Procedure:
    """Return the records without what was written; dates, kinds and results stay."""
    objection, notice, service = procedure.objection, procedure.notice, procedure.service
    report = procedure.closing_report
    return Procedure(
        objection=(replace(objection, reason=ERASED, decision_reason="") if objection else None),
        notice=replace(notice, text=ERASED) if notice else None,
        service=replace(service, note="") if service else None,
        review=_erased_review(procedure.review),
        recheck=_erased_review(procedure.recheck),
        closing_report=replace(report, text=ERASED) if report else None,
        supervisions=tuple(
            replace(item, text=ERASED, answer="") for item in procedure.supervisions
        ),
        major_reports=tuple(replace(item, text=ERASED) for item in procedure.major_reports),
    )


def _erased_review(review: Review | None) -> Review | None:
    return replace(review, reason=ERASED, late_reason="", text=ERASED) if review else None
