"""Writes changes of cases: true counts, a new version, the history, and the news for others."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from heed_disposal.application.ports import CaseStore, Change, News
from heed_disposal.domain.case import Case
from heed_disposal.domain.recount import retract, settle
from heed_disposal.domain.terms import StepKind
from heed_shared import telemetry
from heed_shared.clock import local_day


def closed_day(now: datetime) -> date:
    """Return the last local day that has ended."""
    return local_day(now) - timedelta(days=1)


async def record(store: CaseStore, changes: Sequence[Change], now: datetime) -> list[Case]:
    """Write the changes that changed anything and return all cases as they now are.

    A verb that left its case as it was writes nothing and tells nobody.
    """
    written: list[Change] = []
    news: list[News] = []
    result: list[Case] = []
    for change in changes:
        if change.after == change.before:
            result.append(change.after)
            continue
        after, deltas = settle(_dated(change.after), closed_day(now))
        after = replace(after, version=after.version + 1)
        written.append(replace(change, after=after))
        news.append(News(after, deltas, change.traceparent))
        result.append(replace(after, steps=(), rating=None, lessons=()))
    if written:
        await store.save(written)
        await store.publish(news, now)
    for change in written:
        for step in change.after.steps:
            telemetry.record("heed.disposal.transitions", 1, action=step.action)
    return result


def _dated(case: Case) -> Case:
    """Return the case whose public steps say by when the next answer is owed."""
    due_at = case.next_due()
    steps = tuple(
        replace(step, due_at=due_at) if step.kind is not StepKind.NONE else step
        for step in case.steps
    )
    return replace(case, steps=steps)


async def remove(store: CaseStore, cases: Sequence[Case], now: datetime, traceparent: str) -> None:
    """Delete cases whose petition went into the sealed lane, and take back all they counted."""
    if not cases:
        return
    await store.remove(cases)
    news = [News(replace(case, steps=()), retract(case), traceparent) for case in cases]
    await store.publish(news, now)
