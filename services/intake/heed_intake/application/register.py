"""Registers petitions: one by one, in batches and from streams, all through ``register_many``.

Each petition is answered by itself: a wrong one never spoils its neighbours, and one that was
registered before gives its first answer again.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from heed_intake.application.ports import (
    Draft,
    RegistrationStore,
    RequestKey,
    StorageRefusedError,
)
from heed_intake.domain.masking import mask_details, mask_evidence, mask_wording, own_values
from heed_intake.domain.petition import Lane, Petition, Registration, State, Submission
from heed_intake.domain.receipts import CODE_BITS, query_code
from heed_intake.domain.screening import Screened, ScreeningRules, screen
from heed_intake.domain.sealed_case import RETALIATION
from heed_intake.domain.submission_rules import violations
from heed_shared import audit, telemetry
from heed_shared.clock import Clock
from heed_shared.errors import (
    HeedError,
    InvalidField,
    InvalidFields,
    RequestIdReused,
    UnknownRegion,
)
from heed_shared.identity import Caller, require_region
from heed_shared.ids import new_uid
from heed_shared.reference.regions import Regions

# Masking takes about 0.2 ms for each petition; other calls get their turn in between.
_PETITIONS_PER_TURN = 20


@dataclass(frozen=True)
class RegisterCommand:
    """One petition to register."""

    caller: Caller
    request_id: str
    digest: bytes
    """Digest of the whole request, by which a repeated request_id is told from a reused one."""
    submission: Submission
    traceparent: str = ""
    entry: audit.Pending | None = None
    """What becomes the entry of the audit, in the transaction that registers it."""
    consultation: str = ""
    """Name of the consultation that it came from, if any; one petition comes from each."""
    about_receipt: str = ""
    """Receipt number of the petition that a report of retaliation is about, if it is one."""

    @property
    def key(self) -> RequestKey:
        """The request_id, of this caller; the consultation's own, whoever confirms it."""
        if self.consultation:
            return RequestKey(self.consultation, "")
        return RequestKey(self.caller.identity, self.request_id.lower())


@dataclass(frozen=True)
class Registering:
    """What registration works with."""

    regions: Regions
    rules: ScreeningRules
    clock: Clock
    store: RegistrationStore


Outcome = Registration | HeedError


async def register_many(
    commands: Sequence[RegisterCommand], registering: Registering
) -> list[Outcome]:
    """Register petitions and return, for each, the registration or the error, in the same order.

    Raises:
        HeedError: the database does not answer; what is not yet answered can be sent again.
    """
    outcomes: dict[RequestKey, Outcome] = {}
    drafts: dict[RequestKey, Draft] = {}
    refused: dict[int, HeedError] = {}
    for index, command in enumerate(commands):
        if index % _PETITIONS_PER_TURN == _PETITIONS_PER_TURN - 1:
            await asyncio.sleep(0)
        try:
            draft = _draft(command, registering)
        except HeedError as error:
            refused[index] = error
            continue
        if drafts.setdefault(draft.key, draft).digest != draft.digest:
            refused[index] = RequestIdReused(command.request_id)
    for lane in Lane:
        chosen = [draft for draft in drafts.values() if draft.lane is lane]
        outcomes |= await _store(lane, chosen, registering.store)
    return [refused.get(index) or outcomes[command.key] for index, command in enumerate(commands)]


def _draft(command: RegisterCommand, registering: Registering) -> Draft:
    submission = command.submission
    now = registering.clock.now()
    problems = violations(submission, now)
    if problems:
        raise InvalidFields(problems)
    if submission.region_code not in registering.regions:
        raise UnknownRegion(submission.region_code, "submission.region_code")
    require_region(command.caller, submission.region_code)
    _require_office(submission.office, command.caller, registering.regions)
    screened = screen(submission, registering.rules)
    if command.about_receipt:
        screened = Screened(Lane.SEALED, (RETALIATION,))
    return Draft(
        key=command.key,
        digest=command.digest,
        lane=screened.lane,
        screening_rules=screened.rule_names,
        submission=submission,
        petition=_petition(submission, now),
        query_code=query_code(secrets.randbits(CODE_BITS)),
        traceparent=command.traceparent,
        entry=command.entry,
        about_receipt=command.about_receipt,
    )


def _require_office(office: str, caller: Caller, regions: Regions) -> None:
    """Check whose receipt numbers are used: those of an office in the caller's region only."""
    region_code = office.partition("-")[0]
    if not office:
        return
    if region_code not in regions:
        raise UnknownRegion(region_code, "submission.office")
    require_region(caller, region_code)


def _petition(submission: Submission, now: datetime) -> Petition:
    # Whole milliseconds, so that the order of uids is the order of registration.
    registered_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    own = own_values(submission.persons)
    return Petition(
        region_code=submission.region_code,
        uid=new_uid(registered_at),
        receipt_number="",
        handling_region_code=submission.region_code,
        office=submission.office or submission.region_code,
        channel=submission.channel,
        received_at=submission.received_at or registered_at,
        registered_at=registered_at,
        state=State.REGISTERED,
        masked=mask_wording(submission.wording, own),
        declared_nature=submission.declared_nature,
        people_bucket=submission.people_bucket,
        anonymous=submission.anonymous,
        external_id=submission.external_id,
        evidence=mask_evidence(submission.evidence, own),
        version=1,
        details=mask_details(submission.details, own),
    )


async def _store(
    lane: Lane, drafts: Sequence[Draft], store: RegistrationStore
) -> dict[RequestKey, Outcome]:
    if not drafts:
        return {}
    try:
        numbers = await store.insert(lane, drafts)
    except StorageRefusedError:
        if len(drafts) == 1:
            return {drafts[0].key: InvalidField("submission", "cannot be stored as it is")}
        telemetry.record("heed.intake.wave_fallbacks", 1)
        middle = len(drafts) // 2
        first = await _store(lane, drafts[:middle], store)
        return first | await _store(lane, drafts[middle:], store)
    outcomes: dict[RequestKey, Outcome] = {}
    before = [draft for draft in drafts if draft.key not in numbers]
    for draft in drafts:
        if draft.key in numbers:
            petition = replace(draft.petition, receipt_number=numbers[draft.key])
            outcomes[draft.key] = Registration(petition, draft.query_code)
    if before:
        outcomes |= await _recall(before, store)
    return outcomes


async def _recall(drafts: Sequence[Draft], store: RegistrationStore) -> dict[RequestKey, Outcome]:
    recalled = await store.recall(drafts)
    return {key: earlier or RequestIdReused(key.request_id) for key, earlier in recalled.items()}
