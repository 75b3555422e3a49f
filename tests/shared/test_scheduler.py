import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from heed_shared.clock import ReplayClock, day_end
from heed_shared.database import Database
from heed_shared.scheduler import DailyJob

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # noon in Shanghai
TODAY = date(2026, 3, 2)
TOMORROW = date(2026, 3, 3)
NEXT = date(2026, 3, 4)


class Diary:
    """Writes down the days it was run for; fails on a day if told to."""

    def __init__(self) -> None:
        self.days: list[date] = []
        self.fails_on: date | None = None
        self.running = 0
        self.most_running = 0

    async def write(self, day: date) -> None:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(0.01)
        self.running -= 1
        if day == self.fails_on:
            raise ValueError
        self.days.append(day)


@pytest.fixture
def clock() -> ReplayClock:
    return ReplayClock(NOON)


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def job(clock: ReplayClock, database: Database, diary: Diary) -> DailyJob:
    return DailyJob("diary", clock, database, diary.write)


async def advance(clock: ReplayClock, job: DailyJob, to: datetime) -> None:
    clock.advance(to)
    await job.catch_up(clock.now())


async def test_an_open_day_is_not_worked_off(
    clock: ReplayClock, job: DailyJob, diary: Diary
) -> None:
    await job.catch_up(clock.now())
    await advance(clock, job, day_end(TODAY) - timedelta(microseconds=1))
    assert diary.days == []


async def test_each_closed_day_is_worked_off_once_and_in_order(
    clock: ReplayClock, job: DailyJob, diary: Diary
) -> None:
    await advance(clock, job, day_end(TODAY))
    await job.catch_up(clock.now())
    await advance(clock, job, day_end(NEXT))
    assert diary.days == [TODAY, TOMORROW, NEXT]


async def test_a_day_that_failed_is_tried_again_and_none_is_skipped(
    clock: ReplayClock, job: DailyJob, diary: Diary
) -> None:
    diary.fails_on = TOMORROW
    with pytest.raises(ValueError):  # noqa: PT011 - raised by the diary
        await advance(clock, job, day_end(NEXT))
    assert diary.days == [TODAY]
    diary.fails_on = None
    await job.catch_up(clock.now())
    assert diary.days == [TODAY, TOMORROW, NEXT]


async def test_a_restarted_service_makes_up_for_missed_days_only(
    clock: ReplayClock, job: DailyJob, diary: Diary, database: Database
) -> None:
    await advance(clock, job, day_end(TODAY))
    restarted = DailyJob("diary", ReplayClock(day_end(NEXT)), database, diary.write)
    await restarted.catch_up(day_end(NEXT))
    assert diary.days == [TODAY, TOMORROW, NEXT]


async def test_replicas_share_a_job_and_never_run_it_together(
    clock: ReplayClock, job: DailyJob, diary: Diary, database: Database
) -> None:
    replica = DailyJob("diary", clock, database, diary.write)
    await job.catch_up(clock.now())
    clock.advance(day_end(NEXT))
    await asyncio.gather(job.catch_up(clock.now()), replica.catch_up(clock.now()))
    assert diary.days == [TODAY, TOMORROW, NEXT]
    assert diary.most_running == 1


async def test_jobs_of_other_names_keep_their_own_days(
    clock: ReplayClock, job: DailyJob, diary: Diary, database: Database
) -> None:
    other_diary = Diary()
    other = DailyJob("other", clock, database, other_diary.write)
    await advance(clock, job, day_end(TODAY))
    await other.catch_up(clock.now())
    assert diary.days == other_diary.days == [TODAY]


async def test_the_background_loop_works_off_days_and_stops(
    clock: ReplayClock, job: DailyJob, diary: Diary
) -> None:
    stop = asyncio.Event()
    await job.catch_up(clock.now())
    clock.advance(day_end(TODAY))
    running = asyncio.create_task(job.run(stop))
    async with asyncio.timeout(5):
        while not diary.days:  # noqa: ASYNC110 - the diary is as plain as a job
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(running, 2)
    assert diary.days == [TODAY]


async def test_a_job_that_another_replica_holds_is_left_alone(
    clock: ReplayClock, job: DailyJob, diary: Diary, database: Database
) -> None:
    await job.catch_up(clock.now())
    clock.advance(day_end(TODAY))
    holder = await database.dedicated()
    await holder.execute(
        "SELECT pg_advisory_lock("
        "hashtextextended('heed.daily_job.' || current_schema() || '.diary', 0))"
    )
    stop = asyncio.Event()
    running = asyncio.create_task(job.run(stop))
    await asyncio.sleep(0.3)
    assert diary.days == []
    await holder.close()
    stop.set()
    await asyncio.wait_for(running, 2)
    await job.catch_up(clock.now())
    assert diary.days == [TODAY]
