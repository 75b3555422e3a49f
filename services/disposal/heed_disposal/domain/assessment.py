"""Assessment (问题评估): from the facts of the matter to a response level, with reasons and doubts.

It grades the problem, never who raised it: repeats, tone and earlier petitions are no input. What
comes out is a proposal until a named person signs it; red is proposed only where a person confirmed
red for the warning behind the case.
"""

from dataclasses import dataclass

from heed_disposal.domain.case import Assessment, Case
from heed_disposal.domain.terms import (
    LEVEL_TITLES,
    Grade,
    Importance,
    Level,
    Nature,
    People,
    Urgency,
)

WIDE_INCIDENT = 30
NARROW_INCIDENT = 5
FAST_GROWTH = 10
SLOW_GROWTH = 3


@dataclass(frozen=True)
class Facts:
    """What is known of the problem."""

    nature: Nature = Nature.UNSPECIFIED
    urgency: Urgency = Urgency.UNSPECIFIED
    importance: Importance = Importance.UNSPECIFIED
    hazard: bool = False
    people: People = People.UNSPECIFIED
    incident_matters: int = 0
    """Matters of the same incident, this one included; 0 when it stands alone."""
    incident_recent: int = 0
    """Of these, received in the seven days before."""
    warning_level: Level = Level.UNSPECIFIED
    warning_count: int = 0
    sure: bool = True


Graded = tuple[Grade, str]
"""A grade and the reason for it; the reason of the lowest grade may be empty."""


def propose(facts: Facts, number: int) -> Assessment:
    """Propose an assessment."""
    severity, scope, development = _severity(facts), _scope(facts), _development(facts)
    level = _level(facts, severity[0], scope[0], development[0])
    reasons = [reason for grade, reason in (severity, scope, development) if reason]
    reasons.append(f"综合三项等级,建议按{LEVEL_TITLES[level]}响应")
    return Assessment(
        number=number,
        severity=severity[0],
        scope=scope[0],
        development=development[0],
        level=level,
        reasons=tuple(reasons),
        uncertainties=_uncertainties(facts),
    )


def needs_second_reader(case: Case) -> bool:
    """Say whether an assessment is signed by two: that of an urgent or major matter."""
    return case.urgency in (Urgency.U0, Urgency.U1) or case.importance is Importance.MAJOR


def _highest(candidates: list[Graded], lowest: str) -> Graded:
    return max(candidates, key=lambda item: item[0], default=(Grade.LOW, lowest))


def _severity(facts: Facts) -> Graded:
    found: list[Graded] = []
    if facts.urgency is Urgency.U0:
        found.append((Grade.HIGH, "危急:涉及现实人身危险,应立即电话转110、119、120等处置"))
    if facts.hazard and facts.urgency is Urgency.U1:
        found.append((Grade.HIGH, "紧急且存在安全隐患"))
    if facts.importance is Importance.MAJOR:
        found.append((Grade.HIGH, "事项重大"))
    if facts.urgency is Urgency.U1:
        found.append((Grade.MEDIUM, "事项紧急,影响基本生活或特殊困难群体"))
    if facts.hazard:
        found.append((Grade.MEDIUM, "存在安全隐患"))
    if facts.importance is Importance.IMPORTANT:
        found.append((Grade.MEDIUM, "事项重要"))
    if facts.urgency is Urgency.U3:
        found.append((Grade.MEDIUM, "疑难复杂,涉及多个单位或需鉴定、测绘"))
    return _highest(found, "未见人身危险、安全隐患或重大影响")


def _scope(facts: Facts) -> Graded:
    found: list[Graded] = []
    if facts.people >= People.FROM_21_TO_50:
        found.append((Grade.HIGH, "反映问题涉及二十人以上"))
    elif facts.people >= People.FROM_5_TO_10:
        found.append((Grade.MEDIUM, "反映问题涉及五人以上"))
    if facts.incident_matters >= WIDE_INCIDENT:
        found.append((Grade.HIGH, f"同一事件已归并{facts.incident_matters}件"))
    elif facts.incident_matters >= NARROW_INCIDENT:
        found.append((Grade.MEDIUM, f"同一事件已归并{facts.incident_matters}件"))
    if facts.warning_count >= WIDE_INCIDENT:
        found.append((Grade.HIGH, f"预警窗口内{facts.warning_count}件"))
    elif facts.warning_level:
        found.append((Grade.MEDIUM, "同一地区同类问题集中,已触发预警"))
    return _highest(found, "目前只见个别反映")


def _development(facts: Facts) -> Graded:
    found: list[Graded] = []
    if facts.incident_recent >= FAST_GROWTH:
        found.append((Grade.HIGH, f"同一事件近七日新增{facts.incident_recent}件"))
    elif facts.incident_recent >= SLOW_GROWTH:
        found.append((Grade.MEDIUM, f"同一事件近七日新增{facts.incident_recent}件"))
    if facts.warning_level >= Level.ORANGE:
        found.append((Grade.HIGH, f"预警级别为{LEVEL_TITLES[facts.warning_level]}"))
    elif facts.warning_level is Level.YELLOW:
        found.append((Grade.MEDIUM, f"预警级别为{LEVEL_TITLES[facts.warning_level]}"))
    return _highest(found, "未见同类问题增长")


def _level(facts: Facts, severity: Grade, scope: Grade, development: Grade) -> Level:
    """Combine the grades; a case opened from a warning answers at the level in effect."""
    grades = (severity, scope, development)
    wide_or_growing = max(scope, development) >= Grade.MEDIUM
    if facts.urgency is Urgency.U0 or (severity is Grade.HIGH and wide_or_growing):
        level = Level.ORANGE
    elif Grade.HIGH in grades or grades.count(Grade.MEDIUM) >= 2:
        level = Level.YELLOW
    else:
        level = Level.BLUE
    if facts.warning_level:
        return facts.warning_level
    return level


def _uncertainties(facts: Facts) -> tuple[str, ...]:
    found = []
    if not facts.sure:
        found.append("内容分类把握不足,人工复核后等级可能变化")
    if facts.warning_level:
        found.append("预警只依据件数,成因尚待核实")
        return tuple(found)
    if facts.nature is Nature.UNSPECIFIED:
        found.append("性质未能判定,暂按申诉求决程序计算期限")
    if facts.people is People.UNSPECIFIED:
        found.append("未填写涉及人数,按一人估计")
    if facts.incident_matters == 0:
        found.append("尚未归并到事件,是否另有同类反映未知")
    if facts.urgency is Urgency.UNSPECIFIED:
        found.append("紧急程度未能判定")
    return tuple(found)


@dataclass(frozen=True)
class Growth:
    """How many matters of the same incident have cases, and how many of them came in seven days."""

    matters: int = 0
    recent: int = 0


def reaches_grade(before: Growth, after: Growth) -> bool:
    """Say whether an incident grew past a number that grades its matters differently."""
    counts = ((before.matters, after.matters, n) for n in (NARROW_INCIDENT, WIDE_INCIDENT))
    recent = ((before.recent, after.recent, n) for n in (SLOW_GROWTH, FAST_GROWTH))
    return any(old < n <= new for old, new, n in (*counts, *recent))
