"""A matter linked to an earlier one keeps its own case: disposal is told, and nothing changes."""

import pytest
from heed.classifier.v1.events_pb2 import ClassificationEvent
from sqlalchemy import text

from heed_shared.database import Database
from tests.disposal.feeding import Feeding


@pytest.fixture
def feeding(database: Database) -> Feeding:
    """Handlers on a fresh database."""
    return Feeding(database)


async def rows(feeding: Feeding) -> list[str]:
    """All cases, deadlines and steps as they are in the tables."""
    async with feeding.database.read() as connection:
        found = []
        for table in ("cases", "case_deadline", "case_step"):
            stored = await connection.execute(text(f"SELECT c::text FROM {table} AS c ORDER BY 1"))
            found += [row[0] for row in stored]
    return found


async def test_a_repeat_moves_no_clock_and_closes_no_case(feeding: Feeding) -> None:
    earlier, repeat = feeding.others.sorted(1), feeding.others.sorted(2)
    await feeding.classified(earlier)
    await feeding.classified(repeat)
    before = await rows(feeding)

    feeding.others.sorted(2, repeat_of=f"{earlier}/matters/1")
    await feeding.classified(repeat, ClassificationEvent.KIND_REPEAT_CHANGED)

    assert len(before) > 2
    assert await rows(feeding) == before
