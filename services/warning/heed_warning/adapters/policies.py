"""Threshold policies in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.database import Transaction
from heed_warning.domain.policy import Level, LevelRule, Policy, Strategy

_ADD = """
INSERT INTO threshold_policy (policy_id, region_prefix, category_code, strategy, window_days,
    levels, limits, min_count, pending_evaluations, clear_evaluations, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
_ALL = "SELECT * FROM threshold_policy ORDER BY position"
_LOCK = "SELECT * FROM threshold_policy WHERE policy_id = $1 FOR UPDATE"
_REPLACE = """
UPDATE threshold_policy
SET region_prefix = $2, category_code = $3, strategy = $4, window_days = $5, levels = $6,
    limits = $7, min_count = $8, pending_evaluations = $9, clear_evaluations = $10, version = $11
WHERE policy_id = $1
"""
_REMOVE = "DELETE FROM threshold_policy WHERE policy_id = $1"


class PostgresPolicies:
    """Implements the port Policies."""

    async def add(self, tx: Transaction, policy: Policy) -> None:
        """Store a policy."""
        await tx.connection.exec_driver_sql(_ADD, _row(policy))

    async def all(self, connection: AsyncConnection) -> Sequence[Policy]:
        """Return all policies, oldest first."""
        return [_policy(row) for row in await connection.exec_driver_sql(_ALL)]

    async def lock(self, tx: Transaction, policy_id: str) -> Policy | None:
        """Return a policy, locked until the end of the transaction; None if there is none."""
        try:
            uid = UUID(policy_id)
        except ValueError:
            return None
        row = (await tx.connection.exec_driver_sql(_LOCK, (uid,))).first()
        return _policy(row) if row else None

    async def replace(self, tx: Transaction, policy: Policy) -> None:
        """Write a policy in place of the stored one of the same id."""
        await tx.connection.exec_driver_sql(_REPLACE, _row(policy))

    async def remove(self, tx: Transaction, policy_id: str) -> None:
        """Delete a policy."""
        await tx.connection.exec_driver_sql(_REMOVE, (UUID(policy_id),))


def _row(policy: Policy) -> tuple[object, ...]:
    return (
        UUID(policy.policy_id),
        policy.region_prefix,
        policy.category,
        policy.strategy,
        policy.window_days,
        [int(rule.level) for rule in policy.rules],
        [rule.limit for rule in policy.rules],
        policy.min_count,
        policy.pending_evaluations,
        policy.clear_evaluations,
        policy.version,
    )


def _policy(row: Any) -> Policy:
    rules = zip(row.levels, row.limits, strict=True)
    return Policy(
        policy_id=str(row.policy_id),
        region_prefix=row.region_prefix,
        category=row.category_code,
        strategy=Strategy(row.strategy),
        window_days=row.window_days,
        rules=tuple(LevelRule(Level(level), limit) for level, limit in rules),
        min_count=row.min_count,
        pending_evaluations=row.pending_evaluations,
        clear_evaluations=row.clear_evaluations,
        version=row.version,
    )
