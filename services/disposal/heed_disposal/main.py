"""Starts disposal: ``heed-disposal serve`` or ``heed-disposal migrate``.

The composition root: everything is built here and closed in reverse order.
"""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

import grpc
from heed.classifier.v1 import classifier_service_pb2 as classifier_pb
from heed.classifier.v1.classifier_service_pb2_grpc import ClassifierServiceStub
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1.disposal_service_pb2_grpc import add_DisposalServiceServicer_to_server
from heed.feed.v1 import feed_service_pb2 as feed_pb
from heed.intake.v1 import intake_service_pb2 as intake_pb
from heed.intake.v1.intake_service_pb2_grpc import IntakeServiceStub
from heed.warning.v1 import warning_service_pb2 as warning_pb
from heed.warning.v1.warning_service_pb2_grpc import WarningServiceStub

from heed_disposal.adapters.case_reader import PostgresCaseReader
from heed_disposal.adapters.classification_feed import ClassificationHandler
from heed_disposal.adapters.effects import PostgresEffects
from heed_disposal.adapters.escalation_watch import EscalationJob, EscalationWatch
from heed_disposal.adapters.figure_counts import PostgresFigureCounts
from heed_disposal.adapters.gauges import CaseGauges
from heed_disposal.adapters.outbox import OUTCOMES, PROGRESS
from heed_disposal.adapters.petition_feed import PetitionHandler
from heed_disposal.adapters.reference_files import load_figures, load_handbook, load_templates
from heed_disposal.adapters.snapshots import snapshot_sources
from heed_disposal.adapters.voices import PostgresVoices
from heed_disposal.adapters.warning_feed import WarningHandler
from heed_disposal.adapters.work import PostgresWorkshop
from heed_disposal.api.listing import Reference
from heed_disposal.api.servicer import DisposalServicer
from heed_disposal.application.daily_counts import CountClosedDay
from heed_disposal.application.desk import Desk
from heed_disposal.application.escalating import EscalateBroken
from heed_disposal.application.raised_warnings import FollowWarnings
from heed_disposal.application.sorted_petitions import FollowClassifications
from heed_disposal.domain.handbook import Handbook
from heed_disposal.settings import DisposalSettings
from heed_shared.audit.server import Audit
from heed_shared.clock import Clock
from heed_shared.database import Database
from heed_shared.feed import FeedSpec
from heed_shared.feed.consumer import FeedConsumer
from heed_shared.feed.server import FeedServer
from heed_shared.ids import new_uid
from heed_shared.migrations import require_current
from heed_shared.paging import PageTokens
from heed_shared.program import Program, business_clock
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy
from heed_shared.rpc.client import open_channel
from heed_shared.rpc.server import Service, serve
from heed_shared.scheduler import DailyJob

NAME = "disposal"
PACKAGE = "heed_disposal"
FEEDS = (
    FeedSpec(PROGRESS, "progress", ("intake",)),
    FeedSpec(OUTCOMES, "outcome", ("warning",), restricted=True),
)


def build(
    settings: DisposalSettings, database: Database, channels: dict[str, grpc.aio.Channel]
) -> Service:
    """Put the service together; ``channels`` are those to intake, classifier and warning."""
    clock = business_clock(settings)
    handbook = load_handbook(settings.deadline_rules, settings.playbooks, settings.holidays)
    workshop = PostgresWorkshop(database)
    desk = Desk(PostgresCaseReader(database), handbook, clock, new_uid)
    consumers = _consumers(database, channels, handbook, clock)
    tokens = PageTokens(settings.page_token_key)
    feeds = FeedServer(database, FEEDS, snapshot_sources(clock), consumers, page_tokens=tokens)
    job = DailyJob("disposal.daily", clock, database, CountClosedDay(workshop, clock))
    reference = Reference(Regions.load(settings.regions), Taxonomy.load(settings.taxonomy))
    tell, watch = EscalateBroken(workshop, handbook, clock), EscalationWatch(database, clock)
    servicer = DisposalServicer(
        desk,
        workshop,
        reference,
        tokens,
        PostgresVoices(database),
        watch,
        load_figures(settings.figures),
        PostgresFigureCounts(database, clock),
        load_templates(settings.documents),
        PostgresEffects(database),
    )
    descriptor = pb.DESCRIPTOR.services_by_name["DisposalService"]
    gauges = CaseGauges(database, clock)
    # A replayed clock stands still: what waits for time runs when it is moved.
    replay = settings.clock == "replay"
    timed = () if replay else (job, EscalationJob(tell), watch)

    return Service(
        name=NAME,
        settings=settings,
        clock=clock,
        servicers=[
            (add_DisposalServiceServicer_to_server, servicer, descriptor),
            feeds.servicer(),
        ],
        audit=Audit(database, tokens),
        background=[feeds, gauges, *consumers, *timed],
        readiness=[lambda: require_current(database, PACKAGE)],
        on_advance=[job.catch_up, tell, watch.look] if replay else [],
    )


def _consumers(
    database: Database,
    channels: dict[str, grpc.aio.Channel],
    handbook: Handbook,
    clock: Clock,
) -> list[FeedConsumer]:
    classifications = ClassificationHandler(
        classifier=ClassifierServiceStub(channels["classifier"]),
        intake=IntakeServiceStub(channels["intake"]),
        follow=FollowClassifications(handbook, new_uid),
        clock=clock,
    )
    warnings = WarningHandler(
        warnings=WarningServiceStub(channels["warning"]),
        follow=FollowWarnings(handbook, new_uid),
        clock=clock,
    )
    return [
        FeedConsumer(
            "classifier.classifications", NAME, channels["classifier"], database, classifications
        ),
        FeedConsumer(
            "intake.petitions", NAME, channels["intake"], database, PetitionHandler(clock)
        ),
        FeedConsumer("warning.warnings", NAME, channels["warning"], database, warnings),
    ]


def _open_channels(settings: DisposalSettings) -> dict[str, grpc.aio.Channel]:
    feed = feed_pb.DESCRIPTOR.services_by_name["FeedService"]
    peers = {
        "intake": (settings.intake_target, intake_pb, "IntakeService"),
        "classifier": (settings.classifier_target, classifier_pb, "ClassifierService"),
        "warning": (settings.warning_target, warning_pb, "WarningService"),
    }
    return {
        name: open_channel(target, settings, [contract.DESCRIPTOR.services_by_name[service], feed])
        for name, (target, contract, service) in peers.items()
    }


async def run_service(
    settings: DisposalSettings,
    *,
    ready: asyncio.Event | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until told to stop, then close everything in reverse order."""
    async with AsyncExitStack() as stack:
        database = await Database.open(settings.database_url, NAME, settings.pool_size)
        stack.push_async_callback(database.close)
        channels = _open_channels(settings)
        for channel in channels.values():
            stack.push_async_callback(channel.close)
        await serve(build(settings, database, channels), ready=ready, stop=stop)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    return Program(name=NAME, settings=DisposalSettings, serve=run_service).run(arguments)


if __name__ == "__main__":
    sys.exit(main())
