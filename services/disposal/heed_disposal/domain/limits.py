"""The limits that the law sets to each kind of measure (法律界限), DOMAIN 5.3.

What they demand and the measure does not bring is refused with the article. They are checked when a
person plans a measure and again when it begins, because days pass in between.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NoReturn

from heed_disposal.domain.measure_details import (
    DETAILS,
    FIELDS,
    CommunityLiaison,
    Details,
    OfficialsTalk,
    PetitionerMeeting,
    PublicStatement,
    SiteVisit,
)
from heed_disposal.domain.terms import MeasureKind
from heed_shared.clock import local_day
from heed_shared.errors import InvalidField, LawRequires

LEAST_STAFF = 2
LONGEST_LIAISON = timedelta(days=30)
SHORTEST_NOTICE = timedelta(hours=24)

HANDLING = "信访工作条例第二十八条、第三十一条"
HOME = "宪法第三十九条、民法典第一千零三十三条"
FREEDOM = "宪法第三十七条"
TALK = "信访工作条例第三十九条"
MEETING = "信访工作条例第三十一条"
MEDIATION = "信访工作条例第三十三条"
SECRECY = "信访工作条例第三十条、民法典第一千零三十九条"
DATA = "个人信息保护法第六条、第十三条"
ACCESS = "无障碍环境建设法"
RECORDING = "民法典第一千零一十九条、第一千零二十三条"
DISCLOSURE = "政府信息公开条例第六条、第十四条、第十五条、第十七条"

WATCHING = ("稳控", "盯防", "盯守", "看守", "看管", "监视", "跟踪", "劝返", "息访", "行踪", "动向")
"""Tasks that no community may be given: they are about a person, not about the problem."""
NEVER_SHARED = ("检举", "控告", "举报", "满意度", "评价", "信访历史", "信访记录")
"""Data that no community is given, whatever the basis."""
POLICE_PLACES = ("派出所", "公安局", "公安分局", "看守所", "拘留所", "警务室", "训诫")
"""Where nobody is asked to come for a talk."""


def check(kind: MeasureKind, details: Details | None, now: datetime) -> None:
    """Check that a measure of ``kind`` has the details that the law demands.

    Raises:
        LawRequires: what is missing or not allowed, with its article.
        InvalidField: the details are those of another kind.
    """
    wanted = DETAILS.get(kind)
    if wanted is None:
        if details is not None:
            raise InvalidField("details", "this kind of measure has none")
        return
    if details is None:
        raise LawRequires(f"details.{FIELDS[wanted]}", "须写明措施要素", _BASIS[wanted])
    if not isinstance(details, wanted):
        raise InvalidField("details", f"must be {FIELDS[wanted]} for this kind of measure")
    if isinstance(details, SiteVisit):
        _check_visit(details)
    elif isinstance(details, CommunityLiaison):
        _check_liaison(details, now)
    elif isinstance(details, OfficialsTalk):
        _check_talk(details, now)
    elif isinstance(details, PetitionerMeeting):
        _check_meeting(kind, details)
    else:
        _check_statement(details)


_BASIS = {
    SiteVisit: HANDLING,
    CommunityLiaison: DATA,
    OfficialsTalk: TALK,
    PetitionerMeeting: MEETING,
    PublicStatement: DISCLOSURE,
}


def _refusing(details: Details) -> Callable[[str, str, str], NoReturn]:
    def refuse(field: str, description: str, citation: str) -> NoReturn:
        raise LawRequires(f"details.{FIELDS[type(details)]}.{field}", description, citation)

    return refuse


def check_begin(details: Details | None, now: datetime) -> None:
    """Check that a meeting does not begin within a day of its notice, whatever was planned.

    Raises:
        LawRequires: it would.
    """
    if not isinstance(details, PetitionerMeeting) or details.notice_given_at is None:
        return
    if now - details.notice_given_at < SHORTEST_NOTICE:
        _refusing(details)("notice_given_at", "通知未满二十四小时,不得提前开始", MEETING)


def _check_visit(visit: SiteVisit) -> None:
    refuse = _refusing(visit)
    if len({person.strip() for person in visit.staff} - {""}) < LEAST_STAFF:
        refuse("staff", "到现场须有两名以上工作人员", HANDLING)
    if not visit.place.strip():
        refuse("place", "须写明到哪里", HANDLING)
    if visit.starts_at is None:
        refuse("starts_at", "须写明何时到场", HANDLING)
    if visit.enters_private_place and not visit.owner_consented:
        refuse("owner_consented", "进入住宅或者私密场所须有权利人书面同意", HOME)


def _check_liaison(liaison: CommunityLiaison, now: datetime) -> None:
    refuse = _refusing(liaison)
    today = local_day(now)
    if not liaison.contact_unit.strip():
        refuse("contact_unit", "须写明请哪个社区或者单位协助", DATA)
    if not liaison.task.strip():
        refuse("task", "须写明请求协助的具体事项", DATA)
    if word := _first(WATCHING, [liaison.task]):
        refuse("task", f"只能请求解决问题,不得要求社区对人“{word}”", FREEDOM)
    if word := _first(NEVER_SHARED, liaison.shared_items):
        refuse("shared_items", f"“{word}”信息一律不得提供给社区", SECRECY)
    if liaison.shared_items and not liaison.sharing_basis.strip():
        refuse("sharing_basis", "提供信息须写明依据或者本人同意", DATA)
    if liaison.expires_on is None:
        refuse("expires_on", "须写明到期日,最长三十日", DATA)
    if not today <= liaison.expires_on <= today + LONGEST_LIAISON:
        refuse("expires_on", "到期日须在今日之后三十日以内", DATA)


def _check_talk(talk: OfficialsTalk, now: datetime) -> None:
    refuse = _refusing(talk)
    if not talk.invited_unit.strip():
        refuse("invited_unit", "须写明约谈哪个单位", TALK)
    if not talk.topics:
        refuse("topics", "须写明约谈事项", TALK)
    if talk.correction_due_on is not None and talk.correction_due_on < local_day(now):
        refuse("correction_due_on", "整改期限不得早于今日", TALK)


def _check_meeting(kind: MeasureKind, meeting: PetitionerMeeting) -> None:
    refuse = _refusing(meeting)
    # A hearing is held by decision of the unit; nobody is obliged to come to it either.
    if kind is not MeasureKind.HEARING:
        _check_consent(kind, meeting)
    if not meeting.place.strip():
        refuse("place", "须写明地点", MEETING)
    if word := _first(POLICE_PLACES, [meeting.place]):
        refuse("place", f"不得安排在“{word}”", FREEDOM)
    if not meeting.place_accessible:
        refuse("place_accessible", "须安排在无障碍场所", ACCESS)
    if meeting.recorded and not meeting.all_consented_to_recording:
        refuse("all_consented_to_recording", "录音录像须各方同意", RECORDING)
    if meeting.starts_at is None:
        refuse("starts_at", "须写明何时开始", MEETING)
    told_at = meeting.notice_given_at
    if told_at is None or meeting.starts_at - told_at < SHORTEST_NOTICE:
        refuse("notice_given_at", "须提前二十四小时以上通知", MEETING)


def _check_consent(kind: MeasureKind, meeting: PetitionerMeeting) -> None:
    refuse = _refusing(meeting)
    basis = MEDIATION if kind is MeasureKind.MEDIATION else FREEDOM
    if not meeting.consent_given:
        refuse("consent_given", "须信访人自愿同意,不得强制到场", basis)
    if not meeting.consent_record.strip():
        refuse("consent_record", "须记录信访人何时、以何种方式同意", basis)
    if kind is MeasureKind.MEDIATION and not meeting.other_side_consented:
        refuse("other_side_consented", "调解须双方自愿", MEDIATION)


def _check_statement(statement: PublicStatement) -> None:
    refuse = _refusing(statement)
    if not statement.sentences:
        refuse("sentences", "须逐句写明内容和来源", DISCLOSURE)
    for index, sentence in enumerate(statement.sentences):
        if not sentence.source.strip():
            refuse(f"sentences[{index}].source", "每句话须注明来源", DISCLOSURE)
    if not statement.legal_checked:
        refuse("legal_checked", "发布前须经法律审查", DISCLOSURE)
    if not statement.privacy_checked:
        refuse("privacy_checked", "发布前须审查不含个人信息", DISCLOSURE)
    if not statement.secrecy_checked:
        refuse("secrecy_checked", "发布前须经保密审查", DISCLOSURE)


def _first(words: Iterable[str], texts: Iterable[str]) -> str:
    """Return the first of ``words`` that a text holds, or nothing."""
    joined = "\n".join(texts)
    return next((word for word in words if word in joined), "")
