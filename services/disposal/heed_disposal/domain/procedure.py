"""The procedure beside the merits: objections, notices, service, reports, reopening, archive.

Pure functions of the case, like those of `handling`. What an article demands and the call does not
bring is refused with the article.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from heed_disposal.domain import follow_ups, rules
from heed_disposal.domain.approval import Act
from heed_disposal.domain.case import Case
from heed_disposal.domain.deadlines import cancel
from heed_disposal.domain.handbook import Handbook, cancel_clocks, meet_clocks
from heed_disposal.domain.major_reports import REPORTING
from heed_disposal.domain.procedure_terms import (
    LegalRoute,
    NoticeKind,
    ObjectionState,
    ReopenGround,
    ServiceMethod,
)
from heed_disposal.domain.records import ClosingReport, Notice, Objection, Service
from heed_disposal.domain.terms import FollowUpResult, Role, State, StepKind, Track
from heed_disposal.domain.transitions import Action, advance
from heed_shared.clock import local_day
from heed_shared.errors import (
    InvalidField,
    LawRequires,
    RoleRequired,
    WindowClosed,
    WrongState,
)

ARCHIVE_RULE = "内部规定:回访完成后归档"
NOTICE_RULE = "信访工作条例第二十三条"
DIVERSION_RULE = "信访工作条例第三十一条"
NOTICE_ACTIONS = {
    NoticeKind.NOT_ACCEPTED: Action.NOT_ACCEPT,
    NoticeKind.NO_LONGER_ACCEPTED: Action.NO_LONGER_ACCEPT,
    NoticeKind.DIVERTED: Action.DIVERT,
}


@dataclass(frozen=True)
class Delivery:
    """How and when an opinion reached the petitioner."""

    method: ServiceMethod
    served_on: date
    note: str


def object_to_route(
    case: Case, reason: str, competent_unit: str, act: Act, handbook: Handbook
) -> Case:
    """Say that the matter is not this unit's, within five working days of its receipt.

    Raises:
        WindowClosed: the five working days are over (article 23).
    """
    moved = advance(case, Action.OBJECT, act.actor, act.now, note=reason)
    received_at = case.unit_received_at or case.received_at
    window = handbook.window(rules.OBJECTION, received_at)
    if act.today > window.internal:
        raise WindowClosed(rules.OBJECTION, window.internal, window.citation)
    objection = Objection(case.unit, reason, competent_unit, act.actor, act.now)
    return replace(moved, procedure=replace(case.procedure, objection=objection))


def decide_objection(case: Case, reason: str, act: Act, *, agreed: bool) -> Case:
    """Agree with an objection, and the case waits for another route; or refuse it."""
    action = Action.AGREE_TO_OBJECTION if agreed else Action.REFUSE_OBJECTION
    moved = advance(case, action, act.actor, act.now, note=reason)
    objection = case.procedure.objection
    if objection is None:
        raise InvalidField("name", "has no objection that waits")
    decided = replace(
        objection,
        state=ObjectionState.AGREED if agreed else ObjectionState.REFUSED,
        decided_by=act.actor,
        decision_reason=reason,
    )
    moved = replace(moved, procedure=replace(case.procedure, objection=decided))
    if not agreed:
        return moved
    return cancel_notice_clocks(replace(moved, unit="", unit_received_at=None))


def cancel_notice_clocks(case: Case) -> Case:
    """Return the case without the clocks of a unit that no longer has it."""
    for deadline in case.deadlines:
        if deadline.open and deadline.code in (rules.NOTICE, rules.REPORT):
            case = case.with_deadline(cancel(deadline))
    return replace(case, report_required=False)


def notify(case: Case, notice: Notice, act: Act, handbook: Handbook) -> Case:
    """Record a written notice that ends or diverts the case. Diverted is not solved.

    Raises:
        LawRequires: the notice lacks its legal basis, or a diversion what articles 23 and 31 ask.
    """
    moved = advance(case, NOTICE_ACTIONS[notice.kind], act.actor, act.now, kind=StepKind.NOTIFIED)
    _require(notice.legal_basis, "notice.legal_basis", "要写明法律依据", NOTICE_RULE)
    _require(notice.remedy, "notice.remedy", "要写明救济途径", NOTICE_RULE)
    if notice.kind is NoticeKind.DIVERTED:
        _require(notice.body, "notice.body", "要写明受理机关", DIVERSION_RULE)
        _require(notice.limitation, "notice.limitation", "要写明该途径的时效", DIVERSION_RULE)
        if notice.route in (LegalRoute.UNSPECIFIED, LegalRoute.PETITION):
            raise LawRequires("notice.route", "要写明导入的法定途径", DIVERSION_RULE)
    signed = replace(notice, notified_by=act.actor, notified_at=act.now)
    moved = replace(moved, handler=act.actor, procedure=replace(case.procedure, notice=signed))
    moved = meet_clocks(
        moved,
        act.now,
        rules.ROUTING,
        rules.NOTICE,
        rules.URGENT_CONTACT,
        rules.DANGER_CONTACT,
    )
    moved = handbook.told_directly(moved, case.state, act.now)
    return cancel_clocks(moved, rules.MAJOR_REPORT)


def serve(case: Case, delivery: Delivery, act: Act, handbook: Handbook) -> Case:
    """Record the service of the opinion; the right of review runs from that day (article 35)."""
    moved = advance(case, Action.SERVE, act.actor, act.now, kind=StepKind.SERVED)
    issued_on = local_day(case.opinion.issued_at) if case.opinion else act.today
    if not issued_on <= delivery.served_on <= act.today:
        raise InvalidField("served_on", "must not lie before the opinion or after today")
    service = Service(delivery.method, delivery.served_on, delivery.note, act.actor)
    moved = replace(moved, procedure=replace(case.procedure, service=service))
    moved = follow_ups.without_planned(moved, promises_too=False)
    wait = timedelta(days=handbook.rules.on(rules.FOLLOW_UP, delivery.served_on).period)
    asked_on = max(delivery.served_on + wait, act.today)
    return follow_ups.schedule(moved, asked_on, follow_ups.AFTER_SERVICE)


def file_closing_report(case: Case, text: str, act: Act) -> Case:
    """File the report that an assigned case owes (article 22(3)); its clock is met."""
    moved = advance(case, Action.FILE_CLOSING_REPORT, act.actor, act.now)
    report = ClosingReport(text, act.actor, act.now)
    moved = replace(moved, procedure=replace(case.procedure, closing_report=report))
    return meet_clocks(moved, act.now, rules.REPORT)


def reopen(
    case: Case,
    ground: ReopenGround,
    reason: str,
    act: Act,
    handbook: Handbook,
    roles: frozenset[int],
) -> Case:
    """Open a concluded case again, within the window of its ground; its clock starts anew.

    Raises:
        WrongState: it is archived, and the ground is another than new facts.
        RoleRequired: only a supervisor passes on the order of a higher unit.
        WindowClosed: a case found not solved is reopened within the window of the rule R01.
        LawRequires: no follow-up says what the ground says.
    """
    moved = advance(case, Action.REOPEN, act.actor, act.now, note=reason, kind=StepKind.REOPENED)
    if case.state is State.ARCHIVED and ground is not ReopenGround.NEW_FACTS:
        raise WrongState("STATE_ARCHIVED", ["STATE_CONCLUDED"], case.name)
    if ground is ReopenGround.ORDERED and Role.SUPERVISOR not in roles:
        raise RoleRequired(["ROLE_SUPERVISOR"], "reopen")
    if ground is ReopenGround.NOT_SOLVED:
        _require_unsolved_follow_up(case)
        window = handbook.window(rules.REOPENING, case.concluded_at or case.updated_at)
        if act.today > window.legal:
            raise WindowClosed(rules.REOPENING, window.legal, window.citation)
    moved = replace(moved, reopened=True, solved=False, concluded_at=None)
    if case.track is Track.APPEAL:
        return handbook.start_clock(moved, rules.OPINION, act.now)
    code = rules.SUGGESTION_REPLY if case.track is Track.SUGGESTION else rules.ENQUIRY_REPLY
    return handbook.start_clock(moved, code, act.now)


_UNSOLVED = (
    FollowUpResult.NOT_SOLVED,
    FollowUpResult.PARTLY,
    FollowUpResult.PROMISE_BROKEN,
)


def _require_unsolved_follow_up(case: Case) -> None:
    if not any(follow_up.result in _UNSOLVED for follow_up in case.follow_ups):
        raise LawRequires("ground", "要有回访记录表明问题未解决", "内部规定:以回访结果为据")


def archive(case: Case, act: Act) -> Case:
    """Archive a concluded case.

    Raises:
        LawRequires: a follow-up is planned and not done, a supervision waits for its answer, or a
            major matter was never reported.
    """
    moved = advance(case, Action.ARCHIVE, act.actor, act.now)
    if any(f.result is FollowUpResult.UNSPECIFIED for f in case.follow_ups):
        raise LawRequires("name", "还有未完成的回访", ARCHIVE_RULE)
    if any(item.answered_at is None for item in case.procedure.supervisions):
        raise LawRequires("name", "还有未答复的督办", ARCHIVE_RULE)
    if any(item.open and item.code == rules.MAJOR_REPORT for item in case.deadlines):
        raise LawRequires("name", "重大、紧急事项还未报告", REPORTING)
    return moved


def _require(text: str, field: str, description: str, citation: str) -> None:
    if not text.strip():
        raise LawRequires(field, description, citation)
