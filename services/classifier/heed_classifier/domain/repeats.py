"""Repeat links (重复件关联): a person found that a matter repeats an earlier one (DOMAIN 1.8).

A link joins matters, never people, and moves nothing: each petition keeps its clock, its case and
its reply. Taken back, a link stays as history. Nothing counts anything for each person.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from heed_classifier.domain.incidents import MatterKey


@dataclass(frozen=True, order=True)
class LinkKey:
    """Which link: region of the repeat's registration and uid."""

    region: str
    uid: UUID


@dataclass(frozen=True)
class LinkAct:
    """Who made or took back a link, why and when."""

    identity: str
    display_name: str
    unit: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class RepeatLink:
    """One link; in force until it is taken back."""

    key: LinkKey
    version: int
    matter: MatterKey
    earlier: MatterKey
    linked: LinkAct
    unlinked: LinkAct | None = None


def objection(
    matter: MatterKey,
    received_at: datetime,
    earlier: MatterKey,
    earlier_received_at: datetime,
    chain: Collection[MatterKey],
) -> str:
    """Why a matter cannot repeat an earlier one; empty when it can.

    ``chain`` are the matters that the earlier one itself repeats, directly or not.
    """
    if (matter.region, matter.uid) == (earlier.region, earlier.uid):
        return "must belong to another petition"
    if earlier_received_at > received_at:
        return "must not have been received after the matter"
    if matter in chain:
        return "must not itself repeat the matter"
    return ""
