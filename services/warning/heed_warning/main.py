"""Starts the warning service: `heed-warning migrate` before a rollout, `heed-warning serve` in it.

`heed-warning train` trains a forecaster as a job of its own, on a machine with a GPU or for very
many cells.

This is the only place that knows which adapter stands behind which port. There is no `prepare`: a
forecaster is trained on the counts of its own place, and until then the seasonal baseline answers.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import torch
from heed.feed.v1 import feed_service_pb2
from heed.warning.v1 import warning_service_pb2
from heed.warning.v1.warning_service_pb2_grpc import add_WarningServiceServicer_to_server

from heed_shared.audit.server import Audit
from heed_shared.database import Database
from heed_shared.feed import FeedConsumer, FeedServer, Handler
from heed_shared.migrations import require_current
from heed_shared.operations import Operations
from heed_shared.paging import PageTokens
from heed_shared.program import Program, business_clock
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy
from heed_shared.rpc.background import Background
from heed_shared.rpc.client import open_channel
from heed_shared.rpc.server import Service, serve
from heed_shared.scheduler import DailyJob
from heed_shared.telemetry import setup_telemetry
from heed_warning import training_job
from heed_warning.adapters.counts import PostgresCounts
from heed_warning.adapters.escalation_rules import read_escalation_rules
from heed_warning.adapters.forecasters import CurrentModel, PostgresForecasters
from heed_warning.adapters.indicator_table import load_indicators
from heed_warning.adapters.observation_handler import ObservationHandler, OutcomeHandler
from heed_warning.adapters.panels import PostgresPanels
from heed_warning.adapters.policies import PostgresPolicies
from heed_warning.adapters.silences import PostgresSilences
from heed_warning.adapters.skips import PostgresSkips
from heed_warning.adapters.snapshot import warning_snapshot
from heed_warning.adapters.training_process import ChildTrainer
from heed_warning.adapters.warning_figures import PostgresEscalationChecks, PostgresPrecisions
from heed_warning.adapters.warnings import PostgresWarnings
from heed_warning.api.parts import Parts
from heed_warning.api.servicer import WarningServicer
from heed_warning.application.announcing import WARNINGS_FEED
from heed_warning.application.evaluation import Evaluator
from heed_warning.application.forecasting import Foreseer
from heed_warning.application.indicators import IndicatorReader
from heed_warning.application.judging import Desk
from heed_warning.application.keeping import (
    KEEPER_PERIOD_S,
    WATCHDOG_PERIOD_S,
    Keeper,
    Periodic,
    Watchdog,
)
from heed_warning.application.places import Places
from heed_warning.application.policies import PolicyDesk
from heed_warning.application.retraining import Retrainer
from heed_warning.application.settlement import Settlement
from heed_warning.application.silencing import SilenceDesk
from heed_warning.application.training import School
from heed_warning.application.tuning import Tuner
from heed_warning.settings import WarningSettings

NAME = "warning"
SCHEMA = "warning"
PACKAGE = "heed_warning"
OBSERVATIONS_FEED = "classifier.observations"
OUTCOMES_FEED = "disposal.outcomes"
DAILY_EVALUATION = "evaluate"
DAILY_RETRAINING = "retrain"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    program = Program(
        name=NAME, settings=WarningSettings, serve=_serve, jobs={"train": training_job.main}
    )
    return program.run(arguments)


async def _serve(settings: WarningSettings) -> None:
    async with open_service(settings) as service:
        await serve(service)


@asynccontextmanager
async def open_service(settings: WarningSettings) -> AsyncIterator[Service]:
    """Build the service and everything behind it; closed in reverse order at the end."""
    telemetry = setup_telemetry(NAME, settings)
    torch.set_num_threads(1)  # with a busy neighbour two threads collapse to a tenth
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.database_url, SCHEMA, settings.pool_size)
        stack.push_async_callback(database.close)
        parts = _parts(settings, database)
        consumers = _consumers(settings, parts, stack)
        feeds = FeedServer(
            database,
            (WARNINGS_FEED,),
            {WARNINGS_FEED.name: warning_snapshot},
            consumers,
            page_tokens=parts.page_tokens,
        )
        descriptor = warning_service_pb2.DESCRIPTOR.services_by_name["WarningService"]
        yield Service(
            name=NAME,
            settings=settings,
            clock=parts.clock,
            servicers=(
                (add_WarningServiceServicer_to_server, WarningServicer(parts, feeds), descriptor),
                feeds.servicer(),
                parts.operations.servicer(),
            ),
            audit=Audit(database, parts.page_tokens),
            background=(feeds, parts.operations, *consumers, *_by_the_clock(settings, parts)),
            on_advance=(parts.keeper.tick, parts.watchdog.look),
            readiness=(lambda: require_current(database, PACKAGE),),
            telemetry=telemetry,
        )


def _parts(settings: WarningSettings, database: Database) -> Parts:
    clock = business_clock(settings)
    places = Places(Regions.load(settings.regions), Taxonomy.load(settings.taxonomy))
    counts, policies, warnings = PostgresCounts(), PostgresPolicies(), PostgresWarnings()
    forecasters, models = PostgresForecasters(), CurrentModel(database)
    panels = PostgresPanels(database, counts, places.level, places.still_above)
    page_tokens = PageTokens(settings.page_token_key)
    skips, indicators = PostgresSkips(), load_indicators(settings.indicators)
    silences, rules = PostgresSilences(), read_escalation_rules(settings.escalation)
    settlement = Settlement(warnings, silences, places, rules)
    return Parts(
        database=database,
        clock=clock,
        places=places,
        counts=counts,
        policies=policies,
        tuner=Tuner(database, clock, panels, skips),
        policy_desk=PolicyDesk(database, clock, places, panels, policies, skips, models),
        warnings=warnings,
        forecasters=forecasters,
        evaluator=Evaluator(
            database,
            clock,
            places,
            panels,
            policies,
            warnings,
            settlement,
            models,
            skips,
            indicators,
        ),
        indicator_reader=IndicatorReader(clock, places, panels, indicators),
        skips=skips,
        foreseer=Foreseer(database, clock, places, panels, policies, models),
        desk=Desk(warnings, settlement, clock),
        silences=silences,
        silence_desk=SilenceDesk(silences, warnings, settlement, clock),
        keeper=Keeper(database, warnings, settlement),
        watchdog=Watchdog(database, PostgresEscalationChecks()),
        precisions=PostgresPrecisions(),
        school=School(database, clock, panels, forecasters, ChildTrainer()),
        operations=Operations(database, page_tokens),
        page_tokens=page_tokens,
    )


def _consumers(
    settings: WarningSettings, parts: Parts, stack: AsyncExitStack
) -> list[FeedConsumer]:
    wanted: tuple[tuple[str, str, Handler], ...] = (
        (
            settings.classifier_target,
            OBSERVATIONS_FEED,
            ObservationHandler(parts.counts, parts.places),
        ),
        (
            settings.disposal_target,
            OUTCOMES_FEED,
            OutcomeHandler(parts.counts, parts.places, parts.desk),
        ),
    )
    feed_service = feed_service_pb2.DESCRIPTOR.services_by_name["FeedService"]
    consumers = []
    for target, feed, handler in wanted:
        channel = open_channel(target, settings, (feed_service,))
        stack.push_async_callback(channel.close)
        consumers.append(FeedConsumer(feed, NAME, channel, parts.database, handler))
    return consumers


def _by_the_clock(settings: WarningSettings, parts: Parts) -> list[Background]:
    """Return what the clock drives; in a replay whoever moves the clock drives it.

    Keeper and watchdog are jobs apart: when one stands still, the other tells or goes on.
    """
    if settings.clock == "replay":
        return []
    retrainer = Retrainer(
        database=parts.database,
        panels=parts.evaluator.panels,
        forecasters=parts.forecasters,
        models=parts.evaluator.models,
        school=parts.school,
        every=timedelta(days=settings.retrain_days),
    )
    return [
        DailyJob(DAILY_EVALUATION, parts.clock, parts.database, parts.evaluator.close),
        DailyJob(DAILY_RETRAINING, parts.clock, parts.database, retrainer.close),
        Periodic("escalation", KEEPER_PERIOD_S, parts.clock, parts.keeper.tick),
        Periodic("escalation-watchdog", WATCHDOG_PERIOD_S, parts.clock, parts.watchdog.look),
    ]


if __name__ == "__main__":
    sys.exit(main())
