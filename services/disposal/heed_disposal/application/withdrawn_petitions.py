"""Follows intake: what was withdrawn is concluded, what was sealed or erased is deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from heed_disposal.application.changes import record, remove
from heed_disposal.application.ports import CaseStore, Change
from heed_disposal.domain.ending import erase, withdraw


class Ending(Enum):
    """How a petition ended."""

    WITHDRAWN = auto()
    SEALED = auto()
    ERASED = auto()


@dataclass(frozen=True)
class EndedPetition:
    """One petition that ended."""

    petition: str
    ending: Ending
    traceparent: str = ""


async def follow_endings(store: CaseStore, ended: Sequence[EndedPetition], now: datetime) -> None:
    """Bring the cases of these petitions in line; the same again changes nothing.

    A withdrawal may arrive before the case is opened, because the two feeds are read apart: it is
    remembered and applied at the opening.
    """
    for item in ended:
        if item.ending is not Ending.WITHDRAWN:
            await store.take_withdrawn([item.petition])
        cases = (await store.of_petitions([item.petition])).get(item.petition, [])
        if item.ending is Ending.SEALED:
            await remove(store, cases, now, item.traceparent)
        elif item.ending is Ending.ERASED:
            changes = [Change(case, erase(case, now), item.traceparent) for case in cases]
            await record(store, changes, now)
        elif not cases:
            await store.note_withdrawn({item.petition: now})
        else:
            changes = [Change(case, withdraw(case, now), item.traceparent) for case in cases]
            await record(store, changes, now)
