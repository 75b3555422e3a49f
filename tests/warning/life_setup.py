"""What tests of the life of warnings share: a warning, a silence, rules, a setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from heed.common.v1.access_pb2 import ROLE_LEADER, ROLE_SUPERVISOR

from heed_shared.clock import local_day
from heed_warning.adapters.escalation_rules import read_escalation_rules
from heed_warning.application.places import working_day
from heed_warning.domain.escalation import EscalationStep, chain_of
from heed_warning.domain.evaluator import Outcome
from heed_warning.domain.life import CellWarning, Evaluation, Staff
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import DEFAULT_POLICY, Level
from heed_warning.domain.settling import Setting
from heed_warning.domain.silence import Silence
from heed_warning.domain.transitions import State
from tests.warning.simulation import ancestors

NOW = datetime(2025, 6, 3, 1, tzinfo=UTC)
"""Tuesday morning in China."""
DAY = date(2025, 6, 2)
COUNTY, SECOND_COUNTY, CITY, PROVINCE = "9A0101", "9A0102", "9A0100", "9A0000"
LEADER = Staff("staff/1004", "孟华", "市信访局")
ROLES = [ROLE_SUPERVISOR, ROLE_LEADER]
RULES = read_escalation_rules()


def chain(level: Level, start: datetime) -> tuple[EscalationStep, ...]:
    return chain_of(RULES.on(local_day(start)), level, start, working_day).steps


def warning(
    region: str = COUNTY, level: Level = Level.BLUE, number: int = 1, **fields: Any
) -> CellWarning:
    """A warning that has just fired."""
    cell = Cell(region, "01")
    evaluation = Evaluation(
        cell, DAY, Outcome.EXCEEDED, 12, 3.0, 9.0, 0.001, level, 7, "", DEFAULT_POLICY.name
    )
    made = CellWarning(
        uid=UUID(int=number),
        cell=cell,
        state=State.FIRING,
        proposed=level,
        effective=min(level, Level.ORANGE),
        first_exceeded_on=DAY,
        evaluation=evaluation,
        peak_count=12,
        fired_on=DAY,
        fired_at=NOW,
    )
    return replace(made, **fields)


def silence(days: int = 7, prefix: str = "9A", number: int = 90) -> Silence:
    """A silence from NOW on."""
    ends_at = NOW + timedelta(days=days)
    return Silence(UUID(int=number), prefix, "", NOW, ends_at, "统一答复", LEADER)


def setting(now: datetime = NOW, silences: Sequence[Silence] = ()) -> Setting:
    return Setting(now, silences, ancestors, chain)
