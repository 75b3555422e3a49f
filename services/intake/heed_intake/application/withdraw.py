"""Takes a petition back at the petitioner's own wish (撤回); it stays registered and counted.

Nobody is asked to withdraw, and no figure gains by it. An accusation is taken back only by who has
its query code: a clerk alone must not make one disappear.
"""

from heed_intake.application.petition_changes import (
    Asking,
    ChangedPetition,
    Changing,
    HeldPetition,
    change_petition,
)
from heed_intake.domain.submission_rules import nul_violations
from heed_shared import telemetry
from heed_shared.errors import InvalidFields


async def withdraw_petition(asking: Asking, reason: str, changing: Changing) -> ChangedPetition:
    """Withdraw a petition; for the errors see ``change_petition``.

    Raises:
        InvalidFields: the reason cannot be stored.
    """
    if problems := nul_violations(iter([("reason", reason)])):
        raise InvalidFields(problems)

    async def change(held: HeldPetition) -> ChangedPetition | None:
        now = changing.clock.now()
        return await changing.store.withdraw(held, reason, now, asking.claim, asking.traceparent)

    changed = await change_petition(asking, changing, change, sealed_by_code_only=True)
    telemetry.record("heed.intake.withdrawals", 1)
    return changed
