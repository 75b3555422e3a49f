"""Cases of before: ratings and withdrawals are remembered, the daily count does the rest."""

from heed_disposal.adapters.case_store import PostgresCaseStore
from heed_disposal.adapters.work import PostgresWorkshop
from heed_disposal.application.changes import record
from heed_disposal.application.daily_counts import CountClosedDay
from heed_disposal.application.ports import Change
from heed_disposal.domain.case import Case
from heed_disposal.domain.counts import CountKind
from heed_disposal.domain.ending import withdraw
from heed_disposal.domain.procedure_terms import RatingGrade
from heed_disposal.domain.voices import rate
from heed_shared.clock import ReplayClock, local_day
from heed_shared.database import Database
from heed_shared.migrations import run_migrations
from tests.database_templates import DatabaseTemplates, MadeDatabase
from tests.disposal.builders import MONDAY, OTHER_OFFICER, act, at, opened, served


async def migrated(made: MadeDatabase, revision: str) -> None:
    await run_migrations("disposal", "heed_disposal", made["owner_url"], made["schema"], revision)


async def test_cases_of_before_are_counted_by_the_first_daily_count(
    database_templates: DatabaseTemplates,
) -> None:
    made = database_templates.copy("disposal")
    satisfied, not_at_all = RatingGrade.SATISFIED, RatingGrade.DISSATISFIED
    rated = rate(served(), satisfied, not_at_all, "", act(OTHER_OFFICER))
    gone = withdraw(opened(number=2), MONDAY)
    database = await Database.open(made["url"], made["schema"], 2)
    async with PostgresWorkshop(database).open() as work:
        await record(work.cases, [Change(None, case) for case in (rated, gone)], MONDAY)
        await work.commit()
    await database.close()
    for revision in ("0005", "head"):
        await migrated(made, revision)

    database = await Database.open(made["url"], made["schema"], 2)

    async def loaded(case: Case) -> Case:
        async with database.transaction() as tx:
            found = await PostgresCaseStore(tx).of_key(case.key)
        assert found is not None
        return found

    before = await loaded(rated)
    assert {mark.kind for mark in before.marks} == {CountKind.RATED, CountKind.DISSATISFIED}
    assert {mark.region_code for mark in before.marks} == {""}
    assert before.told_at == MONDAY
    withdrawn = await loaded(gone)
    assert (withdrawn.withdrawn, withdrawn.concluded_at) == (True, MONDAY)
    clock = ReplayClock(at("2026-09-23"))
    await CountClosedDay(PostgresWorkshop(database), clock)(local_day(MONDAY))
    after = await loaded(rated)
    assert {mark.kind for mark in after.marks} == {
        CountKind.RATED,
        CountKind.DISSATISFIED,
        CountKind.INVITED,
        CountKind.SUPPORTED,
    }
    assert {mark.region_code for mark in after.marks} == {rated.handling_region}
    assert (await loaded(gone)).recount_on is None
    await database.close()
    database_templates.drop(made)
