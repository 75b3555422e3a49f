"""What the law sets to each kind of measure: refused with the field and the article it rests on."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from heed_disposal.domain import limits, measures
from heed_disposal.domain.case import Case
from heed_disposal.domain.measure_details import (
    DETAILS,
    CommunityLiaison,
    Details,
    OfficialsTalk,
    PetitionerMeeting,
    PublicStatement,
    SourcedSentence,
)
from heed_disposal.domain.terms import Level, MeasureKind, MeasureStatus
from heed_shared.errors import InvalidField, LawRequires
from tests.disposal.builders import (
    LEADER,
    MONDAY,
    UNIT,
    accepted,
    act,
    at,
    handbook,
    visit,
    warned,
)

LIAISON = CommunityLiaison(
    contact_unit="某社区居委会",
    task="请协助安排维修人员进楼检修电梯",
    shared_items=("楼栋号",),
    sharing_basis="本人同意",
    expires_on=date(2026, 10, 21),
)
TALK = OfficialsTalk("区住建局", ("逾期办证的整改",), date(2026, 10, 10))
MEETING = PetitionerMeeting(
    consent_given=True,
    consent_record="9月21日电话确认",
    notice_given_at=MONDAY,
    starts_at=at("2026-09-22"),
    place="区信访接待中心一楼",
    place_accessible=True,
    recorded=True,
    all_consented_to_recording=True,
    topics=("办证时间",),
    other_side_consented=True,
)
STATEMENT = PublicStatement(
    sentences=(SourcedSentence("该小区已完成竣工备案。", "住建局备案表"),),
    channels=("政府网站",),
    legal_checked=True,
    privacy_checked=True,
    secrecy_checked=True,
)
RIGHT: dict[MeasureKind, Details] = {
    MeasureKind.SITE_VISIT: visit(),
    MeasureKind.COMMUNITY_LIAISON: LIAISON,
    MeasureKind.OFFICIALS_TALK: TALK,
    MeasureKind.PETITIONER_MEETING: MEETING,
    MeasureKind.HEARING: MEETING,
    MeasureKind.MEDIATION: MEETING,
    MeasureKind.STATEMENT: STATEMENT,
}
REFUSED: list[tuple[MeasureKind, dict[str, Any], str, str]] = [
    (MeasureKind.SITE_VISIT, {"staff": ("staff/handler",)}, "staff", "信访工作条例"),
    (MeasureKind.SITE_VISIT, {"staff": ("staff/a", "staff/a ")}, "staff", "信访工作条例"),
    (MeasureKind.SITE_VISIT, {"place": " "}, "place", "信访工作条例"),
    (MeasureKind.SITE_VISIT, {"starts_at": None}, "starts_at", "信访工作条例"),
    (
        MeasureKind.SITE_VISIT,
        {"enters_private_place": True},
        "owner_consented",
        "宪法第三十九条、民法典第一千零三十三条",
    ),
    (MeasureKind.COMMUNITY_LIAISON, {"contact_unit": ""}, "contact_unit", "个人信息保护法"),
    (MeasureKind.COMMUNITY_LIAISON, {"task": ""}, "task", "个人信息保护法"),
    (MeasureKind.COMMUNITY_LIAISON, {"task": "请做好稳控"}, "task", "宪法第三十七条"),
    (MeasureKind.COMMUNITY_LIAISON, {"task": "掌握其行踪并报告"}, "task", "宪法第三十七条"),
    (MeasureKind.COMMUNITY_LIAISON, {"sharing_basis": ""}, "sharing_basis", "第十三条"),
    (
        MeasureKind.COMMUNITY_LIAISON,
        {"shared_items": ("检举材料",)},
        "shared_items",
        "信访工作条例第三十条",
    ),
    (MeasureKind.COMMUNITY_LIAISON, {"expires_on": None}, "expires_on", "个人信息保护法"),
    (MeasureKind.COMMUNITY_LIAISON, {"expires_on": date(2026, 10, 22)}, "expires_on", "个人"),
    (MeasureKind.COMMUNITY_LIAISON, {"expires_on": date(2026, 9, 20)}, "expires_on", "个人"),
    (MeasureKind.OFFICIALS_TALK, {"invited_unit": ""}, "invited_unit", "第三十九条"),
    (MeasureKind.OFFICIALS_TALK, {"topics": ()}, "topics", "信访工作条例第三十九条"),
    (
        MeasureKind.OFFICIALS_TALK,
        {"correction_due_on": date(2026, 9, 20)},
        "correction_due_on",
        "第三十九条",
    ),
    (MeasureKind.PETITIONER_MEETING, {"consent_given": False}, "consent_given", "宪法第三十七条"),
    (MeasureKind.PETITIONER_MEETING, {"consent_record": ""}, "consent_record", "宪法第三十七条"),
    (MeasureKind.PETITIONER_MEETING, {"notice_given_at": None}, "notice_given_at", "条例"),
    (
        MeasureKind.PETITIONER_MEETING,
        {"starts_at": at("2026-09-22", 9)},
        "notice_given_at",
        "信访工作条例",
    ),
    (MeasureKind.PETITIONER_MEETING, {"starts_at": None}, "starts_at", "条例"),
    (MeasureKind.PETITIONER_MEETING, {"place": ""}, "place", "条例"),
    (MeasureKind.PETITIONER_MEETING, {"place": "某某派出所二楼"}, "place", "宪法第三十七条"),
    (MeasureKind.PETITIONER_MEETING, {"place_accessible": False}, "place_accessible", "无障碍"),
    (
        MeasureKind.PETITIONER_MEETING,
        {"all_consented_to_recording": False},
        "all_consented_to_recording",
        "民法典",
    ),
    (MeasureKind.MEDIATION, {"consent_given": False}, "consent_given", "第三十三条"),
    (MeasureKind.MEDIATION, {"other_side_consented": False}, "other_side_consented", "第三十三条"),
    (MeasureKind.STATEMENT, {"sentences": ()}, "sentences", "政府信息公开条例"),
    (
        MeasureKind.STATEMENT,
        {"sentences": (SourcedSentence("已备案。", "备案表"), SourcedSentence("将办证。", " "))},
        "sentences[1].source",
        "政府信息公开条例",
    ),
    (MeasureKind.STATEMENT, {"legal_checked": False}, "legal_checked", "政府信息公开条例"),
    (MeasureKind.STATEMENT, {"privacy_checked": False}, "privacy_checked", "政府信息公开条例"),
    (MeasureKind.STATEMENT, {"secrecy_checked": False}, "secrecy_checked", "政府信息公开条例"),
]


def draft(kind: MeasureKind, details: Details | None, **changes: Any) -> measures.Draft:
    built = measures.Draft(kind, "核实", "查明", "依据", UNIT, date(2026, 9, 30), details)
    return replace(built, **changes)


@pytest.mark.parametrize("kind", list(MeasureKind))
def test_what_the_law_allows_is_planned(kind: MeasureKind) -> None:
    planned = measures.plan(accepted(), draft(kind, RIGHT.get(kind)), act(), handbook())
    assert planned.measures[-1].details == RIGHT.get(kind)


@pytest.mark.parametrize("kind", list(DETAILS))
def test_a_kind_with_limits_is_not_planned_without_details(kind: MeasureKind) -> None:
    with pytest.raises(LawRequires) as refused:
        measures.plan(accepted(), draft(kind, None), act(), handbook())
    assert refused.value.metadata["citation"]


@pytest.mark.parametrize(("kind", "changes", "field", "citation"), REFUSED)
def test_each_limit_is_refused_with_its_field_and_its_article(
    kind: MeasureKind, changes: dict[str, Any], field: str, citation: str
) -> None:
    details: Any = replace(RIGHT[kind], **changes)
    with pytest.raises(LawRequires) as refused:
        measures.plan(accepted(), draft(kind, details), act(), handbook())
    assert str(refused.value).split(":")[0].endswith(f".{field}")
    assert citation in refused.value.metadata["citation"]


def test_a_hearing_needs_no_consent_but_the_place_and_the_notice() -> None:
    unasked = replace(MEETING, consent_given=False, consent_record="")
    limits.check(MeasureKind.HEARING, unasked, MONDAY)
    with pytest.raises(LawRequires, match="notice_given_at"):
        limits.check(MeasureKind.HEARING, replace(unasked, notice_given_at=None), MONDAY)


@pytest.mark.parametrize("kind", [MeasureKind.OFFICIALS_TALK, MeasureKind.RELIEF])
def test_details_of_another_kind_are_refused(kind: MeasureKind) -> None:
    with pytest.raises(InvalidField, match="details"):
        limits.check(kind, visit(), MONDAY)


def test_personal_data_are_used_with_a_reason_only() -> None:
    wanted = draft(MeasureKind.SITE_VISIT, visit(), personal_data_used=("联系方式",))
    with pytest.raises(LawRequires, match="proportionality_note"):
        measures.plan(accepted(), wanted, act(), handbook())
    reasoned = replace(wanted, proportionality_note="只用于约定到场时间")
    assert measures.plan(accepted(), reasoned, act(), handbook()).measures


def approved(case: Case, number: int) -> Case:
    return measures.decide(case, number, measures.Decision(False, ""), act(LEADER), handbook())


def proposed() -> tuple[Any, int]:
    """A case whose playbook proposed a statement that the leader approved."""
    case = warned(Level.ORANGE)
    number = next(m.number for m in case.measures if m.kind is MeasureKind.STATEMENT)
    return measures.decide(
        case, number, measures.Decision(False, ""), act(LEADER), handbook()
    ), number


def test_a_proposal_of_a_playbook_does_not_begin_without_its_details() -> None:
    case, number = proposed()
    with pytest.raises(LawRequires, match="public_statement"):
        measures.begin(case, number, act())


def test_a_proposal_begins_after_a_revision_with_details_was_approved() -> None:
    case, number = proposed()
    revision = measures.Revision("补充来源", "已核对", "发布情况说明", None, STATEMENT)
    case = measures.revise(case, number, revision, act(), handbook())
    old = next(m for m in case.measures if m.number == number)
    new = case.measures[-1]
    assert (old.status, old.stop_reason) == (MeasureStatus.STOPPED, "补充来源(已核对)")
    assert (new.status, new.revision_of) == (MeasureStatus.PLANNED, number)
    assert (new.playbook, new.approved_by) == (old.playbook, None)
    approved = measures.decide(
        case, new.number, measures.Decision(False, ""), act(LEADER), handbook()
    )
    begun = measures.begin(approved, new.number, act())
    assert begun.measures[-1].started_at == MONDAY


def test_a_revision_without_details_keeps_those_of_before_and_their_limits() -> None:
    case = measures.plan(accepted(), draft(MeasureKind.SITE_VISIT, visit()), act(), handbook())
    kept = measures.Revision("换人", "生病", "改日到场", date(2026, 10, 8), None)
    assert measures.revise(case, 1, kept, act(), handbook()).measures[-1].details == visit()
    alone = replace(kept, details=visit(staff=("staff/handler",)))
    with pytest.raises(LawRequires, match="staff"):
        measures.revise(case, 1, alone, act(), handbook())


def test_a_meeting_does_not_begin_within_a_day_of_its_notice() -> None:
    case = measures.plan(
        accepted(), draft(MeasureKind.PETITIONER_MEETING, MEETING), act(), handbook()
    )
    case = approved(case, 1)
    with pytest.raises(LawRequires, match="notice_given_at"):
        measures.begin(case, 1, act(now=at("2026-09-22", 9)))
    assert measures.begin(case, 1, act(now=at("2026-09-22", 10))).measures[0].started_at


def test_a_liaison_whose_day_has_passed_does_not_begin() -> None:
    case = measures.plan(
        accepted(), draft(MeasureKind.COMMUNITY_LIAISON, LIAISON), act(), handbook()
    )
    case = approved(case, 1)
    with pytest.raises(LawRequires, match="expires_on"):
        measures.begin(case, 1, act(now=at("2026-10-22")))
