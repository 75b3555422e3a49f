"""The proposed response level, its reasons and its doubts."""

from typing import Any

import pytest

from heed_disposal.domain.assessment import Facts, propose
from heed_disposal.domain.terms import (
    Grade,
    Importance,
    Level,
    Nature,
    People,
    Urgency,
)

ORDINARY: dict[str, Any] = {
    "nature": Nature.APPEAL_REQUEST,
    "urgency": Urgency.U2,
    "importance": Importance.ORDINARY,
    "people": People.ONE,
    "incident_matters": 1,
}


def grades(**changes: Any) -> tuple[Grade, Grade, Grade, Level]:
    found = propose(Facts(**(ORDINARY | changes)), 1)
    return found.severity, found.scope, found.development, found.level


LOW, MEDIUM, HIGH = Grade.LOW, Grade.MEDIUM, Grade.HIGH


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # An ordinary matter ends in ordinary handling.
        ({}, (LOW, LOW, LOW, Level.BLUE)),
        # Danger to life is never below orange, however few.
        ({"urgency": Urgency.U0}, (HIGH, LOW, LOW, Level.ORANGE)),
        ({"urgency": Urgency.U1}, (MEDIUM, LOW, LOW, Level.BLUE)),
        ({"urgency": Urgency.U1, "hazard": True}, (HIGH, LOW, LOW, Level.YELLOW)),
        ({"importance": Importance.MAJOR}, (HIGH, LOW, LOW, Level.YELLOW)),
        ({"urgency": Urgency.U3}, (MEDIUM, LOW, LOW, Level.BLUE)),
        # Two medium aspects make yellow.
        ({"hazard": True, "people": People.FROM_5_TO_10}, (MEDIUM, MEDIUM, LOW, Level.YELLOW)),
        ({"people": People.FROM_2_TO_4}, (LOW, LOW, LOW, Level.BLUE)),
        ({"people": People.FROM_21_TO_50}, (LOW, HIGH, LOW, Level.YELLOW)),
        ({"incident_matters": 5}, (LOW, MEDIUM, LOW, Level.BLUE)),
        ({"incident_matters": 30}, (LOW, HIGH, LOW, Level.YELLOW)),
        (
            {"incident_matters": 12, "incident_recent": 10},
            (LOW, MEDIUM, HIGH, Level.YELLOW),
        ),
        # High and wide or growing makes orange.
        (
            {"importance": Importance.MAJOR, "incident_matters": 6},
            (HIGH, MEDIUM, LOW, Level.ORANGE),
        ),
    ],
)
def test_the_level_follows_from_severity_scope_and_development(
    changes: dict[str, Any], expected: tuple[Grade, Grade, Grade, Level]
) -> None:
    assert grades(**changes) == expected


@pytest.mark.parametrize("level", [level for level in Level if level])
def test_a_warning_is_answered_at_the_level_in_effect(level: Level) -> None:
    assert propose(Facts(warning_level=level, warning_count=12), 1).level is level


def test_no_facts_of_a_petition_alone_propose_red() -> None:
    for urgency in Urgency:
        for people in People:
            found = propose(
                Facts(
                    urgency=urgency,
                    people=people,
                    hazard=True,
                    importance=Importance.MAJOR,
                    incident_matters=500,
                    incident_recent=100,
                ),
                1,
            )
            assert found.level < Level.RED


def test_every_aspect_gives_a_reason_in_chinese() -> None:
    found = propose(Facts(**ORDINARY), 1)
    assert found.proposed
    assert found.assessed_by is None
    assert found.reasons == (
        "未见人身危险、安全隐患或重大影响",
        "目前只见个别反映",
        "未见同类问题增长",
        "综合三项等级,建议按IV级(蓝)响应",
    )
    assert found.uncertainties == ()


def test_what_is_not_known_is_said() -> None:
    unsure = propose(Facts(sure=False), 1)
    assert len(unsure.uncertainties) == 5
    assert any("性质" in doubt for doubt in unsure.uncertainties)
    assert propose(Facts(warning_level=Level.BLUE), 1).uncertainties == (
        "预警只依据件数,成因尚待核实",
    )


def test_more_people_or_more_danger_never_lower_the_level() -> None:
    for urgency in (Urgency.U2, Urgency.U1, Urgency.U0):
        levels = [grades(urgency=urgency, people=people)[3] for people in People]
        assert levels == sorted(levels)
    for people in People:
        by_danger = [
            grades(urgency=urgency, people=people)[3]
            for urgency in (Urgency.U2, Urgency.U1, Urgency.U0)
        ]
        assert by_danger == sorted(by_danger)
