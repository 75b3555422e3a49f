"""What a case says for each document: whether it has come so far, and the values of the fields."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

from heed_disposal.domain import rules
from heed_disposal.domain.case import Case, Step
from heed_disposal.domain.deadlines import Deadline
from heed_disposal.domain.documents import DocumentKind
from heed_disposal.domain.procedure_terms import (
    LegalRoute,
    NoticeKind,
    ReviewResult,
    ServiceMethod,
    SupervisionKind,
)
from heed_disposal.domain.records import Review
from heed_disposal.domain.terms import Importance, Outcome, State, Track
from heed_disposal.domain.transitions import ANSWERED, BEFORE_ANSWER, Action
from heed_shared.clock import local_day
from heed_shared.errors import WrongState

OUTCOMES = {
    Outcome.SUPPORTED: "予以支持",
    Outcome.EXPLAINED: "诉求合理但缺乏法律依据,予以解释说明",
    Outcome.NOT_SUPPORTED: "不予支持",
}
RESULTS = {
    ReviewResult.UPHELD: "维持原意见",
    ReviewResult.CHANGED: "变更原意见",
    ReviewResult.REVOKED: "撤销原意见,由原单位重新办理",
}
METHODS = {
    ServiceMethod.IN_PERSON: "直接送达",
    ServiceMethod.POST: "邮寄送达",
    ServiceMethod.ELECTRONIC: "电子送达",
    ServiceMethod.LEFT: "留置送达",
    ServiceMethod.PUBLIC_NOTICE: "公告送达",
}
ROUTES = {
    LegalRoute.LITIGATION: "诉讼",
    LegalRoute.ARBITRATION: "仲裁",
    LegalRoute.PARTY_APPEAL: "党员申诉、复审复核",
    LegalRoute.ADMINISTRATIVE: "行政复议、行政裁决等行政程序",
    LegalRoute.DUTY: "申请履行法定职责",
}
SUGGESTIONS = {
    SupervisionKind.IMPROVE_WORK: "改进工作",
    SupervisionKind.IMPROVE_POLICY: "完善政策",
    SupervisionKind.PURSUE_RESPONSIBILITY: "追究责任",
}
_OVER = (State.CONCLUDED, State.ARCHIVED)
_ROUTED = (*BEFORE_ANSWER[1:], *ANSWERED, *_OVER)
_REVIEWED = (State.REVIEW_ISSUED, State.RECHECK_REQUESTED, State.RECHECK_ISSUED, *_OVER)

STATES: Mapping[DocumentKind, tuple[State, ...]] = {
    DocumentKind.ACCEPTANCE_NOTICE: (State.ACCEPTED, State.IN_PROGRESS, *ANSWERED, *_OVER),
    DocumentKind.NON_ACCEPTANCE_NOTICE: (State.NOT_ACCEPTED, *_OVER),
    DocumentKind.NO_LONGER_ACCEPTED_NOTICE: (State.NO_LONGER_ACCEPTED, *_OVER),
    DocumentKind.DIVERSION_NOTICE: (State.DIVERTED, *_OVER),
    DocumentKind.EXTENSION_NOTICE: (State.ACCEPTED, State.IN_PROGRESS, *ANSWERED, *_OVER),
    DocumentKind.OPINION: (*ANSWERED, *_OVER),
    DocumentKind.REVIEW_OPINION: _REVIEWED,
    DocumentKind.RECHECK_OPINION: (State.RECHECK_ISSUED, *_OVER),
    DocumentKind.TRANSFER_LETTER: _ROUTED,
    DocumentKind.ASSIGNMENT_LETTER: _ROUTED,
    DocumentKind.SUPERVISION_LETTER: tuple(State),
    DocumentKind.PROOF_OF_SERVICE: (*ANSWERED[1:], *_OVER),
    DocumentKind.CLOSING_REPORT: _ROUTED,
}
"""States in which a case may have come to a document; what it holds decides."""

History = Sequence[Step]
Values = dict[str, str]


def values_of(case: Case, history: History, kind: DocumentKind) -> Values:
    """Return the values for a document.

    Raises:
        WrongState: the case has not come to it; it names the states in which it may have.
    """
    own = _OWN[kind](case, history)
    if own is None:
        allowed = [f"STATE_{state.name}" for state in STATES[kind]]
        raise WrongState(f"STATE_{case.state.name}", allowed, case.name)
    major = case.importance is Importance.MAJOR
    return {
        "case": case.name,
        "matter": case.title,
        "received_on": _day(case.received_at),
        "unit": case.unit,
        "signer_role": "主要负责人" if major else "分管负责人",
    } | own


def _day(moment: datetime | date | None) -> str:
    """Return a day as it is written in a document."""
    if moment is None:
        return ""
    day = local_day(moment) if isinstance(moment, datetime) else moment
    return f"{day.year}年{day.month}月{day.day}日"


def _last(history: History, action: Action) -> Step | None:
    return next((step for step in reversed(history) if step.action == action.value), None)


def _clock(case: Case, code: str) -> Deadline | None:
    found = [deadline for deadline in case.deadlines if deadline.code == code]
    return max(found, key=lambda deadline: deadline.number, default=None)


def _due(case: Case, code: str) -> str:
    clock = _clock(case, code)
    return _day(clock.due.legal) if clock and clock.due else ""


def _acceptance(case: Case, history: History) -> Values | None:
    step = _last(history, Action.ACCEPT)
    if step is None:
        return None
    return {
        "unit": case.unit or step.actor.unit,
        "accepted_on": _day(step.at),
        "opinion_due_on": _due(case, rules.OPINION),
    }


def _notice(kind: NoticeKind) -> Callable[[Case, History], Values | None]:
    def values(case: Case, _history: History) -> Values | None:
        notice = case.procedure.notice
        if notice is None or notice.kind is not kind:
            return None
        return {
            "unit": notice.notified_by.unit if notice.notified_by else case.unit,
            "text": notice.text,
            "legal_basis": notice.legal_basis,
            "remedy": notice.remedy,
            "body": notice.body,
            "route": ROUTES.get(notice.route, ""),
            "limitation": notice.limitation,
            "legal_aid": notice.legal_aid_contact,
            "issued_on": _day(notice.notified_at),
        }

    return values


def _extension(case: Case, history: History) -> Values | None:
    extended = [deadline for deadline in case.deadlines if deadline.extended_days]
    if not extended:
        return None
    clock = max(extended, key=lambda deadline: deadline.number)
    step = _last(history, Action.EXTEND_DEADLINE)
    approver = clock.extension_approved_by
    return {
        "extended_days": str(clock.extended_days),
        "reason": clock.extension_reason,
        "approver": (approver.display_name or approver.identity) if approver else "",
        "due_on": _day(clock.due.legal) if clock.due else "",
        "issued_on": _day(step.at) if step else "",
    }


def _opinion(case: Case, history: History) -> Values | None:
    opinion = case.opinion
    if opinion is None or case.track is not Track.APPEAL:
        return None
    accepted = _acceptance(case, history) or {}
    return accepted | {
        "unit": case.unit or opinion.issued_by.unit,
        "text": opinion.text,
        "legal_basis": opinion.legal_basis,
        "outcome": OUTCOMES[opinion.outcome],
        "issued_on": _day(opinion.issued_at),
    }


def _review_values(case: Case, review: Review | None) -> Values | None:
    if review is None or review.issued_at is None:
        return None
    opinion = case.opinion
    return {
        "review_unit": review.unit,
        "reason": review.reason,
        "requested_on": _day(review.requested_on),
        "opinion_on": _day(opinion.issued_at) if opinion else "",
        "text": review.text,
        "legal_basis": review.legal_basis,
        "outcome": RESULTS.get(review.result, ""),
        "issued_on": _day(review.issued_at),
    }


def _transfer(case: Case, history: History) -> Values | None:
    return None if case.report_required else _routing(case, history)


def _assignment(case: Case, history: History) -> Values | None:
    return _routing(case, history) if case.report_required else None


def _routing(case: Case, history: History) -> Values | None:
    step = _last(history, Action.ROUTE)
    if step is None or not case.unit:
        return None
    return {
        "office": step.actor.unit,
        "notice_due_on": _due(case, rules.NOTICE),
        "report_due_on": _due(case, rules.REPORT),
        "issued_on": _day(step.at),
    }


def _supervision(case: Case, _history: History) -> Values | None:
    if not case.procedure.supervisions:
        return None
    latest = case.procedure.supervisions[-1]
    return {
        "office": latest.supervised_by.unit,
        "suggestion": SUGGESTIONS[latest.kind],
        "text": latest.text,
        "answer_due_on": _day(latest.answer_due_on),
        "issued_on": _day(latest.supervised_at),
    }


def _proof(case: Case, _history: History) -> Values | None:
    service, opinion = case.procedure.service, case.opinion
    if service is None:
        return None
    server = service.served_by
    return {
        "unit": case.unit or server.unit,
        "opinion_on": _day(opinion.issued_at) if opinion else "",
        "method": METHODS[service.method],
        "served_on": _day(service.served_on),
        "served_by": server.display_name or server.identity,
        "note": service.note or "无",
    }


def _closing(case: Case, _history: History) -> Values | None:
    report, opinion = case.procedure.closing_report, case.opinion
    if report is None:
        return None
    return {
        "unit": case.unit or report.filed_by.unit,
        "text": report.text,
        "outcome": OUTCOMES[opinion.outcome] if opinion else "",
        "opinion_on": _day(opinion.issued_at) if opinion else "",
        "issued_on": _day(report.filed_at),
    }


_OWN: Mapping[DocumentKind, Callable[[Case, History], Values | None]] = {
    DocumentKind.ACCEPTANCE_NOTICE: _acceptance,
    DocumentKind.NON_ACCEPTANCE_NOTICE: _notice(NoticeKind.NOT_ACCEPTED),
    DocumentKind.NO_LONGER_ACCEPTED_NOTICE: _notice(NoticeKind.NO_LONGER_ACCEPTED),
    DocumentKind.DIVERSION_NOTICE: _notice(NoticeKind.DIVERTED),
    DocumentKind.EXTENSION_NOTICE: _extension,
    DocumentKind.OPINION: _opinion,
    DocumentKind.REVIEW_OPINION: lambda case, _: _review_values(case, case.procedure.review),
    DocumentKind.RECHECK_OPINION: lambda case, _: _review_values(case, case.procedure.recheck),
    DocumentKind.TRANSFER_LETTER: _transfer,
    DocumentKind.ASSIGNMENT_LETTER: _assignment,
    DocumentKind.SUPERVISION_LETTER: _supervision,
    DocumentKind.PROOF_OF_SERVICE: _proof,
    DocumentKind.CLOSING_REPORT: _closing,
}
