"""Starts the classifier: ``heed-classifier migrate``, ``prepare`` and ``serve``.

``prepare`` trains the starter model into the schema when there is none; without it the service
works by its rules. This is the only place that knows which adapter stands behind which port.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from heed.classifier.v1 import classifier_service_pb2
from heed.classifier.v1.classifier_service_pb2_grpc import add_ClassifierServiceServicer_to_server
from heed.feed.v1 import feed_service_pb2
from heed.intake.v1 import intake_service_pb2

from heed_classifier.adapters.build_sorting import build_sorting, nature_rules
from heed_classifier.adapters.corrections import PostgresCorrections
from heed_classifier.adapters.data_files import content_book
from heed_classifier.adapters.events import (
    CLASSIFICATIONS,
    OBSERVATIONS,
    classification_snapshot,
    observation_snapshot,
)
from heed_classifier.adapters.intake_texts import IntakeTexts
from heed_classifier.adapters.model_table import current_model
from heed_classifier.adapters.ordinary_language import term_reader
from heed_classifier.adapters.petition_feed import FEED, PetitionsHandler
from heed_classifier.adapters.queries import PostgresQueries
from heed_classifier.adapters.workers import BoundedWorkers
from heed_classifier.api.servicer import Classifier, ClassifierServicer
from heed_classifier.application.ports import Sorter
from heed_classifier.application.sorting import Sorting
from heed_classifier.settings import ClassifierSettings
from heed_shared import logs, telemetry
from heed_shared.clock import Clock
from heed_shared.database import Database
from heed_shared.feed import FeedConsumer, FeedServer
from heed_shared.migrations import require_current
from heed_shared.paging import PageTokens
from heed_shared.program import Program, business_clock
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy
from heed_shared.rpc.client import open_channel
from heed_shared.rpc.server import Service, serve
from heed_shared.telemetry import setup_telemetry

NAME = "classifier"
SCHEMA = "classifier"
PACKAGE = "heed_classifier"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    program = Program(name=NAME, settings=ClassifierSettings, serve=_serve, prepare=_prepare)
    return program.run(arguments)


async def _prepare(settings: ClassifierSettings) -> None:
    from heed_classifier.learning.starter import ensure_starter

    database = await Database.open(settings.database_url, SCHEMA, settings.pool_size)
    try:
        await ensure_starter(database)
    finally:
        await database.close()


async def _serve(settings: ClassifierSettings) -> None:
    async with open_service(settings) as service:
        await serve(service)


@asynccontextmanager
async def open_service(settings: ClassifierSettings) -> AsyncIterator[Service]:
    """Build the service and everything behind it; closed in reverse order at the end."""
    measured = setup_telemetry(NAME, settings)
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.database_url, SCHEMA, settings.pool_size)
        stack.push_async_callback(database.close)
        workers = BoundedWorkers()
        stack.callback(workers.close)
        regions, taxonomy = Regions.load(settings.regions), Taxonomy.load(settings.taxonomy)
        sorter = await load_sorter(database) if settings.use_model else None
        telemetry.record("heed.classifier.model_loaded", 1 if sorter else 0)
        sorting = build_sorting(regions, workers, sorter)
        clock = business_clock(settings)
        consumer = _consumer(settings, database, sorting, clock, stack)
        tokens = PageTokens(settings.page_token_key)
        feeds = FeedServer(
            database,
            (CLASSIFICATIONS, OBSERVATIONS),
            {
                CLASSIFICATIONS.name: classification_snapshot,
                OBSERVATIONS.name: observation_snapshot,
            },
            [consumer],
            page_tokens=tokens,
        )
        classifier = Classifier(
            sorting,
            PostgresQueries(database),
            PostgresCorrections(database, sorting, taxonomy, clock),
            taxonomy,
            regions,
            tokens,
            clock,
        )
        descriptor = classifier_service_pb2.DESCRIPTOR.services_by_name["ClassifierService"]
        yield Service(
            name=NAME,
            settings=settings,
            clock=clock,
            servicers=(
                (
                    add_ClassifierServiceServicer_to_server,
                    ClassifierServicer(classifier),
                    descriptor,
                ),
                feeds.servicer(),
            ),
            background=(feeds, consumer),
            readiness=(lambda: require_current(database, PACKAGE),),
            telemetry=measured,
        )


async def load_sorter(database: Database) -> Sorter | None:
    """The promoted model of the schema; None when there is none or it cannot be read."""
    stored = await current_model(database)
    if stored is None:
        return None
    # torch is imported only where a model runs.
    from heed_classifier.learning.sorter import TorchSorter
    from heed_classifier.learning.stored_model import BadModelError, from_bytes

    try:
        model = await asyncio.to_thread(from_bytes, stored.weights)
    except BadModelError as error:
        logs.failure(logs.Event.DEPENDENCY_FAILED, error, dependency=f"models/{stored.name}")
        return None
    return TorchSorter(stored.name, model, content_book(), nature_rules())


def _consumer(
    settings: ClassifierSettings,
    database: Database,
    sorting: Sorting,
    clock: Clock,
    stack: AsyncExitStack,
) -> FeedConsumer:
    channel = open_channel(
        settings.intake_target,
        settings,
        (
            feed_service_pb2.DESCRIPTOR.services_by_name["FeedService"],
            intake_service_pb2.DESCRIPTOR.services_by_name["IntakeService"],
        ),
    )
    stack.push_async_callback(channel.close)
    handler = PetitionsHandler(database, IntakeTexts(channel), sorting, term_reader(), clock)
    return FeedConsumer(FEED, NAME, channel, database, handler, settings.batch_size)


if __name__ == "__main__":
    sys.exit(main())
