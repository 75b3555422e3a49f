"""The case (案件) as one value: what it was opened from, where it stands, and all that hangs on it.

A verb takes a case and returns another; nothing is changed in place. ``steps`` holds only what the
verb in progress added to the history.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from heed_disposal.domain.counts import Mark
from heed_disposal.domain.deadlines import Deadline
from heed_disposal.domain.measure_details import Details, Promise, RecordDocument
from heed_disposal.domain.records import NOTHING_RECORDED, Lesson, Procedure, Rating
from heed_disposal.domain.terms import (
    Actor,
    Effect,
    Finding,
    FollowUpResult,
    Grade,
    Importance,
    Level,
    MeasureKind,
    MeasureStatus,
    Nature,
    Outcome,
    People,
    State,
    StepKind,
    Track,
    Urgency,
)
from heed_shared.ids import resource_name


@dataclass(frozen=True)
class Assessment:
    """How severe, how wide, how it may go on, and which response follows."""

    number: int
    severity: Grade
    scope: Grade
    development: Grade
    level: Level
    reasons: tuple[str, ...]
    uncertainties: tuple[str, ...] = ()
    proposed: bool = True
    assessed_by: Actor | None = None
    assessed_at: datetime | None = None
    second_reader: Actor | None = None


@dataclass(frozen=True)
class Measure:
    """Something that is done about the problem; none runs without a named approver."""

    number: int
    kind: MeasureKind
    status: MeasureStatus
    title: str
    purpose: str
    legal_basis: str
    owner_unit: str
    due_on: date
    playbook: str
    planned_by: Actor
    approver_role: str
    approved_by: Actor | None = None
    approval_note: str = ""
    details: Details | None = None
    proportionality_note: str = ""
    personal_data_used: tuple[str, ...] = ()
    """Kinds of personal data, such as "联系方式"."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    result: str = ""
    side_effects: str = ""
    cost: float = 0.0
    """In yuan."""
    effect: Effect = Effect.UNSPECIFIED
    promises: tuple[Promise, ...] = ()
    documents: tuple[RecordDocument, ...] = ()
    stop_reason: str = ""
    revision_of: int = 0
    """Number of the measure of which it is the revision; 0 when it is none."""


@dataclass(frozen=True)
class FollowUp:
    """A planned or recorded call-back."""

    number: int
    scheduled_on: date
    occasion: str
    result: FollowUpResult = FollowUpResult.UNSPECIFIED
    note: str = ""
    recorded_by: Actor | None = None
    recorded_at: datetime | None = None
    measure: int = 0
    """Number of the measure whose promise is asked about; 0 when it is none."""
    attempt: int = 1


@dataclass(frozen=True)
class Opinion:
    """The dated written answer."""

    outcome: Outcome
    text: str
    legal_basis: str
    issued_by: Actor
    issued_at: datetime
    number: int = 1
    """A case that was opened again gets another; none is overwritten."""


@dataclass(frozen=True)
class Step:
    """One entry of the append-only history of a case."""

    action: str
    from_state: State | None
    to_state: State
    at: datetime
    actor: Actor
    note: str = ""
    kind: StepKind = StepKind.NONE
    unit: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True)
class Case:
    """The handling of one matter of a petition, or of one warning."""

    region: str
    uid: UUID
    version: int
    track: Track
    state: State
    matter: str
    petition: str
    warning: str
    handling_region: str
    category_code: str
    title: str
    received_at: datetime
    opened_at: datetime
    updated_at: datetime
    nature: Nature = Nature.UNSPECIFIED
    urgency: Urgency = Urgency.UNSPECIFIED
    importance: Importance = Importance.UNSPECIFIED
    people: People = People.UNSPECIFIED
    hazard: bool = False
    sure: bool = True
    """Whether the classification was sure enough to go on without a look."""
    incident: str = ""
    repeat_of: str = ""
    """Matter that this one repeats (重复件), as linked by a clerk; empty for a first one."""
    proposed_unit: str = ""
    unit: str = ""
    unit_received_at: datetime | None = None
    handler: Actor | None = None
    """Who accepted it or issued the opinion; somebody else has to close."""
    solved: bool = False
    finding: Finding = Finding.UNSPECIFIED
    erased: bool = False
    """Whether everything taken from the petition's text was deleted."""
    deadlines: tuple[Deadline, ...] = ()
    assessment: Assessment | None = None
    measures: tuple[Measure, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    opinion: Opinion | None = None
    procedure: Procedure = NOTHING_RECORDED
    report_required: bool = False
    """Whether it was assigned and owes a closing report (article 22(3))."""
    concluded_at: datetime | None = None
    reopened: bool = False
    rated: bool = False
    parent: str = ""
    """Case resource name of the parent; each keeps its own clocks and duties."""
    joined_warnings: tuple[str, ...] = ()
    """Warnings that rose on its cell while it was open; it answers for them too."""
    withdrawn: bool = False
    """Whether it ended because the petitioner took the petition back."""
    told_at: datetime | None = None
    """When the petitioner was last told how the handling goes; None since the receipt."""
    marks: tuple[Mark, ...] = ()
    """What it has added to cells, beside its deadlines."""
    recount_on: date | None = None
    """Next day whose end changes that; None if no day does."""
    steps: tuple[Step, ...] = ()
    rating: Rating | None = None
    """Only what the verb in progress added, like the steps; whoever reads a case reads none."""
    lessons: tuple[Lesson, ...] = ()

    @property
    def name(self) -> str:
        """Resource name."""
        return resource_name("cases", self.region, self.uid)

    @property
    def key(self) -> tuple[str, UUID]:
        """Primary key."""
        return self.region, self.uid

    @property
    def open(self) -> bool:
        """Whether the procedure is not over."""
        return self.state not in (State.CONCLUDED, State.ARCHIVED)

    def next_due(self) -> datetime | None:
        """Return by when the next answer is owed, or None when nothing is owed."""
        moments = [d.due.last_moment() for d in self.deadlines if d.open and d.due is not None]
        return min(moments, default=None)

    def with_deadline(self, deadline: Deadline) -> "Case":
        """Return the case with one deadline added or replaced."""
        kept = tuple(d for d in self.deadlines if d.number != deadline.number)
        return replace(self, deadlines=(*kept, deadline))

    def with_measure(self, measure: Measure) -> "Case":
        """Return the case with one measure added or replaced."""
        kept = tuple(m for m in self.measures if m.number != measure.number)
        return replace(self, measures=tuple(sorted((*kept, measure), key=lambda m: m.number)))

    def with_follow_up(self, follow_up: FollowUp) -> "Case":
        """Return the case with one follow-up added or replaced."""
        kept = tuple(f for f in self.follow_ups if f.number != follow_up.number)
        ordered = sorted((*kept, follow_up), key=lambda f: f.number)
        return replace(self, follow_ups=tuple(ordered))

    def next_number(self, part: tuple[Deadline | Measure | FollowUp, ...]) -> int:
        """Return the number of the next part of a kind; numbers are never used twice."""
        return max((item.number for item in part), default=0) + 1
