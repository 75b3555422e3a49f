"""A matter linked to an earlier one keeps its own case and clocks; only the link is known."""

from dataclasses import replace

import pytest
from heed.classifier.v1.events_pb2 import ClassificationEvent
from heed.intake.v1.events_pb2 import PetitionEvent
from sqlalchemy import text

from heed_disposal.domain.case import Case
from heed_shared.database import Database
from tests.disposal.builders import petition
from tests.disposal.feeding import Feeding


@pytest.fixture
def feeding(database: Database) -> Feeding:
    """Handlers on a fresh database."""
    return Feeding(database)


async def clocks(feeding: Feeding) -> list[str]:
    """All deadlines as they are in the table."""
    async with feeding.database.read() as connection:
        stored = await connection.execute(text("SELECT d::text FROM case_deadline AS d ORDER BY 1"))
        return [row[0] for row in stored]


async def linked(feeding: Feeding, repeat_of: str) -> None:
    feeding.others.sorted(2, repeat_of=repeat_of)
    await feeding.classified(petition(2), ClassificationEvent.KIND_REPEAT_CHANGED)


async def test_a_repeat_moves_no_clock_and_closes_no_case(feeding: Feeding) -> None:
    earlier, repeat = feeding.others.sorted(1), feeding.others.sorted(2)
    await feeding.classified(earlier)
    await feeding.classified(repeat)
    before, first, second = await clocks(feeding), *await both(feeding)

    matter = f"{earlier}/matters/1"
    await linked(feeding, matter)
    assert len(before) == 2
    assert await clocks(feeding) == before
    first_after, second_after = await both(feeding)
    assert first_after == first
    assert replace(second_after, repeat_of="", updated_at=second.updated_at, version=1) == second
    assert second_after.repeat_of == matter


async def both(feeding: Feeding) -> tuple[Case, Case]:
    return await feeding.case(petition(1)), await feeding.case(petition(2))


async def test_a_link_taken_back_is_gone_and_told_twice_changes_nothing(feeding: Feeding) -> None:
    feeding.others.sorted(1)
    await feeding.classified(feeding.others.sorted(2))
    matter = f"{petition(1)}/matters/1"
    await linked(feeding, matter)
    once = await feeding.case(petition(2))
    await linked(feeding, matter)
    assert await feeding.case(petition(2)) == once
    await linked(feeding, "")
    assert (await feeding.case(petition(2))).repeat_of == ""


async def test_a_case_that_is_over_learns_of_its_link_and_of_nothing_else(
    feeding: Feeding,
) -> None:
    name = feeding.others.sorted(2)
    await feeding.classified(name)
    await feeding.ended(name, PetitionEvent.KIND_WITHDRAWN)
    matter = f"{petition(1)}/matters/1"
    feeding.others.sorted(2, repeat_of=matter, category_code="05")
    await feeding.classified(name, ClassificationEvent.KIND_REPEAT_CHANGED)
    case = await feeding.case(name)
    assert (case.repeat_of, case.category_code, case.open) == (matter, "01", False)
    await feeding.ended(name, PetitionEvent.KIND_ERASED)
    assert (await feeding.case(name)).repeat_of == ""
