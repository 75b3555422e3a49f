"""Follows intake: supplements are noted, withdrawn cases concluded, sealed or erased ones gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from heed_disposal.application.changes import record, remove
from heed_disposal.application.ports import CaseStore, Change
from heed_disposal.domain.case import Case
from heed_disposal.domain.ending import erase, withdraw
from heed_disposal.domain.opening import note_supplement


class Happening(Enum):
    """What happened to a petition."""

    SUPPLEMENTED = auto()
    WITHDRAWN = auto()
    SEALED = auto()
    ERASED = auto()


@dataclass(frozen=True)
class ChangedPetition:
    """One petition to which something happened."""

    petition: str
    happening: Happening
    traceparent: str = ""


async def follow_petitions(
    store: CaseStore, changed: Sequence[ChangedPetition], now: datetime
) -> None:
    """Bring the cases of these petitions in line; the same ending again changes nothing.

    A withdrawal may arrive before the case is opened, because the two feeds are read apart: it is
    remembered and applied at the opening. A supplement that arrives so early is in the text by
    which the case is opened.
    """
    for item in changed:
        if item.happening in (Happening.SEALED, Happening.ERASED):
            await store.take_withdrawn([item.petition])
        cases = (await store.of_petitions([item.petition])).get(item.petition, [])
        if item.happening is Happening.SEALED:
            await remove(store, cases, now, item.traceparent)
        elif item.happening is Happening.WITHDRAWN and not cases:
            await store.note_withdrawn({item.petition: now})
        else:
            after = [_followed(case, item.happening, now) for case in cases]
            pairs = zip(cases, after, strict=True)
            changes = [Change(before, case, item.traceparent) for before, case in pairs]
            await record(store, changes, now)


def _followed(case: Case, happening: Happening, now: datetime) -> Case:
    if happening is Happening.SUPPLEMENTED:
        return note_supplement(case, now)
    return withdraw(case, now) if happening is Happening.WITHDRAWN else erase(case, now)
