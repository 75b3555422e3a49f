"""Takes in intake.petitions: supplements and endings; all else comes by the classifier."""

from collections.abc import Sequence
from dataclasses import dataclass

from heed.intake.v1.events_pb2 import PetitionEvent

from heed_disposal.adapters.case_store import PostgresCaseStore
from heed_disposal.application.changed_petitions import (
    ChangedPetition,
    Happening,
    follow_petitions,
)
from heed_shared.clock import Clock
from heed_shared.database import Transaction
from heed_shared.feed import Delivery

HAPPENINGS = {
    PetitionEvent.KIND_SUPPLEMENTED: Happening.SUPPLEMENTED,
    PetitionEvent.KIND_WITHDRAWN: Happening.WITHDRAWN,
    PetitionEvent.KIND_SEALED: Happening.SEALED,
    PetitionEvent.KIND_ERASED: Happening.ERASED,
}


@dataclass(frozen=True)
class PetitionHandler:
    """Handler of the feed."""

    clock: Clock

    async def prepare(self, deliveries: Sequence[Delivery]) -> None:
        """Nothing takes time here."""

    async def apply(self, tx: Transaction, deliveries: Sequence[Delivery], _prepared: None) -> None:
        """Note on cases what was added; conclude or delete those of petitions that ended."""
        changed = [
            ChangedPetition(event.petition, HAPPENINGS[event.kind], delivery.traceparent)
            for delivery in deliveries
            if (event := delivery.event.petition).kind in HAPPENINGS and not _told_again(delivery)
        ]
        await follow_petitions(PostgresCaseStore(tx), changed, self.clock.now())

    async def rebuild(self, tx: Transaction) -> None:
        """Forget early withdrawals, which the snapshot tells again; delete no case.

        Cases hold what people decided and signed. The endings in the snapshot, applied again,
        conclude or delete only what did not end before; a case that it does not name stays.
        """
        await PostgresCaseStore(tx).forget_withdrawn()


def _told_again(delivery: Delivery) -> bool:
    """Whether a snapshot names a supplement, which was noted when it happened."""
    from_snapshot = not delivery.event.cursor
    return from_snapshot and delivery.event.petition.kind == PetitionEvent.KIND_SUPPLEMENTED
