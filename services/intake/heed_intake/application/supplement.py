"""Adds facts, reasons or evidence to a petition (补充材料); what was written stays unchanged.

Nothing that a citizen files is refused, whatever became of the petition, except where it was taken
back. An addition that accuses somebody seals the whole petition first, and is stored in the sealed
lane alone.
"""

from collections.abc import Iterator

from heed_intake.application.petition_changes import (
    Addition,
    Asking,
    ChangedPetition,
    Changing,
    HeldPetition,
    change_petition,
)
from heed_intake.domain.masking import mask_evidence, mask_text, own_values
from heed_intake.domain.petition import Evidence, Lane, Supplement
from heed_intake.domain.submission_rules import (
    evidence_texts,
    evidence_violations,
    nul_violations,
)
from heed_shared import telemetry
from heed_shared.errors import InvalidField, InvalidFields


async def supplement_petition(
    asking: Asking, text: str, evidence: tuple[Evidence, ...], changing: Changing
) -> ChangedPetition:
    """Add to a petition; for the errors see ``change_petition``.

    Raises:
        InvalidFields: it says nothing, or a field is wrong.
    """
    _check(text, evidence)
    because = tuple(rule.name for rule in changing.rules.hits([text]))

    async def change(held: HeldPetition) -> ChangedPetition | None:
        now = changing.clock.now()
        if because and held.lane is Lane.ORDINARY:
            await changing.store.seal(held, because, now, asking.traceparent)
            # Whoever sealed it, this call or another: the next look finds it in the sealed lane.
            return None
        own = own_values(changing.store.persons(held))
        masked = Supplement(mask_text(text, own), mask_evidence(evidence, own), now)
        addition = Addition(text, evidence, masked)
        return await changing.store.add_supplement(held, addition, asking.claim, asking.traceparent)

    changed = await change_petition(asking, changing, change)
    telemetry.record("heed.intake.supplements", 1)
    return changed


def _check(text: str, evidence: tuple[Evidence, ...]) -> None:
    if not text.strip() and not evidence:
        raise InvalidField("text", "or evidence must not be empty")
    problems = [*nul_violations(_texts(text, evidence)), *evidence_violations(evidence)]
    if problems:
        raise InvalidFields(problems)


def _texts(text: str, evidence: tuple[Evidence, ...]) -> Iterator[tuple[str, str]]:
    yield "text", text
    yield from evidence_texts(evidence)
