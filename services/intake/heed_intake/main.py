"""Starts intake: ``heed-intake migrate`` before a rollout, ``heed-intake serve`` in it.

This is the only place that knows which adapter stands behind which port.
"""

import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from heed.classifier.v1 import classifier_service_pb2
from heed.feed.v1 import feed_service_pb2
from heed.intake.v1 import intake_service_pb2, sealed_service_pb2
from heed.intake.v1.intake_service_pb2_grpc import add_IntakeServiceServicer_to_server
from heed.intake.v1.sealed_service_pb2_grpc import add_SealedServiceServicer_to_server
from sqlalchemy import text

from heed_intake.adapters.abandoned_talks import AbandonedTalks
from heed_intake.adapters.build_sealed_lane import LaneParts, build_sealed_lane
from heed_intake.adapters.consultation_store import PostgresConsultations
from heed_intake.adapters.consumers import (
    CLASSIFICATION_FEED,
    PROGRESS_FEED,
    ProgressHandler,
    SuspicionHandler,
)
from heed_intake.adapters.months import Months
from heed_intake.adapters.person_sealing import PersonSealing
from heed_intake.adapters.personal_store import PostgresPersonal
from heed_intake.adapters.petition_change_store import PostgresPetitionChanges
from heed_intake.adapters.petition_reader import PostgresPetitions
from heed_intake.adapters.progress_store import PostgresProgress
from heed_intake.adapters.query_codes import QueryCodes
from heed_intake.adapters.registration_store import FEED, PostgresRegistrations
from heed_intake.adapters.reported_petitions import PostgresReportedPetitions
from heed_intake.adapters.request_ids import RequestIds
from heed_intake.adapters.retention import Retention
from heed_intake.adapters.rewrapping import Rewrapping, WrappedLane
from heed_intake.adapters.screening_file import load_screening_rules
from heed_intake.adapters.sealed_records import SealedRecords
from heed_intake.adapters.sealing import Sealing
from heed_intake.adapters.similar_petitions import ClassifierSimilarities
from heed_intake.adapters.snapshot import petition_snapshot
from heed_intake.api.sealed_rpcs import SealedRpcs
from heed_intake.api.servicer import Intake, IntakeServicer
from heed_intake.application.check_progress import WrongCodes
from heed_intake.application.consultation import Consulting
from heed_intake.application.personal import Personal
from heed_intake.application.petition_changes import Changing
from heed_intake.application.register import Registering
from heed_intake.application.suggest import Suggesting
from heed_intake.application.waves import RegistrationWaves
from heed_intake.domain.petition import Lane
from heed_intake.settings import IntakeSettings
from heed_shared.audit.server import Audit
from heed_shared.clock import Clock
from heed_shared.database import Database
from heed_shared.feed import FeedConsumer, FeedServer, FeedSpec, Handler
from heed_shared.migrations import require_current
from heed_shared.paging import PageTokens
from heed_shared.program import Program, business_clock
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy
from heed_shared.rpc.client import open_channel
from heed_shared.rpc.limits import CallerLimits
from heed_shared.rpc.server import Service, serve
from heed_shared.scheduler import DailyJob
from heed_shared.telemetry import setup_telemetry

NAME = "intake"
SCHEMA = "intake"
SEALED_SCHEMA = "intake_sealed"
PACKAGE = "heed_intake"
FEEDS = (FeedSpec(FEED, "petition", ("classifier", "disposal")),)
_HOUR_S = 3600
_USABLE = text("SELECT count(*) FROM petition WHERE uid = gen_random_uuid()")


@dataclass(frozen=True)
class Lanes:
    """The two databases of one process."""

    ordinary: Database
    sealed: Database


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    program = Program(name=NAME, settings=IntakeSettings, serve=_serve)
    return program.run(arguments)


async def _serve(settings: IntakeSettings) -> None:
    async with open_service(settings) as service:
        await serve(service)


@asynccontextmanager
async def open_service(settings: IntakeSettings) -> AsyncIterator[Service]:
    """Build the service and everything behind it; closed in reverse order at the end."""
    telemetry = setup_telemetry(NAME, settings)
    async with AsyncExitStack() as stack:
        ordinary = await Database.open(settings.database_url, SCHEMA, settings.pool_size)
        stack.push_async_callback(ordinary.close)
        sealed = await Database.open(
            settings.sealed_database_url,
            SEALED_SCHEMA,
            settings.sealed_pool_size,
            audit_schema=SCHEMA,
        )
        stack.push_async_callback(sealed.close)
        lanes = Lanes(ordinary, sealed)
        clock = business_clock(settings)
        similar = _similarities(settings, stack)
        intake = _intake(settings, lanes, clock, similar)
        stack.push_async_callback(intake.waves.drain)
        consumers = await _consumers(settings, lanes, clock, stack)
        feeds = FeedServer(
            ordinary,
            FEEDS,
            {FEED: petition_snapshot},
            consumers,
            page_tokens=intake.page_tokens,
        )
        months = Months(clock, ordinary)
        retention = _retention(settings, clock, ordinary)
        descriptor = intake_service_pb2.DESCRIPTOR.services_by_name["IntakeService"]
        yield Service(
            name=NAME,
            settings=settings,
            clock=clock,
            servicers=(
                (add_IntakeServiceServicer_to_server, IntakeServicer(intake), descriptor),
                _sealed_servicer(settings, lanes, clock, intake),
                feeds.servicer(),
            ),
            audit=Audit(ordinary, intake.page_tokens),
            background=(
                feeds,
                months,
                SealedRecords(sealed),
                _rewrapping(settings, lanes),
                *retention,
                *consumers,
            ),
            readiness=(lambda: _ready(lanes),),
            on_advance=(months.catch_up, *(job.catch_up for job in retention)),
            telemetry=telemetry,
        )


