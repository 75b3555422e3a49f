"""Builds the sealed lane from the settings: rules, calendar, organisation table and stores."""

import logging
from dataclasses import dataclass

from heed_intake.adapters.hand_over_store import PostgresHandOvers
from heed_intake.adapters.organisation_file import load_organisation
from heed_intake.adapters.petition_reader import PostgresPetitions
from heed_intake.adapters.screening_file import load_screening_rules
from heed_intake.adapters.sealed_store import PostgresSealedStore
from heed_intake.adapters.unsealing import Unsealing
from heed_intake.application.sealed import SealedLane
from heed_intake.domain.organisation import Organisation
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
    organisation = None
    if settings.organisation is not None:
        organisation = load_organisation(settings.organisation, parts.regions)
        _log_release(organisation)
    return SealedLane(
        store=PostgresSealedStore(parts.sealed, settings.sealed_key_ring, clocks),
        unsealer=Unsealing(
            (parts.ordinary, parts.sealed),
            (settings.key_ring, settings.sealed_key_ring),
            parts.petitions,
            clocks,
            settings.accusation_rules or load_screening_rules(),
        ),
        hand_overs=PostgresHandOvers(parts.sealed, parts.ordinary.schema),
        organisation=organisation,
        regions=parts.regions,
        clock=parts.clock,
    )


def _log_release(organisation: Organisation) -> None:
    """Say which table is in force: each change of it is released by two persons."""
    logging.getLogger(__name__).info(
        "organisation table in force",
        extra={
            "digest": organisation.digest,
            "released_by": list(organisation.released_by),
            "released_on": organisation.released_on.isoformat(),
        },
    )
