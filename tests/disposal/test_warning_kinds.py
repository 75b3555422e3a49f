"""Of a warning's life disposal heeds what makes or changes work, and lets the rest pass."""

from __future__ import annotations

import pytest
from heed.common.v1 import matter_pb2 as terms
from heed.warning.v1.events_pb2 import WarningEvent
from heed.warning.v1.resources_pb2 import Warning as WarningResource

from heed_shared.database import Database
from tests.disposal.feeding import Feeding

YELLOW = terms.WARNING_LEVEL_YELLOW


@pytest.fixture
def feeding(database: Database) -> Feeding:
    """Handlers on a fresh database."""
    return Feeding(database)


@pytest.mark.parametrize("kind", [WarningEvent.KIND_ESCALATED, WarningEvent.KIND_JUDGED])
async def test_an_escalation_and_a_verdict_neither_open_nor_change_a_case(
    feeding: Feeding, kind: WarningEvent.Kind.ValueType
) -> None:
    name = feeding.others.raised()
    await feeding.warned(name, kind, YELLOW)
    assert not await feeding.with_store(lambda store: store.of_warnings([name]))
    await feeding.warned(name, WarningEvent.KIND_RAISED, YELLOW)
    before = await feeding.warning_case(name)
    await feeding.warned(name, kind, YELLOW)
    assert await feeding.warning_case(name) == before


async def test_a_warning_that_was_judged_meanwhile_opens_its_case_all_the_same(
    feeding: Feeding,
) -> None:
    name = feeding.others.raised()
    feeding.others.warnings[name].state = WarningResource.STATE_JUDGED
    await feeding.warned(name, WarningEvent.KIND_RAISED, YELLOW)
    assert (await feeding.warning_case(name)).open
