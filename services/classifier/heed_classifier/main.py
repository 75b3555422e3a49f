"""Starts the classifier: ``heed-classifier migrate``, ``prepare`` and ``serve``.

``prepare`` trains the starter model into the schema when there is none; without it the service
works by its rules. This is the only place that knows which adapter stands behind which port.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
from heed.classifier.v1 import classifier_service_pb2
from heed.classifier.v1.classifier_service_pb2_grpc import add_ClassifierServiceServicer_to_server
from heed.feed.v1 import feed_service_pb2
from heed.intake.v1 import intake_service_pb2

from heed_classifier.adapters.build_sorting import build_sorting
from heed_classifier.adapters.corrected_texts import PostgresCorrected
from heed_classifier.adapters.corrections import PostgresCorrections
from heed_classifier.adapters.events import (
    CLASSIFICATIONS,
    OBSERVATIONS,
    classification_snapshot,
    observation_snapshot,
)
from heed_classifier.adapters.intake_texts import IntakeTexts
from heed_classifier.adapters.model_keeper import ModelKeeper, readable
from heed_classifier.adapters.model_store import PostgresModels
from heed_classifier.adapters.ordinary_language import term_reader
from heed_classifier.adapters.petition_feed import FEED, PetitionsHandler
from heed_classifier.adapters.queries import PostgresQueries
from heed_classifier.adapters.repeat_links import PostgresRepeatLinks
from heed_classifier.adapters.similar_table import SimilarTables
from heed_classifier.adapters.training_process import ChildTrainer
from heed_classifier.adapters.workers import BoundedWorkers
from heed_classifier.api.model_rpcs import ModelParts
from heed_classifier.api.servicer import Classifier, ClassifierServicer
from heed_classifier.application.batching import Batches
from heed_classifier.application.models import Models
from heed_classifier.application.similar import Finding
from heed_classifier.application.sorting import Sorting
from heed_classifier.settings import ClassifierSettings
from heed_shared.audit.server import Audit
from heed_shared.database import Database
from heed_shared.feed import FeedConsumer, FeedServer
from heed_shared.migrations import require_current
from heed_shared.operations import Operations
from heed_shared.paging import PageTokens
from heed_shared.program import Program, business_clock
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy
from heed_shared.rpc.background import Background
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
        regions = Regions.load(settings.regions)
        taxonomy = Taxonomy.load(settings.taxonomy, settings.crosswalk)
        sorting = build_sorting(regions, workers, None, taxonomy, settings.targets)
        keepers = await _keepers(settings, database, sorting)
        clock = business_clock(settings)
        channel = _intake_channel(settings, stack)
        texts, tokens = IntakeTexts(channel), PageTokens(settings.page_token_key)
        handler = PetitionsHandler(database, texts, sorting, term_reader(), clock)
        consumer = FeedConsumer(FEED, NAME, channel, database, handler, settings.batch_size)
        feeds = _feeds(database, consumer, tokens)
        operations = Operations(database, tokens)
        classifier = Classifier(
            Batches(sorting),
            PostgresQueries(database),
            PostgresCorrections(database, sorting, taxonomy, clock),
            taxonomy,
            regions,
            tokens,
            clock,
            ModelParts(
                _models(settings, database, texts), operations, database, taxonomy, tokens, clock
            ),
            Finding(SimilarTables(database), term_reader(), regions, workers),
            PostgresRepeatLinks(database, clock),
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
                operations.servicer(),
            ),
            audit=Audit(database, tokens),
            background=(feeds, operations, consumer, *keepers),
            readiness=(lambda: require_current(database, PACKAGE),),
            telemetry=measured,
        )


async def _keepers(
    settings: ClassifierSettings, database: Database, sorting: Sorting
) -> tuple[Background, ...]:
    """What keeps the model in use loaded; it is loaded once before anything is served."""
    if not settings.use_model:
        return ()
    keeper = ModelKeeper(database, sorting.opinions)
    await keeper.refresh()
    return (keeper,)


def _models(settings: ClassifierSettings, database: Database, texts: IntakeTexts) -> Models:
    return Models(
        PostgresModels(database),
        PostgresCorrected(database, texts),
        ChildTrainer(),
        readable,
        settings.training_texts,
    )


def _feeds(database: Database, consumer: FeedConsumer, tokens: PageTokens) -> FeedServer:
    snapshots = {
        CLASSIFICATIONS.name: classification_snapshot,
        OBSERVATIONS.name: observation_snapshot,
    }
    feeds = (CLASSIFICATIONS, OBSERVATIONS)
    return FeedServer(database, feeds, snapshots, [consumer], page_tokens=tokens)


def _intake_channel(settings: ClassifierSettings, stack: AsyncExitStack) -> grpc.aio.Channel:
    services = (
        feed_service_pb2.DESCRIPTOR.services_by_name["FeedService"],
        intake_service_pb2.DESCRIPTOR.services_by_name["IntakeService"],
    )
    channel = open_channel(settings.intake_target, settings, services)
    stack.push_async_callback(channel.close)
    return channel


if __name__ == "__main__":
    sys.exit(main())
