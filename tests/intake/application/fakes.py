"""Storage in memory, with the contract of the real one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from heed_intake.application.ports import Draft, RequestKey, StorageRefusedError
from heed_intake.domain.petition import Lane, Registration
from heed_intake.domain.receipts import receipt_number

POISON = "POISON"


@dataclass
class FakeRegistrations:
    """Keeps registrations; refuses an external_id of POISON, and fails as often as told."""

    kept: dict[RequestKey, tuple[bytes, Registration]] = field(default_factory=dict)
    lanes: dict[RequestKey, Lane] = field(default_factory=dict)
    inserts: list[int] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def insert(self, lane: Lane, drafts: Sequence[Draft]) -> Mapping[RequestKey, str]:
        """Store what is new."""
        if self.failures:
            raise self.failures.pop()
        self.inserts.append(len(drafts))
        if any(draft.submission.external_id == POISON for draft in drafts):
            raise StorageRefusedError
        numbers = {}
        for draft in drafts:
            if draft.key not in self.kept:
                number = receipt_number(draft.petition.office, 2026, len(self.kept) + 1)
                petition = replace(draft.petition, receipt_number=number)
                registration = Registration(petition, draft.query_code)
                self.kept[draft.key] = (draft.digest, registration)
                self.lanes[draft.key] = lane
                numbers[draft.key] = number
        return numbers

    async def recall(self, drafts: Sequence[Draft]) -> Mapping[RequestKey, Registration | None]:
        """Return what was stored before."""
        found: dict[RequestKey, Registration | None] = {}
        for draft in drafts:
            digest, registration = self.kept[draft.key]
            found[draft.key] = registration if digest == draft.digest else None
        return found
