"""Opening a case from a matter or a warning, and following later changes of its source.

What persons have signed or approved stays; what the suite proposed by itself is proposed anew.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from heed_disposal.domain import rules
from heed_disposal.domain.assessment import (
    Facts,
    Growth,
    propose,
)
from heed_disposal.domain.case import Assessment, Case, Step
from heed_disposal.domain.deadlines import cancel
from heed_disposal.domain.follow_ups import plan_first
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.terms import (
    LEVEL_TITLES,
    SERVICE,
    Actor,
    Grade,
    Importance,
    Level,
    Nature,
    People,
    State,
    StepKind,
    Track,
    Urgency,
)
from heed_disposal.domain.transitions import BEFORE_ANSWER

TRACKS = {
    Nature.APPEAL_REQUEST: Track.APPEAL,
    Nature.SUGGESTION: Track.SUGGESTION,
    Nature.ENQUIRY: Track.ENQUIRY,
    # Whoever cannot be sorted is owed the full procedure.
    Nature.UNSPECIFIED: Track.APPEAL,
}
"""Track by nature. An accusation has none: it is handled in the sealed lane of intake alone."""

RESOLVED_NOTE = "预警已解除,核实结论后办结"
SUPPLEMENT_NOTE = "信访人补充了材料"
LATE_SUPPLEMENT_NOTE = f"办结后{SUPPLEMENT_NOTE},属于新的事实的,依新事实重新办理"
"""New facts are a ground to open a case again, also an archived one; the same ones are not."""


@dataclass(frozen=True)
class MatterFacts:
    """What the classifier and intake say of one matter."""

    matter: str
    petition: str
    region_code: str
    category_code: str
    title: str
    received_at: datetime
    nature: Nature = Nature.UNSPECIFIED
    urgency: Urgency = Urgency.UNSPECIFIED
    importance: Importance = Importance.UNSPECIFIED
    people: People = People.UNSPECIFIED
    hazard: bool = False
    sure: bool = True
    incident: str = ""
    repeat_of: str = ""
    proposed_unit: str = ""


@dataclass(frozen=True)
class WarningFacts:
    """What the warning service says of one warning."""

    warning: str
    region_code: str
    category_code: str
    title: str
    level: Level
    observed_count: int
    raised_at: datetime


@dataclass(frozen=True)
class Opening:
    """Identity and time that a new case gets."""

    region: str
    uid: UUID
    now: datetime
    actor: Actor = SERVICE


def open_from_matter(
    facts: MatterFacts, growth: Growth, opening: Opening, handbook: Handbook
) -> Case:
    """Open the case of a matter: clocks, proposed assessment and measures, follow-up."""
    case = Case(
        region=opening.region,
        uid=opening.uid,
        version=0,
        track=TRACKS[facts.nature],
        state=State.OPENED,
        matter=facts.matter,
        petition=facts.petition,
        warning="",
        handling_region=facts.region_code,
        category_code=facts.category_code,
        title=facts.title,
        received_at=facts.received_at,
        opened_at=opening.now,
        updated_at=opening.now,
    )
    case = handbook.sync_clocks(_with_facts(case, facts))
    case = replace(case, assessment=propose(_problem(facts, growth), 1))
    case = plan_first(handbook.replan(case), handbook)
    return _opened(case, opening, StepKind.OPENED)


def open_from_warning(facts: WarningFacts, opening: Opening, handbook: Handbook) -> Case:
    """Open the response case of a warning, with the clock of its level."""
    case = Case(
        region=opening.region,
        uid=opening.uid,
        version=0,
        track=Track.WARNING,
        state=State.OPENED,
        matter="",
        petition="",
        warning=facts.warning,
        handling_region=facts.region_code,
        category_code=facts.category_code,
        title=facts.title,
        received_at=facts.raised_at,
        opened_at=opening.now,
        updated_at=opening.now,
    )
    case = handbook.start_clock(case, rules.RESPONSE[facts.level], facts.raised_at)
    case = replace(case, assessment=propose(_pile(facts), 1))
    case = plan_first(handbook.replan(case), handbook)
    return _opened(case, opening, StepKind.NONE)


def _opened(case: Case, opening: Opening, kind: StepKind) -> Case:
    step = Step(
        action="open",
        from_state=None,
        to_state=State.OPENED,
        at=opening.now,
        actor=opening.actor,
        kind=kind,
        due_at=case.next_due(),
    )
    return replace(case, steps=(step,))


def _with_facts(case: Case, facts: MatterFacts) -> Case:
    return replace(
        case,
        track=TRACKS[facts.nature],
        category_code=facts.category_code,
        title=facts.title,
        nature=facts.nature,
        urgency=facts.urgency,
        importance=facts.importance,
        people=facts.people,
        hazard=facts.hazard,
        sure=facts.sure,
        incident=facts.incident,
        repeat_of=facts.repeat_of,
        proposed_unit=facts.proposed_unit,
    )


def _problem(facts: MatterFacts | Case, growth: Growth) -> Facts:
    return Facts(
        nature=facts.nature,
        urgency=facts.urgency,
        importance=facts.importance,
        hazard=facts.hazard,
        people=facts.people,
        incident_matters=growth.matters,
        incident_recent=growth.recent,
        sure=facts.sure,
    )


def _pile(facts: WarningFacts) -> Facts:
    return Facts(warning_level=facts.level, warning_count=facts.observed_count)


def follow_matter(
    case: Case, facts: MatterFacts, growth: Growth, now: datetime, handbook: Handbook
) -> Case:
    """Return the case after its matter was corrected or sorted anew; the same if nothing changed.

    A case that is over or erased stays as it is, but for what it repeats. A signed assessment and
    approved measures stay.
    """
    if case.erased:
        return case
    changed = _with_facts(case, facts)
    linked = replace(case, repeat_of=facts.repeat_of)
    if not case.open or changed == linked:
        return case if linked == case else _noted(linked, "change_repeat", "重复件关联变更", now)
    changed = handbook.sync_clocks(changed)
    if changed.assessment is None or changed.assessment.proposed:
        changed = _propose_again(changed, _problem(facts, growth))
    changed = handbook.replan(changed)
    if replace(_with_facts(case, facts), incident=case.incident) == case:
        return _noted(changed, "change_incident", "事件归并变更", now)
    return _noted(changed, "correct", "分类更正", now)


def follow_growth(case: Case, growth: Growth, now: datetime, handbook: Handbook) -> Case:
    """Return the case after its incident grew; the same if it is graded as before.

    What a person has signed stays, and so does what was answered.
    """
    known = case.assessment
    if known is None or not known.proposed or case.state not in BEFORE_ANSWER or case.erased:
        return case
    proposal = propose(_problem(case, growth), known.number + 1)
    if _graded(proposal) == _graded(known):
        return case
    grown = handbook.replan(replace(case, assessment=proposal))
    return _noted(grown, "reassess", f"同一事件已归并{growth.matters}件,重新评估", now)


def _graded(assessment: Assessment) -> tuple[Grade, Grade, Grade, Level]:
    return assessment.severity, assessment.scope, assessment.development, assessment.level


def follow_level(case: Case, facts: WarningFacts, now: datetime, handbook: Handbook) -> Case:
    """Return the case of a warning after its level changed; the same if nothing follows from it.

    A level higher than any before starts its shorter clock and ends the old one; a lower level
    leaves the clock that runs, because the duty it stands for has begun. The level that is known,
    told again, changes nothing, though the count behind it may have moved.
    """
    if not case.open:
        return case
    changed = case
    known = case.assessment
    if known is None or (known.proposed and known.level is not facts.level):
        changed = _propose_again(case, _pile(facts))
    responses = [d for d in case.deadlines if d.code in rules.RESPONSE.values()]
    code = rules.RESPONSE[facts.level]
    # Codes fall as levels rise: W04 blue to W01 red.
    if all(code < deadline.code for deadline in responses):
        for deadline in responses:
            changed = changed.with_deadline(cancel(deadline)) if deadline.open else changed
        changed = handbook.start_clock(changed, code, now)
    if changed == case:
        return case
    changed = handbook.replan(changed)
    return _noted(changed, "change_level", f"预警调整为{LEVEL_TITLES[facts.level]}", now)


def _propose_again(case: Case, facts: Facts) -> Case:
    number = case.assessment.number + 1 if case.assessment else 1
    proposal = propose(facts, number)
    if case.assessment and replace(proposal, number=case.assessment.number) == case.assessment:
        return case
    return replace(case, assessment=proposal)


def _noted(case: Case, action: str, note: str, now: datetime) -> Case:
    step = Step(action, case.state, case.state, now, SERVICE, note)
    return replace(case, updated_at=now, steps=(*case.steps, step))


def note_resolved(case: Case, now: datetime) -> Case:
    """Return the case with a note that its warning has ended; a person still closes it."""
    if not case.open:
        return case
    return _noted(case, "note", RESOLVED_NOTE, now)


def note_supplement(case: Case, now: datetime) -> Case:
    """Return the case with a note that the petitioner added something, whatever its state."""
    if case.erased or case.withdrawn:
        return case
    return _noted(case, "supplement", SUPPLEMENT_NOTE if case.open else LATE_SUPPLEMENT_NOTE, now)