def _intake(
    settings: IntakeSettings, lanes: Lanes, clock: Clock, similar: ClassifierSimilarities
) -> Intake:
    codes = QueryCodes(settings.query_code_key)
    request_ids = RequestIds(settings.query_code_key, settings.sealed_key_ring)
    store = PostgresRegistrations(
        lanes.ordinary,
        lanes.sealed,
        settings.key_ring,
        settings.sealed_key_ring,
        codes,
        request_ids,
    )
    rules = settings.accusation_rules or load_screening_rules()
    registering = Registering(Regions.load(settings.regions), rules, clock, store)
    petitions = PostgresPetitions(lanes.ordinary, lanes.sealed, settings.key_ring)
    waves = RegistrationWaves(registering)
    talks = PostgresConsultations(
        {Lane.ORDINARY: lanes.ordinary, Lane.SEALED: lanes.sealed},
        {Lane.ORDINARY: settings.key_ring, Lane.SEALED: settings.sealed_key_ring},
        request_ids,
    )
    wrong_codes = WrongCodes(time.monotonic)
    progress = PostgresProgress(lanes.ordinary, lanes.sealed, codes)
    sealing = Sealing(lanes.ordinary, lanes.sealed, settings.key_ring, settings.sealed_key_ring)
    changes = PostgresPetitionChanges(
        {Lane.ORDINARY: lanes.ordinary, Lane.SEALED: lanes.sealed},
        {Lane.ORDINARY: settings.key_ring, Lane.SEALED: settings.sealed_key_ring},
        codes,
        request_ids,
        sealing,
    )
    return Intake(
        registering=registering,
        waves=waves,
        petitions=petitions,
        texts=petitions,
        progress=progress,
        wrong_codes=wrong_codes,
        page_tokens=PageTokens(settings.page_token_key),
        consulting=Consulting(talks, registering, waves),
        suggesting=Suggesting(
            similar, rules, registering.regions, Taxonomy.load(settings.taxonomy)
        ),
        changing=Changing(changes, rules, clock, wrong_codes),
        personal=Personal(
            PostgresPersonal(lanes.ordinary, settings.key_ring),
            progress,
            wrong_codes,
            clock,
            CallerLimits(settings.reveals_per_hour, _HOUR_S),
        ),
        sealer=PersonSealing(lanes.ordinary, sealing, request_ids),
        reported=PostgresReportedPetitions(
            lanes.ordinary, lanes.sealed, settings.key_ring, settings.sealed_key_ring
        ),
    )


def _rewrapping(settings: IntakeSettings, lanes: Lanes) -> Rewrapping:
    return Rewrapping(
        (
            WrappedLane("ordinary", lanes.ordinary, settings.key_ring),
            WrappedLane("sealed", lanes.sealed, settings.sealed_key_ring),
        )
    )


def _retention(settings: IntakeSettings, clock: Clock, database: Database) -> list[DailyJob]:
    """Return the jobs that erase contacts and abandoned talks; none while no period is set."""
    wanted = (
        ("retention", settings.contact_retention_days, Retention),
        ("abandoned_talks", settings.consultation_retention_days, AbandonedTalks),
    )
    return [
        DailyJob(name, clock, database, made(database, days).work_off)
        for name, days, made in wanted
        if days
    ]


def _sealed_servicer(
    settings: IntakeSettings, lanes: Lanes, clock: Clock, intake: Intake
) -> tuple[Any, SealedRpcs, Any]:
    petitions = PostgresPetitions(lanes.ordinary, lanes.sealed, settings.key_ring)
    parts = LaneParts(lanes.ordinary, lanes.sealed, petitions, intake.registering.regions, clock)
    descriptor = sealed_service_pb2.DESCRIPTOR.services_by_name["SealedService"]
    rpcs = SealedRpcs(build_sealed_lane(settings, parts), intake.page_tokens)
    return add_SealedServiceServicer_to_server, rpcs, descriptor


def _similarities(settings: IntakeSettings, stack: AsyncExitStack) -> ClassifierSimilarities:
    if not settings.classifier_target:
        return ClassifierSimilarities(None)
    service = classifier_service_pb2.DESCRIPTOR.services_by_name["ClassifierService"]
    channel = open_channel(settings.classifier_target, settings, (service,))
    stack.push_async_callback(channel.close)
    return ClassifierSimilarities(channel)


async def _consumers(
    settings: IntakeSettings, lanes: Lanes, clock: Clock, stack: AsyncExitStack
) -> list[FeedConsumer]:
    sealing = Sealing(lanes.ordinary, lanes.sealed, settings.key_ring, settings.sealed_key_ring)
    wanted: tuple[tuple[str, str, Handler], ...] = (
        (settings.disposal_target, PROGRESS_FEED, ProgressHandler()),
        (settings.classifier_target, CLASSIFICATION_FEED, SuspicionHandler(sealing, clock)),
    )
    feed_service = feed_service_pb2.DESCRIPTOR.services_by_name["FeedService"]
    consumers = []
    for target, feed, handler in wanted:
        if target:
            channel = open_channel(target, settings, (feed_service,))
            stack.push_async_callback(channel.close)
            consumers.append(FeedConsumer(feed, NAME, channel, lanes.ordinary, handler))
    return consumers


async def _ready(lanes: Lanes) -> None:
    """Raise unless both lanes answer and the schema is the newest."""
    await require_current(lanes.ordinary, PACKAGE)
    async with lanes.sealed.single() as connection:
        await connection.execute(_USABLE)


if __name__ == "__main__":
    sys.exit(main())
