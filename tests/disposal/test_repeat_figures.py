"""Figures of repeats: counted by matters that a clerk has linked, never by who wrote."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from heed_disposal.adapters.figure_counts import PostgresFigureCounts
from heed_disposal.adapters.reference_files import load_figures
from heed_disposal.adapters.work import PostgresWorkshop
from heed_disposal.application.changes import record
from heed_disposal.application.performance import Period, performance
from heed_disposal.application.ports import Change
from heed_disposal.domain.case import Case
from heed_disposal.domain.figures import Figure
from heed_disposal.domain.handling import close
from heed_disposal.domain.terms import Finding, Nature
from heed_shared.clock import ReplayClock
from heed_shared.database import Database
from tests.disposal.builders import (
    MONDAY,
    OTHER_OFFICER,
    accepted,
    act,
    answered,
    at,
    opened,
    routed,
    served,
    warned,
)

CLOSED = MONDAY + timedelta(days=20)


def ended(number: int, *, solved: bool = True, repeat_of: str = "") -> Case:
    """An appeal that was answered and closed on the twentieth day."""
    case = served(answered(accepted(routed(opened(number=number))), CLOSED), CLOSED)
    case = close(case, "已送达", Finding.UNSPECIFIED, act(OTHER_OFFICER, CLOSED))
    return replace(case, solved=solved, repeat_of=repeat_of)


def again(number: int, earlier: Case, received_at: datetime) -> Case:
    """A matter that came again at a moment."""
    return opened(number=number, received_at=received_at, repeat_of=earlier.matter)


async def figures(database: Database, *cases: Case) -> dict[str, Figure]:
    async with PostgresWorkshop(database).open() as work:
        await record(work.cases, [Change(None, case) for case in cases], CLOSED)
        await work.commit()
    counts = PostgresFigureCounts(database, ReplayClock(at("2027-06-01")))
    period = Period("", "", date(2026, 9, 1), date(2026, 10, 31))
    found = await performance(counts, load_figures(), period)
    return {item.definition.code: item for item in found.together}


async def test_solved_at_once_is_what_did_not_come_again_within_ninety_days(
    database: Database,
) -> None:
    quiet, returned, late, unsolved = (ended(n, solved=n < 4) for n in (1, 2, 3, 4))
    found = await figures(
        database,
        quiet,
        returned,
        late,
        unsolved,
        again(5, returned, CLOSED + timedelta(days=90)),
        again(6, late, CLOSED + timedelta(days=91)),
    )
    at_once = found["first_time_solved"]
    assert (at_once.numerator, at_once.denominator) == (2, 4)
    assert at_once.definition.version == "2"
    assert "九十日" in at_once.definition.formula


async def test_what_came_again_while_it_was_handled_was_not_solved_at_once(
    database: Database,
) -> None:
    case = ended(1)
    found = await figures(database, case, again(2, case, MONDAY + timedelta(days=9)))
    assert found["first_time_solved"].numerator == 0


async def test_a_repeat_is_no_first_matter_and_is_left_out_by_number(database: Database) -> None:
    first = ended(1)
    found = await figures(database, first, ended(2, repeat_of="petitions/other/matters/1"))
    at_once = found["first_time_solved"]
    assert (at_once.numerator, at_once.denominator) == (1, 1)
    assert "共1件" in at_once.exclusion


async def test_the_share_of_repeats_is_of_all_matters_received_and_no_warning(
    database: Database,
) -> None:
    first = opened(number=1)
    found = await figures(
        database,
        first,
        again(2, first, MONDAY),
        opened(number=3, nature=Nature.SUGGESTION),
        again(4, first, at("2026-11-01")),
        warned(),
    )
    share = found["repeat_share"]
    assert (share.numerator, share.denominator) == (1, 3)
    assert "不按人" in share.definition.formula
