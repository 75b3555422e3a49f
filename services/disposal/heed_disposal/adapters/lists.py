"""The queries of lists, page by page: each reads its page in order from an index.

A filter by a region's prefix, by states or by categories asks for several values of one index
column, which an index cannot give in one order. Such a list takes a page of each value and merges
the pages; the values that there are it finds by leaping through the index from one to the next.
"""

from dataclasses import dataclass
from typing import Any

from heed_disposal.application.ports import (
    CaseFilter,
    CasePosition,
    DeadlineFilter,
    DeadlinePosition,
)
from heed_disposal.domain.terms import State, Track
from heed_shared.clock import day_end

PREFECTURE = 4
"""Digits of a prefix that is a prefecture or smaller: it has fewer cases than most kinds have."""

Asked = tuple[str, dict[str, Any]]
"""SQL text and its parameters."""


@dataclass(frozen=True)
class _Lead:
    """Values of the leading columns of an index, page by page of which a list is merged."""

    source: str
    """What gives the values, as a FROM item."""
    match: str
    """Which rows belong to one of them."""
    recursive: str = ""
    """The recursive query that finds them, as an item of WITH RECURSIVE."""


_ALL = _Lead("", "true")


def _leaps(table: str, column: str, start: str, only: str) -> _Lead:
    """Return the different values of a column from ``start`` on, as long as ``only`` holds."""
    recursive = f"""
        leap(value) AS (
            (SELECT {column} FROM {table} AS t WHERE {column} >= {start} ORDER BY 1 LIMIT 1)
            UNION ALL
            SELECT (SELECT {column} FROM {table} AS t WHERE {column} > value ORDER BY 1 LIMIT 1)
            FROM leap WHERE {only}
        )"""
    source = f"(SELECT value FROM leap WHERE {only}) AS lead"
    return _Lead(source, f"t.{column} = lead.value", recursive)


def _page(lead: _Lead, table: str, key: str, conditions: list[str], order: str) -> str:
    """Return the query of the keys of one page."""
    where = " AND ".join([lead.match, *conditions])
    page = f"SELECT {key} FROM {table} AS t WHERE {where} ORDER BY {order} LIMIT :limit"
    if lead is _ALL:
        return page
    recursive = f"WITH RECURSIVE {lead.recursive}" if lead.recursive else ""
    return f"""
        {recursive} SELECT page.* FROM {lead.source} CROSS JOIN LATERAL ({page}) AS page
        ORDER BY {order} LIMIT :limit"""


_IN_PREFIX = "starts_with(handling_region, :prefix)"
_PREFIX_GOES_ON = "starts_with(value, :prefix)"
_RUNNING = "(SELECT * FROM case_deadline WHERE state = 1)"
_DEADLINE_KEY = "burns_at, region, uid, number"


def deadlines(wanted: DeadlineFilter, after: DeadlinePosition | None, limit: int) -> Asked:
    """Return the query of running deadlines, what burns most first, with their cases."""
    conditions, told = _deadline_bounds(wanted, after)
    told["limit"] = limit
    lead = _ALL
    if wanted.unit:
        told["unit"] = wanted.unit
        conditions.append("unit = :unit")
    if wanted.region_prefix:
        told["prefix"] = wanted.region_prefix
        if wanted.unit:
            conditions.append(_IN_PREFIX)
        else:
            lead = _leaps(_RUNNING, "handling_region", ":prefix", _PREFIX_GOES_ON)
    page = _page(lead, _RUNNING, _DEADLINE_KEY, conditions, _DEADLINE_KEY)
    query = f"""
        SELECT d.*, c.title AS case_title FROM ({page}) AS page
        JOIN case_deadline AS d USING (region, uid, number) JOIN cases AS c USING (region, uid)
        ORDER BY page.burns_at, region, uid, number"""
    return query, told


def _deadline_bounds(
    wanted: DeadlineFilter, after: DeadlinePosition | None
) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions on the dates, each with one that ends the reading of the index."""
    conditions: list[str] = []
    told: dict[str, Any] = {}
    if wanted.due_by is not None:
        conditions += ["due_internal <= :due_by", "burns_at <= :due_by_end"]
        told |= {"due_by": wanted.due_by, "due_by_end": day_end(wanted.due_by)}
    if wanted.used_share and wanted.now is not None:
        told |= {"now": wanted.now, "share": wanted.used_share, "rest": 1 - wanted.used_share}
        begun = "(started_at + stood_still)"
        conditions += [
            f"{begun} + (burns_at - {begun}) * cast(:share AS float8) <= :now",
            # No clock is longer than the longest, so what burns later is not used that far.
            "burns_at <= :now + cast(:rest AS float8) * (SELECT max(length) FROM"
            " (SELECT burns_at - started_at - stood_still AS length"
            " FROM case_deadline WHERE state = 1) AS running)",
        ]
    if after is not None:
        conditions.append(f"({_DEADLINE_KEY}) > (:burns_at, :region, :uid, :number)")
        told |= {"burns_at": after.burns_at, "region": after.region}
        told |= {"uid": after.uid, "number": after.number}
    return conditions, told


_LATEST_FIRST = "opened_at DESC, uid DESC"


def cases(wanted: CaseFilter, after: CasePosition | None, limit: int) -> Asked:
    """Return the query of cases, latest opened first."""
    told: dict[str, Any] = {"limit": limit}
    conditions = []
    if after is not None:
        conditions.append("(opened_at, uid) < (:opened_at, :uid)")
        told |= {"opened_at": after.opened_at, "uid": after.uid}
    if wanted.track is not None:
        # A constant, so that the index of warnings is seen to fit.
        conditions.append(f"track = {int(wanted.track)}")
    if wanted.petition:
        conditions.append("petition = :petition")
        told["petition"] = wanted.petition
    if wanted.unit:
        conditions.append("unit = :unit")
        told["unit"] = wanted.unit
    if wanted.region_prefix:
        conditions.append(_IN_PREFIX)
        told["prefix"] = wanted.region_prefix
    if wanted.category_code:
        conditions.append("category_code = :category")
        told["category"] = wanted.category_code
    if wanted.states:
        conditions.append("state = ANY(cast(:states AS smallint[]))")
        told["states"] = [int(state) for state in wanted.states]
    lead = _case_lead(wanted)
    page = _page(lead, "cases", "opened_at, region, uid", conditions, _LATEST_FIRST)
    query = f"""
        SELECT c.* FROM ({page}) AS page JOIN cases AS c USING (region, uid)
        ORDER BY c.opened_at DESC, c.uid DESC"""
    return query, told


def _case_lead(wanted: CaseFilter) -> _Lead:
    """Return by which values a list is read: places, categories and states, or none of them."""
    if wanted.petition or wanted.unit or wanted.track is Track.WARNING:
        return _ALL
    of_a_kind = bool(wanted.category_code or wanted.states)
    if wanted.region_prefix and (not of_a_kind or len(wanted.region_prefix) >= PREFECTURE):
        return _leaps("cases", "handling_region", ":prefix", _PREFIX_GOES_ON)
    if not of_a_kind:
        return _ALL
    states = wanted.states or tuple(State)
    listed = ", ".join(str(int(state)) for state in states)
    if wanted.category_code:
        categories = _Lead("(SELECT cast(:category AS text) AS value) AS lead", "")
    else:
        categories = _leaps("cases", "category_code", "''", "value IS NOT NULL")
    return _Lead(
        f"{categories.source} CROSS JOIN unnest(ARRAY[{listed}]::smallint[]) AS of_state(number)",
        "t.category_code = lead.value AND t.state = of_state.number",
        categories.recursive,
    )
