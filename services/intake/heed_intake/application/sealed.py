"""The sealed lane (检举控告) for the few who are charged with it: list, look, and the steps.

Whatever lies outside the caller's region is answered like something that does not exist.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from heed_intake.application.read import visible_prefix
from heed_intake.application.sealed_ports import (
    Decide,
    HandOver,
    HandOvers,
    SealedCall,
    SealedContent,
    SealedFilter,
    SealedPosition,
    SealedStep,
    SealedStore,
    Unsealer,
)
from heed_intake.domain.organisation import Organisation
from heed_intake.domain.petition import Petition
from heed_intake.domain.receipts import OFFICE
from heed_intake.domain.routing_guard import closed_units, require_open
from heed_intake.domain.sealed_case import (
    Accused,
    SealedAction,
    SealedCase,
    SealedState,
    next_state,
    require_covered,
    require_second_person,
    require_seen,
)
from heed_intake.domain.submission_rules import CLOCK_TOLERANCE, EARLIEST_RECEIPT_YEAR
from heed_shared.clock import Clock, local_day
from heed_shared.errors import InvalidField, NotFound, UnknownRegion
from heed_shared.identity import Caller, require_region
from heed_shared.ids import petition_name
from heed_shared.reference.regions import Regions


@dataclass(frozen=True)
class SealedLane:
    """What the use cases of the lane work with."""

    store: SealedStore
    unsealer: Unsealer
    hand_overs: HandOvers
    organisation: Organisation | None
    """The organisation table; without one nothing can be forwarded."""
    regions: Regions
    clock: Clock


@dataclass(frozen=True)
class SealedView:
    """A petition with its content, as somebody sees it."""

    case: SealedCase
    content: SealedContent
    closed_units: Sequence[str]
    looked_at: datetime


@dataclass(frozen=True)
class Subject:
    """Which petition a step concerns, and the version that the caller saw; empty: whichever."""

    region_code: str
    uid: UUID
    etag: str

    @property
    def name(self) -> str:
        """Resource name."""
        return petition_name(self.region_code, self.uid)


Answer = Callable[[SealedCase], bytes]


async def list_sealed(
    which: SealedFilter, after: SealedPosition | None, limit: int, caller: Caller, lane: SealedLane
) -> tuple[Sequence[SealedCase], SealedPosition | None]:
    """Return petitions, what burns first, and the end of the page if more follow.

    Raises:
        UnknownRegion: the prefix is no region's.
        RegionNotAllowed: it lies outside the caller's region.
    """
    prefix = visible_prefix(which.region_prefix, caller, lane.regions)
    return await lane.store.list(replace(which, region_prefix=prefix), after, limit)


async def look(region_code: str, uid: UUID, caller: Caller, lane: SealedLane) -> SealedView:
    """Return one with its content.

    Raises:
        NotFound: there is none for this caller.
    """
    name = petition_name(region_code, uid)
    case = require_covered(await lane.store.get(uid), name, caller)
    content = await lane.store.content(uid)
    now = lane.clock.now()
    closed: Sequence[str] = ()
    # It may have been unsealed between the two looks.
    if content is None:
        raise NotFound(name)
    if lane.organisation is not None:
        closed = closed_units(
            lane.organisation, content.accused, case.handling_region_code, local_day(now)
        )
    return SealedView(case, content, closed, now)


async def accept(
    subject: Subject, notice_method: str, call: SealedCall, lane: SealedLane, answer: Answer
) -> bytes:
    """Take a petition up; a named accuser is told of it (D14).

    Raises:
        InvalidField: the accuser is named and nothing says how he or she was told.
    """

    def check(case: SealedCase, _accused: Accused, step: SealedStep) -> SealedStep:
        if case.named and not notice_method.strip():
            raise InvalidField("notice_method", "must say how the named accuser was told (D14)")
        return replace(step, note=notice_method)

    return await _step(SealedAction.ACCEPT, subject, call, lane, answer, check)


async def forward(
    subject: Subject, destination: str, call: SealedCall, lane: SealedLane, answer: Answer
) -> bytes:
    """Send a petition to the competent unit, never to whom it accuses.

    Raises:
        InvalidField: the organisation table has no such unit, or there is no table.
        RouteForbidden: the routing guard keeps the unit closed.
    """
    table = lane.organisation

    def check(case: SealedCase, accused: Accused, step: SealedStep) -> SealedStep:
        if table is None:
            raise InvalidField("destination_unit", "no organisation table is mounted here")
        day = local_day(step.stepped_at)
        unit = require_open(table, destination, accused, case.handling_region_code, day)
        return replace(step, destination_unit=unit, note=f"{unit} {table.digest}")

    return await _step(SealedAction.FORWARD, subject, call, lane, answer, check)


async def close(subject: Subject, call: SealedCall, lane: SealedLane, answer: Answer) -> bytes:
    """Record that a petition was examined."""
    return await _step(SealedAction.CLOSE, subject, call, lane, answer)


async def tell(
    subject: Subject, notice_method: str, call: SealedCall, lane: SealedLane, answer: Answer
) -> bytes:
    """Record that the accuser was told the result."""

    def check(_case: SealedCase, _accused: Accused, step: SealedStep) -> SealedStep:
        return replace(step, note=notice_method)

    return await _step(SealedAction.TELL, subject, call, lane, answer, check)


async def add_accused(
    subject: Subject, accused: Accused, call: SealedCall, lane: SealedLane, answer: Answer
) -> bytes:
    """Add units and persons that the text accuses.

    Raises:
        InvalidField: nobody is named.
    """
    named = Accused(*(tuple(filter(None, map(str.strip, names))) for names in _both(accused)))
    if not named.units and not named.persons:
        raise InvalidField("target_units", "name at least one unit or person")

    def check(_case: SealedCase, _accused: Accused, step: SealedStep) -> SealedStep:
        return replace(step, accused=named)

    return await _step(SealedAction.ADD_ACCUSED, subject, call, lane, answer, check)


async def unseal(
    subject: Subject, reason: str, call: SealedCall, lane: SealedLane, traceparent: str
) -> Petition:
    """Move a petition that accuses nobody into the ordinary lane.

    Raises:
        SecondPersonRequired: the caller sealed it.
    """

    def check(case: SealedCase, _accused: Accused, step: SealedStep) -> SealedStep:
        require_second_person(case, call.caller)
        return replace(step, note=reason)

    decide = _decide(SealedAction.UNSEAL, subject, call.caller, lane.clock.now(), check)
    return await lane.unsealer.unseal(call, subject.region_code, subject.uid, decide, traceparent)


async def record_hand_over(
    hand_over: HandOver, call: SealedCall, lane: SealedLane, answer: Callable[[str], bytes]
) -> bytes:
    """Record a letter that must not enter.

    Raises:
        InvalidField: office or time of receipt cannot be.
        UnknownRegion: region or office is in no table.
        RegionNotAllowed: the caller may not act there.
    """
    if not OFFICE.fullmatch(hand_over.office):
        raise InvalidField("office", "must look like 110105 or 110105-OFFICE")
    office_region = hand_over.office.partition("-")[0]
    for code, field in ((hand_over.region_code, "region_code"), (office_region, "office")):
        if code not in lane.regions:
            raise UnknownRegion(code, field)
        require_region(call.caller, code)
    received_at = hand_over.received_at
    if received_at > hand_over.recorded_at + CLOCK_TOLERANCE:
        raise InvalidField("received_at", "must not lie in the future")
    if received_at.year < EARLIEST_RECEIPT_YEAR:
        raise InvalidField("received_at", f"must not lie before {EARLIEST_RECEIPT_YEAR}")
    return await lane.hand_overs.record(call, hand_over, answer)


Check = Callable[[SealedCase, Accused, SealedStep], SealedStep]


def _unchecked(_case: SealedCase, _accused: Accused, step: SealedStep) -> SealedStep:
    return step


async def _step(
    action: SealedAction,
    subject: Subject,
    call: SealedCall,
    lane: SealedLane,
    answer: Answer,
    check: Check = _unchecked,
) -> bytes:
    decide = _decide(action, subject, call.caller, lane.clock.now(), check)
    return await lane.store.change(call, subject.uid, decide, answer)


def _decide(
    action: SealedAction, subject: Subject, caller: Caller, now: datetime, check: Check
) -> Decide:
    """Return the decision of an action: may it be known, was it seen, is it possible, is it right.

    Its errors, in this order: NotFound, StaleEtag, WrongState, and those of ``check``.
    """

    def decide(found: SealedCase | None, accused: Accused) -> SealedStep:
        case = require_covered(found, subject.name, caller)
        require_seen(case, subject.etag)
        state = next_state(case, action)
        # A withdrawal is no stage: whoever stays in it stays where the handling stands.
        stage = case.stage if state is SealedState.WITHDRAWN else state
        return check(case, accused, SealedStep(action, stage, now))

    return decide


def _both(accused: Accused) -> tuple[Sequence[str], Sequence[str]]:
    return accused.units, accused.persons
