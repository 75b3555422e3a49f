"""What the procedure writes down about a case: objections, notices, service, reviews, supervision.

Each is a value of its own; who did it and when belong to it. None is ever deleted, but for the
texts of an erased petition.
"""

from dataclasses import dataclass
from datetime import date, datetime

from heed_disposal.domain.procedure_terms import (
    LegalRoute,
    NoticeKind,
    ObjectionState,
    RatingGrade,
    ReportStage,
    ReviewResult,
    ServiceMethod,
    SupervisionKind,
)
from heed_disposal.domain.terms import Actor


@dataclass(frozen=True)
class Objection:
    """A unit said that the matter is not its own (异议)."""

    unit: str
    reason: str
    competent_unit: str
    objected_by: Actor
    objected_at: datetime
    state: ObjectionState = ObjectionState.OPEN
    decided_by: Actor | None = None
    decision_reason: str = ""


@dataclass(frozen=True)
class Notice:
    """A written notice to the petitioner that ends or diverts a case (告知)."""

    kind: NoticeKind
    text: str
    legal_basis: str
    body: str = ""
    route: LegalRoute = LegalRoute.UNSPECIFIED
    limitation: str = ""
    legal_aid_contact: str = ""
    remedy: str = ""
    notified_by: Actor | None = None
    notified_at: datetime | None = None


@dataclass(frozen=True)
class Service:
    """How and when the opinion reached the petitioner (送达)."""

    method: ServiceMethod
    served_on: date
    note: str
    served_by: Actor


@dataclass(frozen=True)
class Review:
    """The next higher unit looks at an opinion again (复查、复核)."""

    unit: str
    reason: str
    requested_on: date
    late_reason: str = ""
    result: ReviewResult = ReviewResult.UNSPECIFIED
    text: str = ""
    legal_basis: str = ""
    issued_by: Actor | None = None
    issued_at: datetime | None = None


@dataclass(frozen=True)
class Supervision:
    """A suggestion to a unit, which answers in writing (督办)."""

    number: int
    kind: SupervisionKind
    text: str
    supervised_by: Actor
    supervised_at: datetime
    answer_due_on: date
    clock: int
    """Number of the deadline that waits for the answer."""
    answer: str = ""
    adopted: bool = False
    answered_by: Actor | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True)
class ClosingReport:
    """What an assigned unit reports before the case can be closed (办结报告)."""

    text: str
    filed_by: Actor
    filed_at: datetime


@dataclass(frozen=True)
class MajorReport:
    """What the leadership was told of a major or urgent matter (重大紧急事项报告)."""

    number: int
    stage: ReportStage
    addressees: tuple[str, ...]
    text: str
    reported_by: Actor
    reported_at: datetime


@dataclass(frozen=True)
class Rating:
    """How the petitioner rates office and unit (满意度评价). The handling unit never reads it."""

    office: RatingGrade
    unit: RatingGrade
    comment: str
    rated_at: datetime


@dataclass(frozen=True)
class Lesson:
    """What was learned from a case, as a proposal that somebody should answer (经验)."""

    text: str
    proposal: str
    addressee: str
    recorded_by: Actor
    recorded_at: datetime


@dataclass(frozen=True)
class Procedure:
    """The records of one case; absent ones have not happened."""

    objection: Objection | None = None
    notice: Notice | None = None
    service: Service | None = None
    review: Review | None = None
    recheck: Review | None = None
    closing_report: ClosingReport | None = None
    supervisions: tuple[Supervision, ...] = ()
    major_reports: tuple[MajorReport, ...] = ()


NOTHING_RECORDED = Procedure()
