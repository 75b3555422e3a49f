"""The domain's numbers are the contract's, and policies survive the way there and back."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import pytest
from heed.common.v1.matter_pb2 import WarningLevel
from heed.common.v1.observation_pb2 import MEASURE_ITEMS
from heed.disposal.v1.events_pb2 import WarningVerdict
from heed.warning.v1 import resources_pb2 as pb
from heed.warning.v1.events_pb2 import WarningEvent

from heed_shared.errors import InvalidField
from heed_warning.api import convert
from heed_warning.domain.counts import ITEMS
from heed_warning.domain.evaluator import Outcome
from heed_warning.domain.forecaster_record import ForecasterState
from heed_warning.domain.life import Change, Verdict
from heed_warning.domain.policy import DEFAULT_POLICY, Level, Strategy
from heed_warning.domain.transitions import State


@pytest.mark.parametrize(
    ("ours", "contract", "prefix"),
    [
        (Level, WarningLevel, "WARNING_LEVEL_"),
        (Strategy, pb.ThresholdPolicy.Strategy, "STRATEGY_"),
        (Outcome, pb.Evaluation.Outcome, "OUTCOME_"),
        (State, pb.Warning.State, "STATE_"),
        (Verdict, pb.Warning.Verdict, "VERDICT_"),
        (Verdict, WarningVerdict.Finding, "FINDING_"),
        (Change, WarningEvent.Kind, "KIND_"),
        (ForecasterState, pb.Forecaster.State, "STATE_"),
    ],
)
def test_numbers_are_those_of_the_contract(ours: type[IntEnum], contract: Any, prefix: str) -> None:
    named = {prefix + ("UNSPECIFIED" if item.value == 0 else item.name): item.value
             for item in ours}  # fmt: skip
    wanted = dict(contract.items())
    assert named == {name: wanted[name] for name in named}
    assert set(wanted) - set(named) <= {f"{prefix}UNSPECIFIED"}


def test_warnings_rest_on_items_only() -> None:
    assert ITEMS == MEASURE_ITEMS


def test_a_policy_is_the_same_there_and_back() -> None:
    there = convert.from_policy(DEFAULT_POLICY)
    assert convert.to_policy(there, DEFAULT_POLICY.policy_id) == DEFAULT_POLICY


def test_a_day_that_no_calendar_has_is_refused() -> None:
    with pytest.raises(InvalidField):
        convert.to_day("2026-02-30", "as_of")
    assert convert.to_day_or_none("", "as_of") is None
