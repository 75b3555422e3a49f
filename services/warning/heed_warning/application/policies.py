"""Checks threshold policies before they are stored."""

from __future__ import annotations

from heed_shared.errors import InvalidField
from heed_warning.application.places import Places
from heed_warning.domain.policy import Policy, problem_with

_CODE_LENGTH = 6


def check_policy(policy: Policy, places: Places) -> None:
    """Check what the contract's own rules cannot.

    Raises:
        InvalidField: Levels or limits make no sense together.
        UnknownRegion: A whole region code is in no mounted table.
        UnknownCategory: The category is in no mounted taxonomy.
    """
    problem = problem_with(policy)
    if problem:
        raise InvalidField("policy.levels", problem)
    if len(policy.region_prefix) == _CODE_LENGTH:
        places.require_region(policy.region_prefix)
    if policy.category:
        places.require_category(policy.category, "policy.category_code")
