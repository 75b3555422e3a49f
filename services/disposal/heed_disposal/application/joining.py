"""Links cases to the open response case of their cell, where a warning is already dealt with."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from heed_disposal.application.ports import CaseStore, Change
from heed_disposal.domain.case import Case
from heed_disposal.domain.responses import Response, join, joined_step, leave, nearest


async def with_responses(
    store: CaseStore, changes: Sequence[Change], now: datetime
) -> list[Change]:
    """Return the changes with cases that came into a warned cell linked, and those that left not.

    A link that a person made stays, and a case with children of its own gets no parent.
    """
    moved = [change for change in changes if _moved(change)]
    categories = {
        case.category_code for change in moved for case in (change.before, change.after) if case
    }
    responses = await store.open_responses(categories) if categories else []
    if not responses:
        return list(changes)
    known = {response.name for response in responses}
    parents = await store.parents_among([change.after.name for change in moved if change.before])
    joined: Counter[Response] = Counter()
    found = []
    for change in changes:
        case = change.after
        by_hand = case.parent not in ("", *known) or case.name in parents
        if _moved(change) and not by_hand:
            case = _placed(case, nearest(case, responses), joined, now)
        found.append(replace(change, after=case))
    for response, count in joined.items():
        await store.add_step(response.name, joined_step(response, count, now))
    return found


def _moved(change: Change) -> bool:
    """Say whether a case is new in its cell."""
    return change.before is None or _cell(change.before) != _cell(change.after)


def _cell(case: Case) -> tuple[str, str, int]:
    return case.handling_region, case.category_code, case.track


def _placed(
    case: Case, response: Response | None, joined: Counter[Response], now: datetime
) -> Case:
    if response is None:
        return leave(case, now) if case.parent else case
    if case.parent == response.name:
        return case
    joined[response] += 1
    return join(case, response, now)
