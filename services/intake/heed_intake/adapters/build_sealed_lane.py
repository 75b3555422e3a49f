"""Builds the sealed lane from the settings: rules, calendar, organisation table and stores."""

from dataclasses import dataclass

from heed_intake.adapters.hand_over_store import PostgresHandOvers
from heed_intake.adapters.organisation_file import load_organisation
from heed_intake.adapters.petition_reader import PostgresPetitions
from heed_intake.adapters.sealed_store import PostgresSealedStore
from heed_intake.adapters.unsealing import Unsealing
from heed_intake.application.sealed import SealedLane
from heed_intake.domain.sealed_clocks import RULES, SealedClocks
from heed_intake.settings import IntakeSettings
from heed_shared.clock import Clock
from heed_shared.database import Database
from heed_shared.reference.calendar import Calendar
from heed_shared.reference.deadline_rules import load_rules
from heed_shared.reference.regions import Regions


@dataclass(frozen=True)
class LaneParts:
    """What both lanes share."""

    ordinary: Database
    sealed: Database
    petitions: PostgresPetitions
    regions: Regions
    clock: Clock


def build_sealed_lane(settings: IntakeSettings, parts: LaneParts) -> SealedLane:
    """Return the lane.

    Raises:
        RuleFileError: the deadline rules cannot be used, or lack one of the lane's.
        BadTableError: the organisation table or the holiday notices cannot be used.
    """
    clocks = SealedClocks(
        load_rules(settings.deadline_rules, RULES), Calendar.load(settings.holidays)
    )
    table = settings.organisation
    return SealedLane(
        store=PostgresSealedStore(parts.sealed, settings.sealed_key_ring, clocks),
        unsealer=Unsealing(
            (parts.ordinary, parts.sealed),
            (settings.key_ring, settings.sealed_key_ring),
            parts.petitions,
            clocks,
        ),
        hand_overs=PostgresHandOvers(parts.sealed, parts.ordinary.schema),
        organisation=load_organisation(table, parts.regions) if table else None,
        regions=parts.regions,
        clock=parts.clock,
    )
