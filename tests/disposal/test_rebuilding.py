"""When a feed starts a new epoch, cases come up to date; what people did stays, nothing twice."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from google.protobuf.message import Message
from heed.classifier.v1.events_pb2 import ClassificationEvent
from heed.common.v1 import matter_pb2 as terms
from heed.intake.v1.events_pb2 import PetitionEvent
from heed.warning.v1.events_pb2 import WarningEvent
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_disposal.adapters.case_store import PostgresCaseStore
from heed_disposal.application.changes import record
from heed_disposal.application.ports import Change
from heed_disposal.domain.handling import Signed, assess
from heed_disposal.domain.terms import Grade, Level, State
from heed_local.authority import Authority
from heed_shared.database import Database
from heed_shared.feed import FeedConsumer, FeedSpec, NewEvent, bump_epoch
from tests.database_templates import MadeDatabase
from tests.disposal.builders import MONDAY, REGION, act, handbook, petition, routed
from tests.disposal.feeding import Feeding
from tests.shared.feed_setup import consuming, publish, rebuilt, served, until

TABLES = (
    "cases",
    "case_deadline",
    "case_assessment",
    "case_measure",
    "case_follow_up",
    "case_step",
    "withdrawn_petition",
    "feed_event",
)


@dataclass
class Upstream:
    """A feed of another service, the state behind it, and disposal that follows it."""

    spec: FeedSpec
    database: Database
    feeding: Feeding
    state: list[NewEvent] = field(default_factory=list)

    def event(self, subject: str, payload: Message) -> NewEvent:
        """An event of the feed."""
        return NewEvent(self.spec.name, subject, REGION, "", MONDAY, payload)

    async def snapshot(self, _connection: AsyncConnection) -> AsyncIterator[NewEvent]:
        """The state as the test has set it."""
        for item in self.state:
            yield item

    async def told(self, *events: NewEvent) -> None:
        """Publish events and wait until disposal has applied them."""
        before = await self._applied()
        await publish(self.database, *events)

        async def there() -> bool:
            return await self._applied() == before + len(events)

        await until(there)

    async def _applied(self) -> int:
        async with self.feeding.database.read() as connection:
            return int(
                await connection.scalar(text("SELECT sum(applied_count) FROM feed_cursor")) or 0
            )

    async def restored(self) -> None:
        """Start a new epoch and wait until disposal has rebuilt itself."""
        await rebuilt(self.feeding.database, self.spec.name, await bump_epoch(self.database))


@asynccontextmanager
async def following(
    authority: Authority, feeding: Feeding, made: MadeDatabase, feed: str, payload: str
) -> AsyncIterator[Upstream]:
    """Serve a feed from a second database and have disposal follow it."""
    spec = FeedSpec(feed, payload, ("disposal",))
    database = await Database.open(made["url"], made["schema"], 4)
    upstream = Upstream(spec, database, feeding)
    try:
        async with served(
            authority, database, feeds=(spec,), snapshots={feed: upstream.snapshot}
        ) as feeds:
            handler = feeding.handlers()[payload]
            channel = feeds.channel("disposal")
            consumer = FeedConsumer(feed, "disposal", channel, feeding.database, handler)
            async with consuming(consumer):
                yield upstream
    finally:
        await database.close()


async def everything(feeding: Feeding) -> dict[str, list[str]]:
    """All that disposal holds and has told."""
    found = {}
    async with feeding.database.read() as connection:
        for table in TABLES:
            rows = await connection.execute(text(f"SELECT t::text FROM {table} AS t ORDER BY 1"))
            found[table] = list(rows.scalars())
    return found


async def by_hand(feeding: Feeding, name: str) -> None:
    """Have people sign the assessment of a case and send it to its unit."""
    case = await feeding.case(name)
    signed = Signed(Grade.HIGH, Grade.LOW, Grade.LOW, Level.ORANGE, ("现场核实",))
    after = routed(assess(case, signed, act(), handbook()))
    async with feeding.database.transaction() as tx:
        await record(PostgresCaseStore(tx), [Change(case, after)], MONDAY)
        await tx.commit()


async def test_cases_of_petitions_keep_what_people_did_and_missing_ones_open(
    authority: Authority, database: Database, make_database: Callable[[str], MadeDatabase]
) -> None:
    feeding, made = Feeding(database), make_database("disposal")
    feed = "classifier.classifications"
    async with following(authority, feeding, made, feed, "classification") as upstream:

        def classified(number: int) -> NewEvent:
            name = feeding.others.sorted(number)
            kind = ClassificationEvent.KIND_CLASSIFIED
            return upstream.event(name, ClassificationEvent(kind=kind, petition=name))

        first, second, third = (classified(number) for number in (1, 2, 3))
        await upstream.told(first, second)
        await by_hand(feeding, first.subject)
        upstream.state = [first]
        before = await everything(feeding)
        await upstream.restored()
        assert await everything(feeding) == before
        case = await feeding.case(first.subject)
        assert (case.state, case.version) == (State.ROUTED, 2)
        assert case.assessment is not None
        assert case.assessment.level is Level.ORANGE

        suspected = ClassificationEvent(
            kind=ClassificationEvent.KIND_ACCUSATION_SUSPECTED, petition=second.subject
        )
        upstream.state = [first, third, upstream.event(second.subject, suspected)]
        for _ in range(2):
            await upstream.restored()
        assert await feeding.case(first.subject) == case
        assert await feeding.cases(second.subject) == []
        assert (await feeding.case(third.subject)).state is State.OPENED
        opened = [event.subject for event in await feeding.events("disposal.progress")]
        assert opened.count(third.subject) == 1


async def test_endings_that_were_missed_are_followed_once(
    authority: Authority, database: Database, make_database: Callable[[str], MadeDatabase]
) -> None:
    feeding, made = Feeding(database), make_database("disposal")
    async with following(authority, feeding, made, "intake.petitions", "petition") as upstream:

        def ended(number: int, kind: "PetitionEvent.Kind.ValueType") -> NewEvent:
            name = petition(number)
            return upstream.event(name, PetitionEvent(kind=kind, petition=name))

        for number in (1, 2, 3, 4):
            await feeding.classified(feeding.others.sorted(number))
        first, early, taken_back = (ended(n, PetitionEvent.KIND_WITHDRAWN) for n in (1, 5, 6))
        await upstream.told(first, early, taken_back)
        upstream.state = [
            first,
            early,
            ended(2, PetitionEvent.KIND_WITHDRAWN),
            ended(3, PetitionEvent.KIND_SEALED),
            ended(4, PetitionEvent.KIND_REGISTERED),
        ]
        await upstream.restored()
        states = [[case.state for case in await feeding.cases(petition(n))] for n in (1, 2, 3, 4)]
        assert states == [[State.CONCLUDED], [State.CONCLUDED], [], [State.OPENED]]
        after = await everything(feeding)
        assert [row.split(",")[0].strip("(") for row in after["withdrawn_petition"]] == [
            early.subject
        ]
        await upstream.restored()
        again = await everything(feeding)
        assert again == after


async def test_response_cases_keep_their_clocks_and_missed_warnings_open(
    authority: Authority, database: Database, make_database: Callable[[str], MadeDatabase]
) -> None:
    feeding, made = Feeding(database), make_database("disposal")
    async with following(authority, feeding, made, "warning.warnings", "warning") as upstream:

        def warned(number: int, kind: "WarningEvent.Kind.ValueType") -> NewEvent:
            name = feeding.others.raised(number)
            feeding.others.warnings[name].cell.category_code = f"0{number}"
            level = terms.WARNING_LEVEL_YELLOW
            payload = WarningEvent(kind=kind, warning=name, effective_level=level)
            return upstream.event(name, payload)

        raised, resolved = (warned(n, WarningEvent.KIND_RAISED) for n in (1, 2))
        ended = warned(2, WarningEvent.KIND_RESOLVED)
        await upstream.told(raised, resolved)
        await upstream.told(ended)
        # The count has moved since, and somebody took the warning on.
        taken_on = warned(1, WarningEvent.KIND_ACKNOWLEDGED)
        feeding.others.warnings[raised.subject].latest_evaluation.observed_count = 61
        upstream.state = [taken_on, ended]
        before = await everything(feeding)
        await upstream.restored()
        assert await everything(feeding) == before

        missed = warned(3, WarningEvent.KIND_ACKNOWLEDGED)
        gone = warned(4, WarningEvent.KIND_RESOLVED)
        upstream.state = [taken_on, ended, missed, gone]
        for _ in range(2):
            await upstream.restored()
        assert (await feeding.warning_case(missed.subject)).version == 1
        assert len((await everything(feeding))["cases"]) == 3
