"""A warned cell has one open response case, which its later petitions and further warnings join."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from heed.common.v1 import matter_pb2 as terms
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1.events_pb2 import WarningVerdict
from heed.intake.v1.events_pb2 import PetitionEvent
from heed.warning.v1.events_pb2 import WarningEvent

from heed_disposal.adapters.case_reader import PostgresCaseReader
from heed_disposal.domain.case import Case
from heed_disposal.domain.responses import Response, nearest
from heed_disposal.domain.terms import State, Track
from heed_shared.database import Database
from heed_shared.errors import Conflict
from heed_shared.ids import etag_of
from tests.disposal.builders import MONDAY, REGION, at, opened, petition
from tests.disposal.feeding import Feeding, Kind
from tests.disposal.serving import Serving, new_id

RAISED = WarningEvent.KIND_RAISED
BLUE, YELLOW = terms.WARNING_LEVEL_BLUE, terms.WARNING_LEVEL_YELLOW
ORANGE = terms.WARNING_LEVEL_ORANGE
CITY = "110000"


@pytest.fixture
def feeding(database: Database) -> Feeding:
    """Handlers on a fresh database."""
    return Feeding(database)


@dataclass
class Cell:
    """The warned cell, as the tests look at it."""

    feeding: Feeding

    async def warned(
        self, number: int = 1, level: "terms.WarningLevel.ValueType" = YELLOW, region: str = REGION
    ) -> str:
        """Have a warning raised; return its name."""
        name = self.feeding.others.raised(number)
        self.feeding.others.warnings[name].cell.region_code = region
        await self.feeding.warned(name, RAISED, level)
        return name

    async def petitioned(self, number: int, **changes: Any) -> Case:
        """Have a petition of the cell registered and sorted; return its case."""
        name = self.feeding.others.sorted(number, **changes)
        await self.feeding.classified(name)
        return await self.feeding.case(name)

    async def children(self, parent: Case) -> list[str]:
        """The names of the cases that joined."""
        return await PostgresCaseReader(self.feeding.database).children(parent.name)

    async def notes(self, case: Case) -> list[str]:
        """What the history of a case says."""
        steps = await PostgresCaseReader(self.feeding.database).steps(case.key, 0, 100)
        return [item.step.note for item in steps if item.step.note]


@pytest.fixture
def warned_cell(feeding: Feeding) -> Cell:
    """The cell before anything happened in it."""
    return Cell(feeding)


async def test_later_petitions_of_a_warned_cell_join_its_case_and_both_histories_tell(
    warned_cell: Cell,
) -> None:
    before = await warned_cell.petitioned(1)
    response = await warned_cell.feeding.warning_case(await warned_cell.warned())
    joined = await warned_cell.petitioned(2)
    others = (
        await warned_cell.petitioned(3, category_code="05"),
        await warned_cell.petitioned(4, nature=terms.NATURE_SUGGESTION),
    )
    assert (before.parent, joined.parent) == ("", response.name)
    assert [case.parent for case in others] == ["", ""]
    assert await warned_cell.children(response) == [joined.name]
    assert await warned_cell.notes(joined) == ["同一地区、同一类别已在预警处置,并入办理"]
    assert await warned_cell.notes(response) == ["新到信访事项1件并入办理"]
    after = await warned_cell.feeding.warning_case(response.warning)
    assert after.version == response.version, "who works on it keeps a valid etag"


async def test_the_same_petition_again_joins_once_and_what_a_person_unlinked_stays_so(
    warned_cell: Cell,
) -> None:
    response = await warned_cell.feeding.warning_case(await warned_cell.warned())
    joined = await warned_cell.petitioned(2)
    await warned_cell.feeding.classified(joined.petition)
    assert await warned_cell.notes(response) == ["新到信访事项1件并入办理"]
    async with warned_cell.feeding.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE cases SET parent = ''")
    await warned_cell.feeding.classified(joined.petition, Kind.KIND_CORRECTED)
    assert (await warned_cell.feeding.case(joined.petition)).parent == ""


async def test_a_correction_takes_a_petition_out_of_the_cell_or_into_it(
    warned_cell: Cell,
) -> None:
    response = await warned_cell.feeding.warning_case(await warned_cell.warned())
    case = await warned_cell.petitioned(2)
    warned_cell.feeding.others.sorted(2, category_code="05")
    await warned_cell.feeding.classified(case.petition, Kind.KIND_CORRECTED)
    left = await warned_cell.feeding.case(case.petition)
    assert left.parent == ""
    assert "分类更正,退出预警处置" in await warned_cell.notes(left)
    warned_cell.feeding.others.sorted(2)
    await warned_cell.feeding.classified(case.petition, Kind.KIND_CORRECTED)
    assert (await warned_cell.feeding.case(case.petition)).parent == response.name


async def test_withdrawn_and_sealed_petitions_leave(warned_cell: Cell) -> None:
    response = await warned_cell.feeding.warning_case(await warned_cell.warned())
    withdrawn, sealed = await warned_cell.petitioned(2), await warned_cell.petitioned(3)
    early = warned_cell.feeding.others.sorted(4)
    await warned_cell.feeding.ended(early, PetitionEvent.KIND_WITHDRAWN)
    await warned_cell.feeding.classified(early)
    assert set(await warned_cell.children(response)) == {withdrawn.name, sealed.name}
    await warned_cell.feeding.ended(withdrawn.petition, PetitionEvent.KIND_WITHDRAWN)
    await warned_cell.feeding.ended(sealed.petition, PetitionEvent.KIND_SEALED)
    assert await warned_cell.children(response) == []
    assert sealed.name not in str(await warned_cell.notes(response))


async def test_a_second_warning_on_the_cell_joins_the_open_case_and_raises_its_level(
    warned_cell: Cell,
) -> None:
    feeding = warned_cell.feeding
    first = await warned_cell.warned(1, BLUE)
    await feeding.warned(first, WarningEvent.KIND_RESOLVED, BLUE)
    second = await warned_cell.warned(2, ORANGE)
    case = await feeding.warning_case(second)
    assert (case.warning, case.joined_warnings) == (first, (second,))
    assert [d.code for d in case.deadlines if d.open] == ["W02"]
    lower = await warned_cell.warned(3, BLUE)
    for _ in range(2):
        await feeding.warned(lower, RAISED, BLUE)
        await feeding.warned(second, WarningEvent.KIND_RESOLVED, ORANGE)
        await feeding.warned(lower, WarningEvent.KIND_RESOLVED, BLUE)
    case = await feeding.warning_case(lower)
    assert case.joined_warnings == (second, lower)
    assert [d.code for d in case.deadlines if d.open] == ["W02"]
    assert await warned_cell.notes(case) == [
        "预警已解除,核实结论后办结",
        "同一单元再次预警(II级(橙)),并入本案处置",
        "预警调整为II级(橙)",
        "同一单元再次预警(IV级(蓝)),并入本案处置",
        "预警已解除,核实结论后办结",
    ]


async def test_two_warnings_of_one_cell_in_one_batch_open_one_case(feeding: Feeding) -> None:
    cell = Cell(feeding)
    await asyncio.gather(*(cell.warned(number) for number in range(1, 4)))
    async with feeding.database.transaction() as tx:
        count = await tx.connection.exec_driver_sql("SELECT count(*) FROM cases WHERE track = 4")
        assert count.scalar_one() == 1


async def test_the_same_warning_at_two_replicas_opens_one_case(feeding: Feeding) -> None:
    name = feeding.others.raised()
    replicas = [replace(feeding) for _ in range(4)]
    ended = await asyncio.gather(
        *(replica.warned(name, RAISED, YELLOW) for replica in replicas), return_exceptions=True
    )
    assert all(isinstance(end, Conflict) for end in ended if end is not None)
    case = await feeding.warning_case(name)
    assert (case.version, case.joined_warnings) == (1, ())


async def test_petitions_join_the_nearest_of_county_and_city(warned_cell: Cell) -> None:
    feeding = warned_cell.feeding
    city = await feeding.warning_case(await warned_cell.warned(1, region=CITY))
    first = await warned_cell.petitioned(2)
    county = await feeding.warning_case(await warned_cell.warned(3))
    second = await warned_cell.petitioned(4)
    assert (first.parent, second.parent) == (city.name, county.name)
    assert city.joined_warnings == ()


def response(region: str, opened_at: datetime, number: int) -> Response:
    return Response(f"cases/{number}", region, "01", opened_at, State.OPENED)


def test_the_oldest_of_the_narrowest_region_is_nearest() -> None:
    case, later = opened(), at("2026-09-22")
    wide, old, new = (
        response(CITY, MONDAY, 1),
        response(REGION, MONDAY, 2),
        response(REGION, later, 3),
    )
    assert nearest(case, [new, wide, old]) == old
    assert nearest(case, [wide]) == wide
    assert nearest(case, [response("110102", MONDAY, 4)]) is None
    assert nearest(replace(case, track=Track.ENQUIRY), [old]) is None
    assert nearest(replace(case, state=State.CONCLUDED), [old]) is None


async def test_closing_answers_every_warning_and_ends_the_joining(disposal: Serving) -> None:
    cell = Cell(Feeding(disposal.database))
    first, second = await cell.warned(1), await cell.warned(2)
    case = await cell.feeding.warning_case(first)
    by_hand = await disposal.opened(7)
    assert by_hand.parent == case.name
    seen = (await disposal.stub().GetCase(pb.GetCaseRequest(name=case.name))).case
    assert (list(seen.joined_warnings), list(seen.children)) == ([second], [by_hand.name])
    confirmed = WarningVerdict.FINDING_CONFIRMED
    await disposal.stub().CloseCase(
        pb.CloseCaseRequest(
            name=case.name,
            etag=etag_of(case.version),
            request_id=new_id(),
            reason="核实属实",
            finding=confirmed,
        )
    )
    told = [event.outcome.verdict for event in await cell.feeding.events("disposal.outcomes")]
    assert [(one.warning, one.finding) for one in told if one.warning] == [
        (first, confirmed),
        (second, confirmed),
    ]
    assert (await cell.petitioned(8)).parent == ""
    third = await cell.feeding.warning_case(await cell.warned(3))
    assert third.name != case.name
    assert petition(8) in (await cell.petitioned(8)).petition
