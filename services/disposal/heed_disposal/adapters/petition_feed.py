"""Takes in intake.petitions: only endings matter here, all else comes by the classifier."""

from collections.abc import Sequence
from dataclasses import dataclass

from heed.intake.v1.events_pb2 import PetitionEvent

from heed_disposal.adapters.case_store import PostgresCaseStore
from heed_disposal.application.withdrawn_petitions import EndedPetition, Ending, follow_endings
from heed_shared.clock import Clock
from heed_shared.database import Transaction
from heed_shared.feed import Delivery

ENDINGS = {
    PetitionEvent.KIND_WITHDRAWN: Ending.WITHDRAWN,
    PetitionEvent.KIND_SEALED: Ending.SEALED,
    PetitionEvent.KIND_ERASED: Ending.ERASED,
}


@dataclass(frozen=True)
class PetitionHandler:
    """Handler of the feed."""

    clock: Clock

    async def prepare(self, deliveries: Sequence[Delivery]) -> None:
        """Nothing takes time here."""

    async def apply(self, tx: Transaction, deliveries: Sequence[Delivery], _prepared: None) -> None:
        """Conclude or delete the cases of petitions that ended."""
        ended = [
            EndedPetition(event.petition, ENDINGS[event.kind], delivery.traceparent)
            for delivery in deliveries
            if (event := delivery.event.petition).kind in ENDINGS
        ]
        await follow_endings(PostgresCaseStore(tx), ended, self.clock.now())

    async def rebuild(self, tx: Transaction) -> None:
        """Forget early withdrawals, which the snapshot tells again; delete no case.

        Cases hold what people decided and signed. The endings in the snapshot, applied again,
        conclude or delete only what did not end before; a case that it does not name stays.
        """
        await PostgresCaseStore(tx).forget_withdrawn()
