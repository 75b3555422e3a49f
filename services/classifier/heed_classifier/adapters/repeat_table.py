"""Repeat links in Postgres, and the mark that a matter repeats another, kept together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from heed_classifier.application.ports import Position
from heed_classifier.domain.incidents import MatterKey
from heed_classifier.domain.repeats import LinkAct, LinkKey, RepeatLink

_IN_FORCE = """
SELECT * FROM repeat_link
WHERE matter_region = $1 AND matter_uid = $2 AND matter_k = $3 AND unlinked_at IS NULL
"""
_CHAIN = """
WITH RECURSIVE chain (region, uid, k) AS (
    SELECT repeat_region, repeat_uid, repeat_k FROM matter
    WHERE region = $1 AND uid = $2 AND k = $3 AND repeat_uid IS NOT NULL
    UNION
    SELECT repeat_region, repeat_uid, repeat_k FROM matter JOIN chain USING (region, uid, k)
    WHERE repeat_uid IS NOT NULL
)
SELECT region, uid, k FROM chain
"""
_INSERT = """
INSERT INTO repeat_link (region, uid, version, matter_region, matter_uid, matter_k,
    earlier_region, earlier_uid, earlier_k, linked_identity, linked_name, linked_unit,
    link_reason, linked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""
_TAKE_BACK = """
UPDATE repeat_link SET version = $3, unlinked_identity = $4, unlinked_name = $5,
    unlinked_unit = $6, unlink_reason = $7, unlinked_at = $8
WHERE region = $1 AND uid = $2
"""
_MARK = """
UPDATE matter SET repeat_region = $4, repeat_uid = $5, repeat_k = $6
WHERE region = $1 AND uid = $2 AND k = $3
"""
# Both matters must lie in the region asked for: a link shows the name of the other one.
_HISTORY = """
SELECT l.* FROM repeat_link l
JOIN matter m ON (m.region, m.uid, m.k) = (l.matter_region, l.matter_uid, l.matter_k)
JOIN matter e ON (e.region, e.uid, e.k) = (l.earlier_region, l.earlier_uid, l.earlier_k)
WHERE ((l.matter_region, l.matter_uid, l.matter_k) = ($1, $2::uuid, $3)
       OR (l.earlier_region, l.earlier_uid, l.earlier_k) = ($1, $2, $3))
  AND m.region_code LIKE $4 || '%' AND e.region_code LIKE $4 || '%'
  AND ($5::timestamptz IS NULL OR (l.linked_at, l.region, l.uid) < ($5, $6, $7::uuid))
ORDER BY l.linked_at DESC, l.region DESC, l.uid DESC
LIMIT $8
"""


class RepeatTable:
    """The table ``repeat_link`` and the columns of ``matter`` that say what it repeats."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def find(self, key: LinkKey) -> RepeatLink | None:
        """The link; None when there is none."""
        row = await self._connection.fetchrow(
            "SELECT * FROM repeat_link WHERE region = $1 AND uid = $2", key.region, key.uid
        )
        return _link_of(row) if row is not None else None

    async def in_force(self, matter: MatterKey) -> RepeatLink | None:
        """The link of a matter to an earlier one, when it has one."""
        row = await self._connection.fetchrow(_IN_FORCE, *_columns(matter))
        return _link_of(row) if row is not None else None

    async def chain(self, matter: MatterKey) -> list[MatterKey]:
        """All matters that a matter repeats, directly or not."""
        found = await self._connection.fetch(_CHAIN, *_columns(matter))
        return [MatterKey(row["region"], row["uid"], row["k"]) for row in found]

    async def insert(self, link: RepeatLink) -> None:
        """Store a new link, and mark the matter as a repeat."""
        by = link.linked
        await self._connection.execute(
            _INSERT, link.key.region, link.key.uid, link.version, *_columns(link.matter),
            *_columns(link.earlier), by.identity, by.display_name, by.unit, by.reason, by.at,
        )  # fmt: skip
        await self._connection.execute(_MARK, *_columns(link.matter), *_columns(link.earlier))

    async def take_back(self, link: RepeatLink) -> None:
        """Store who took a link back, and mark the matter as a first one."""
        by = link.unlinked
        if by is None:
            raise ValueError("the link was not taken back")
        await self._connection.execute(
            _TAKE_BACK, link.key.region, link.key.uid, link.version, by.identity, by.display_name,
            by.unit, by.reason, by.at,
        )  # fmt: skip
        await self._connection.execute(_MARK, *_columns(link.matter), None, None, None)

    async def history(
        self, matter: MatterKey, prefix: str, after: Position, most: int
    ) -> list[RepeatLink]:
        """A page of the links of a matter within a region, latest first."""
        linked_at, region, uid = after or (None, None, None)
        found = await self._connection.fetch(
            _HISTORY,
            *_columns(matter),
            prefix,
            datetime.fromisoformat(str(linked_at)) if linked_at is not None else None,
            region,
            UUID(str(uid)) if uid is not None else None,
            most,
        )
        return [_link_of(row) for row in found]


def _link_of(row: Mapping[str, Any]) -> RepeatLink:
    unlinked = None
    if row["unlinked_at"] is not None:
        unlinked = LinkAct(
            row["unlinked_identity"],
            row["unlinked_name"],
            row["unlinked_unit"],
            row["unlink_reason"],
            row["unlinked_at"],
        )
    return RepeatLink(
        LinkKey(row["region"], row["uid"]),
        row["version"],
        MatterKey(row["matter_region"], row["matter_uid"], row["matter_k"]),
        MatterKey(row["earlier_region"], row["earlier_uid"], row["earlier_k"]),
        LinkAct(
            row["linked_identity"],
            row["linked_name"],
            row["linked_unit"],
            row["link_reason"],
            row["linked_at"],
        ),
        unlinked,
    )


def _columns(key: MatterKey) -> tuple[str, Any, int]:
    return key.region, key.uid, key.k
