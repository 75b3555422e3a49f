"""The playbooks: complete, lawful, and proposing only."""

import tomllib
from copy import deepcopy
from datetime import date
from importlib import resources
from typing import Any

import pytest

from heed_disposal.domain.playbooks import PlaybookFileError, read_playbooks
from heed_disposal.domain.terms import SERVICE, Level, MeasureKind, MeasureStatus, Track
from heed_shared.reference.taxonomy import Taxonomy
from tests.disposal.builders import handbook

SHIPPED = (resources.files("heed_disposal.reference") / "playbooks.toml").read_text("utf-8")
BOOKS = handbook().playbooks
CATEGORIES = [category.code for category in Taxonomy.load().first_level(date(2026, 1, 1))]


def kinds(track: Track, category: str, level: Level) -> set[str]:
    return {step.kind.name for _, step in BOOKS.proposals(track, category, level)}


def test_the_taxonomy_has_its_seventeen_first_level_categories() -> None:
    assert len(CATEGORIES) == 17


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_first_level_category_has_a_playbook_of_its_own(category: str) -> None:
    assert any(book.category_code == category for book in BOOKS.books)
    assert kinds(Track.APPEAL, category, Level.YELLOW)


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("track", [Track.APPEAL, Track.SUGGESTION, Track.ENQUIRY])
def test_no_measure_is_forced_on_an_ordinary_case(category: str, track: Track) -> None:
    assert not kinds(track, category, Level.BLUE)


def test_the_measures_of_a_warning_add_up_as_its_level_rises() -> None:
    by_level = [kinds(Track.WARNING, "01", level) for level in Level if level]
    assert by_level[0] == {"BACKLOG_CHECK"}
    assert by_level[1] == {"BACKLOG_CHECK", "JOINT_RECEPTION"}
    assert by_level[1] < by_level[2] < by_level[3]
    assert {"SUPERVISION", "POLICY_PROPOSAL", "STATEMENT"} <= by_level[2]
    assert {"LEADER_TAKES_CASE", "RELIEF", "LEGAL_AID"} <= by_level[3]


def test_the_playbook_of_the_category_comes_before_the_general_one() -> None:
    chosen = {
        step.kind: book.name for book, step in BOOKS.proposals(Track.APPEAL, "03", Level.ORANGE)
    }
    assert chosen[MeasureKind.SITE_VISIT] == "wage-arrears@1"
    assert chosen[MeasureKind.OFFICIALS_TALK] == "general-severe@1"


def test_a_proposal_waits_for_somebody_else_than_its_planner() -> None:
    planned = BOOKS.plan(
        Track.WARNING, "01", Level.ORANGE, unit="", opened_on=date(2026, 9, 21), first_number=4
    )
    assert [measure.number for measure in planned] == list(range(4, 4 + len(planned)))
    for measure in planned:
        assert measure.status is MeasureStatus.PLANNED
        assert measure.planned_by == SERVICE
        assert measure.approved_by is None
        assert measure.approver_role


def test_the_approver_rises_with_the_level_unless_the_kind_names_its_own() -> None:
    roles = [BOOKS.approver_role(MeasureKind.SITE_VISIT, level) for level in Level if level]
    assert len(set(roles)) == 4
    for level in (Level.BLUE, Level.RED):
        assert "联席会议" in BOOKS.approver_role(MeasureKind.OFFICIALS_TALK, level)
        assert "新闻发言人" in BOOKS.approver_role(MeasureKind.STATEMENT, level)


@pytest.mark.parametrize(
    ("kind", "limits"),
    [
        (MeasureKind.SITE_VISIT, ("不得进入住宅", "不查验身份", "不劝返")),
        (MeasureKind.COMMUNITY_LIAISON, ("不得要求社区看守", "不作为主责")),
        (MeasureKind.OFFICIALS_TALK, ("只谈履职", "不得追查信访人")),
        (MeasureKind.PETITIONER_MEETING, ("自愿", "可随时离开", "书面记录", "拒绝参加不影响办理")),
        (MeasureKind.STATEMENT, ("逐句注明来源", "不含个人信息", "不评价信访人")),
    ],
)
def test_each_of_the_four_measures_states_its_legal_limits(
    kind: MeasureKind, limits: tuple[str, ...]
) -> None:
    for limit in limits:
        assert limit in BOOKS.kinds[kind].legal_basis


def test_no_playbook_is_about_watching_or_moving_people() -> None:
    steps = [step.title for book in BOOKS.books for step in book.steps]
    for word in ("稳控", "劝返", "布控", "监视", "走访信访人", "截访", "组织者", "重点人员"):
        assert not [title for title in steps if word in title], word


def broken(change: str) -> dict[str, Any]:
    document = deepcopy(tomllib.loads(SHIPPED))
    if change == "unknown kind":
        document["playbook"][0]["step"][0]["kind"] = "ARREST"
    elif change == "unknown level":
        document["playbook"][0]["level"] = "PURPLE"
    elif change == "kind without a rule":
        del document["kind"]["HEARING"]
    elif change == "level without an approver":
        del document["approver"]["RED"]
    elif change == "doubled name":
        document["playbook"].append(document["playbook"][0])
    elif change == "due too late":
        document["playbook"][0]["step"][0]["due_days"] = 366
    return document


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("unknown kind", "ARREST"),
        ("unknown level", "PURPLE"),
        ("kind without a rule", "HEARING"),
        ("level without an approver", "RED"),
        ("doubled name", "same name"),
        ("due too late", "warning-blue"),
    ],
)
def test_a_broken_playbook_file_does_not_load(change: str, named: str) -> None:
    with pytest.raises(PlaybookFileError, match=named):
        read_playbooks(broken(change))
