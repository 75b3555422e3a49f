"""On the system clock each day is evaluated by itself when it closes; in a replay none is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import asyncpg

from heed_shared.clock import local_day
from heed_shared.scheduler import DailyJob
from heed_warning.main import open_service
from heed_warning.settings import WarningSettings
from tests.database_templates import MadeDatabase

Settings = Callable[..., WarningSettings]


async def run(database: MadeDatabase, statement: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database["admin_url"])
    try:
        await connection.execute("SET search_path = warning")
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()


def jobs(background: object) -> list[DailyJob]:
    found = [item for item in background if isinstance(item, DailyJob)]  # type: ignore[attr-defined]
    return [job for job in found if job.name == "evaluate"]


async def test_missed_days_are_made_up_for_in_order(
    settings_for: Settings, database: MadeDatabase
) -> None:
    today = local_day(datetime.now(UTC))
    evaluated = "SELECT as_of FROM evaluation_run ORDER BY evaluated_at"
    async with open_service(settings_for(database, HEED_CLOCK="system")) as service:
        (job,) = jobs(service.background)
        await run(
            database,
            "INSERT INTO daily_job (name, last_day) VALUES ('evaluate', $1)",
            today - timedelta(days=4),
        )
        await job.catch_up(datetime.now(UTC))
        days = [row["as_of"] for row in await run(database, evaluated)]
        assert days == [today - timedelta(days=ago) for ago in (3, 2, 1)]


async def test_a_later_evaluation_by_hand_does_not_stop_the_job(
    settings_for: Settings, database: MadeDatabase
) -> None:
    today = local_day(datetime.now(UTC))
    async with open_service(settings_for(database, HEED_CLOCK="system")) as service:
        (job,) = jobs(service.background)
        await run(
            database,
            "INSERT INTO daily_job (name, last_day) VALUES ('evaluate', $1)",
            today - timedelta(days=4),
        )
        await run(
            database,
            "INSERT INTO evaluation_run VALUES ($1, 0, 0, '', '{}', now())",
            today - timedelta(days=2),
        )
        await job.catch_up(datetime.now(UTC))
        last = await run(database, "SELECT last_day FROM daily_job WHERE name = 'evaluate'")
        assert last[0]["last_day"] == today - timedelta(days=1)


async def test_a_replay_evaluates_only_when_asked(
    settings_for: Settings, database: MadeDatabase
) -> None:
    async with open_service(settings_for(database)) as service:
        assert jobs(service.background) == []
