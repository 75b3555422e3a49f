"""A consultation becomes a written petition (咨询成文): the talk, the draft, the confirmation.

A talk that accuses somebody is moved to the sealed lane before the words that do so are stored.
There it is open only to whoever began it, until it is registered; nobody reads it afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from heed_intake.application.ports import Claim
from heed_intake.application.register import RegisterCommand, Registering
from heed_intake.application.waves import RegistrationWaves
from heed_intake.domain.consultation import Consultation, ConsultationState, Speaker, Turn
from heed_intake.domain.drafting import compose
from heed_intake.domain.petition import Channel, Lane, Petition, Registration, Submission
from heed_intake.domain.screening import screen
from heed_shared.errors import (
    Conflict,
    HeedError,
    InvalidField,
    NotFound,
    RequestIdReused,
    UnknownRegion,
    WrongState,
)
from heed_shared.identity import Caller, require_region
from heed_shared.ids import new_uid, resource_name

Change = Callable[[Consultation], Consultation]


class ConsultationStore(Protocol):
    """Stores consultations, each change together with its request_id."""

    async def start(self, consultation: Consultation, claim: Claim) -> Consultation:
        """Store a new talk, or return the one that an earlier call with this request_id began.

        Raises:
            RequestIdReused: the request_id came with another payload before.
        """
        ...

    async def find(self, region_code: str, uid: UUID) -> tuple[Lane, Consultation] | None:
        """Return a talk and where it lies, or None."""
        ...

    async def change(self, lane: Lane, uid: UUID, claim: Claim, change: Change) -> Consultation:
        """Change a talk under a lock; a repeated call gets the talk as it was after the first.

        Raises:
            RequestIdReused: the request_id came with another payload before.
            Conflict: the talk is no longer in this lane.
            HeedError: what ``change`` raises.
        """
        ...

    async def answered(self, claim: Claim) -> bool:
        """Say whether this very request was carried out before.

        Raises:
            RequestIdReused: the request_id came with another payload before.
        """
        ...

    async def register(self, lane: Lane, uid: UUID, claim: Claim, petition: Petition) -> None:
        """Note the petition that was registered from a talk; both then lie in the same lane.

        Raises:
            WrongState: another petition was registered from it.
        """
        ...

    async def seal(self, uid: UUID) -> None:
        """Move a talk to the sealed lane; one that lies there already stays."""
        ...


@dataclass(frozen=True)
class Consulting:
    """What consultations work with."""

    store: ConsultationStore
    registering: Registering
    waves: RegistrationWaves


@dataclass(frozen=True)
class Asking:
    """Who asks for which consultation."""

    caller: Caller
    region_code: str
    uid: UUID
    of_the_office: bool
    """Whether the caller may go on with talks that others of the office began; a portal may not."""

    @property
    def name(self) -> str:
        """The resource name."""
        return resource_name("consultations", self.region_code, self.uid)


async def start_consultation(
    region_code: str, channel: Channel, caller: Caller, claim: Claim, work: Consulting
) -> Consultation:
    """Begin a talk.

    Raises:
        UnknownRegion: the region is in no table.
        RegionNotAllowed: it lies outside the caller's.
        RequestIdReused: the request_id came with another payload before.
    """
    if region_code not in work.registering.regions:
        raise UnknownRegion(region_code)
    require_region(caller, region_code)
    now = _whole_milliseconds(work.registering.clock.now())
    begun = Consultation(region_code, new_uid(now), channel, caller.identity, now)
    return await work.store.start(begun, claim)


async def add_turn(
    asking: Asking, speaker: Speaker, text: str, claim: Claim, work: Consulting
) -> Consultation:
    """Add what was said.

    Raises:
        NotFound: there is no such talk for this caller.
        WrongState: it was registered already.
        InvalidField: the text holds U+0000, or the talk would be too long.
    """
    lane, _ = await _open_to(asking, work)
    if "\0" in text:
        raise InvalidField("text", "must not contain the character U+0000")
    turn = Turn(speaker, text)
    if lane is Lane.ORDINARY and work.registering.rules.hits([text]):
        await work.store.seal(asking.uid)
        lane = Lane.SEALED
    return await work.store.change(lane, asking.uid, claim, lambda talk: talk.with_turn(turn))


async def compose_draft(asking: Asking, claim: Claim, work: Consulting) -> Consultation:
    """Make the draft of all that was said so far.

    Raises:
        NotFound: there is no such talk for this caller.
        WrongState: it was registered already.
        Conflict: something was said meanwhile.
    """
    lane, found = await _open_to(asking, work)
    draft = compose(found.turns)

    def drafted(talk: Consultation) -> Consultation:
        if talk.turns != found.turns:
            raise Conflict
        return talk.with_draft(draft)

    return await work.store.change(lane, asking.uid, claim, drafted)


@dataclass(frozen=True)
class Confirmation:
    """The petition as the petitioner confirmed or corrected it."""

    asking: Asking
    submission: Submission
    confirmed: bool
    claim: Claim
    traceparent: str


async def confirm_draft(confirmation: Confirmation, work: Consulting) -> Registration:
    """Register the petition by the way that every petition takes, screening included; once.

    Raises:
        NotFound: there is no such talk for this caller.
        InvalidFields: the petitioner did not confirm, or the submission is wrong.
        WrongState: there is no draft, or a petition was registered from this talk before.
    """
    asking, claim = confirmation.asking, confirmation.claim
    lane, talk = await _open_to(asking, work)
    if not confirmation.confirmed:
        raise InvalidField("confirmed", "the petitioner must have confirmed or corrected the draft")
    if not await work.store.answered(claim):
        talk.require(ConsultationState.DRAFTED)
    screened = screen(confirmation.submission, work.registering.rules)
    if lane is Lane.ORDINARY and screened.lane is Lane.SEALED:
        await work.store.seal(asking.uid)
        lane = Lane.SEALED
    registration = await _registered(confirmation, work)
    await work.store.register(lane, asking.uid, claim, registration.petition)
    petition = replace(registration.petition, consultation=asking.name)
    return replace(registration, petition=petition)


async def get_consultation(asking: Asking, work: Consulting) -> Consultation:
    """Return a talk of the ordinary lane.

    Raises:
        NotFound: there is none, it is sealed, or it lies outside the caller's region.
    """
    found = await work.store.find(asking.region_code, asking.uid)
    if found is None or found[0] is Lane.SEALED or not asking.caller.covers(asking.region_code):
        raise NotFound(asking.name)
    return found[1]


async def _open_to(asking: Asking, work: Consulting) -> tuple[Lane, Consultation]:
    """Return the talk for somebody who goes on with it; a sealed one only for who began it."""
    found = await work.store.find(asking.region_code, asking.uid)
    if found is None or not asking.caller.covers(asking.region_code):
        raise NotFound(asking.name)
    lane, talk = found
    own = talk.started_by == asking.caller.identity
    if not own and (lane is Lane.SEALED or not asking.of_the_office):
        raise NotFound(asking.name)
    return lane, talk


async def _registered(confirmation: Confirmation, work: Consulting) -> Registration:
    """Register under the name of the talk, so that no second petition can come from it."""
    asking = confirmation.asking
    command = RegisterCommand(
        caller=asking.caller,
        request_id=confirmation.claim.key.request_id,
        digest=confirmation.claim.digest,
        submission=confirmation.submission,
        traceparent=confirmation.traceparent,
        consultation=asking.name,
    )
    outcome = await work.waves.register(command)
    if isinstance(outcome, RequestIdReused):
        allowed = [ConsultationState.DRAFTED.name]
        raise WrongState(ConsultationState.CONFIRMED.name, allowed, asking.name)
    if isinstance(outcome, HeedError):
        raise outcome
    return outcome


def _whole_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
