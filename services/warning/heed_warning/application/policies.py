"""Threshold policies: checked, previewed, stored, replaced, taken away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from heed_shared.clock import Clock
from heed_shared.database import Database, Transaction
from heed_shared.errors import InvalidField, NotFound
from heed_shared.identity import Caller, region_prefix
from heed_shared.ids import require_etag
from heed_warning.application.evaluation import closed_day
from heed_warning.application.places import Places, working_day
from heed_warning.application.ports import Models, Panels, Policies, Skips
from heed_warning.domain.board import Board, evaluate
from heed_warning.domain.history import Forecaster
from heed_warning.domain.panel import Panel
from heed_warning.domain.policy import Policy, problem_with
from heed_warning.domain.preview import Preview, preview
from heed_warning.domain.skips import Skip

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
        places.require_region(policy.region_prefix, "policy.region_prefix")
    if policy.category:
        places.require_category(policy.category, "policy.category_code")


def may_change(caller: Caller, policy: Policy) -> bool:
    """Say whether a policy lies wholly inside the caller's region."""
    return caller.covers(region_prefix(policy.region_prefix))


def may_see(caller: Caller, policy: Policy) -> bool:
    """Say whether a policy lies inside the caller's region, or applies to it from above."""
    prefix = region_prefix(policy.region_prefix)
    return caller.covers(prefix) or caller.region_prefix.startswith(prefix)


@dataclass(frozen=True)
class PolicyDesk:
    """The use cases around threshold policies."""

    database: Database
    clock: Clock
    places: Places
    panels: Panels
    policies: Policies
    skips: Skips
    models: Models

    async def preview(self, caller: Caller, policy: Policy) -> Preview:
        """Return what a policy, new or changed, would raise or clear as of yesterday."""
        day = closed_day(None, self.clock)
        async with self.database.read() as connection:
            present = await self.policies.all(connection)
            skips = await self.skips.until(connection, day)
        known = {stored.policy_id: stored for stored in present}
        planned = list((known | {policy.policy_id: policy}).values())
        model = await self.models.current()
        panel = await self.panels.latest(day)

        def compare() -> Preview:
            before, after = (
                _board(panel, day, policies, skips, model, self.places)
                for policies in (present, planned)
            )
            return preview(before, after, policy.policy_id, lambda cell: caller.covers(cell.region))

        return await asyncio.to_thread(compare)

    async def current(self, tx: Transaction, caller: Caller, name: str, etag: str) -> Policy:
        """Return the stored policy that a caller is about to change, locked.

        Raises:
            NotFound: There is no such policy inside the caller's region.
            StaleEtag: It has changed since the caller saw it.
        """
        stored = await self.policies.lock(tx, name.removeprefix("thresholdPolicies/"))
        if stored is None or not may_change(caller, stored):
            raise NotFound(name)
        require_etag(etag, stored.version, name)
        return stored

    async def replace(self, tx: Transaction, caller: Caller, policy: Policy, etag: str) -> Policy:
        """Write a policy in place of the stored one. Does not commit."""
        stored = await self.current(tx, caller, policy.name, etag)
        written = replace(policy, version=stored.version + 1)
        await self.policies.replace(tx, written)
        return written


def _board(
    panel: Panel,
    day: date,
    policies: Sequence[Policy],
    skips: Sequence[Skip],
    model: Forecaster | None,
    places: Places,
) -> Board:
    return evaluate(
        panel,
        day,
        policies=policies,
        model=model,
        working=working_day,
        ancestors=places.still_above,
        skips=skips,
    )
