"""Turns deadlines into rows and back; the row repeats what lists and the daily count filter by."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_disposal.adapters.case_rows import Values, actor_of, actor_value, part_key
from heed_disposal.adapters.tables import DEADLINES
from heed_disposal.application.ports import Key
from heed_disposal.domain.case import Case
from heed_disposal.domain.counts import Counted
from heed_disposal.domain.deadlines import Deadline, Pause
from heed_disposal.domain.terms import DeadlineState, Track
from heed_shared.reference.deadlines import Due


def deadline_values(case: Case, deadline: Deadline) -> Values:
    """Return the row of a deadline."""
    due = deadline.due
    cancelled = deadline.state is DeadlineState.CANCELLED
    return part_key(case, deadline.number) | {
        "code": deadline.code,
        "title": deadline.title,
        "citation": deadline.citation,
        "rule_version": deadline.rule_version,
        "started_at": deadline.started_at,
        "set_due_on": deadline.set_due_on,
        "extended_days": deadline.extended_days,
        "pauses": [_pause_value(pause) for pause in deadline.pauses],
        "state": int(deadline.state),
        "met_at": deadline.met_at,
        "due_internal": due.internal if due else None,
        "due_legal": due.legal if due else None,
        "due_at": due.at if due else None,
        "provisional": due.provisional if due else False,
        "burns_at": due.ends_at() if due else None,
        "handling_region": case.handling_region,
        "unit": case.unit,
        "countable": case.track is Track.APPEAL and not cancelled,
        "counted_region": deadline.counted.region_code,
        "counted_category": deadline.counted.category_code,
        "counted_on": deadline.counted.due_on,
        "counted_overdue": deadline.counted.overdue,
        "stood_still": deadline.stood_still,
        "extension_reason": deadline.extension_reason,
        "extension_approved_by": actor_value(deadline.extension_approved_by),
        "escalated_at": deadline.escalated_at,
        "escalated_to": deadline.escalated_to,
    }


def _pause_value(pause: Pause) -> Values:
    resumed_at = pause.resumed_at
    return {
        "paused_at": pause.paused_at.isoformat(),
        "resumed_at": resumed_at.isoformat() if resumed_at else None,
        "cause": pause.cause,
        "reason": pause.reason,
    }


def _pause_of(value: Mapping[str, str]) -> Pause:
    resumed_at = value["resumed_at"]
    return Pause(
        paused_at=datetime.fromisoformat(value["paused_at"]),
        resumed_at=datetime.fromisoformat(resumed_at) if resumed_at else None,
        cause=value["cause"],
        reason=value.get("reason", ""),
    )


def deadline_of(row: Row[Any]) -> Deadline:
    """Return the deadline of a row."""
    due = None
    if row.due_internal is not None:
        due = Due(row.due_internal, row.due_legal, row.due_at, row.provisional)
    return Deadline(
        number=row.number,
        code=row.code,
        title=row.title,
        citation=row.citation,
        rule_version=row.rule_version,
        started_at=row.started_at,
        set_due_on=row.set_due_on,
        extended_days=row.extended_days,
        pauses=tuple(_pause_of(value) for value in row.pauses),
        state=DeadlineState(row.state),
        met_at=row.met_at,
        due=due,
        extension_reason=row.extension_reason,
        extension_approved_by=actor_of(row.extension_approved_by),
        escalated_at=row.escalated_at,
        escalated_to=row.escalated_to,
        counted=Counted(
            row.counted_region, row.counted_category, row.counted_on, row.counted_overdue
        ),
    )


async def broken_keys(connection: AsyncConnection, now: datetime, limit: int) -> list[Key]:
    """Return cases with a broken clock that nobody was told of; others' rows are skipped."""
    query = (
        select(DEADLINES.c.region, DEADLINES.c.uid)
        .where(
            DEADLINES.c.state == literal(int(DeadlineState.RUNNING), literal_execute=True),
            DEADLINES.c.escalated_at.is_(None),
            DEADLINES.c.burns_at <= now,
        )
        .order_by(DEADLINES.c.burns_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return sorted({(row.region, row.uid) for row in await connection.execute(query)})
