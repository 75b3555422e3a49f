"""The queries behind the performance figures, one for each code.

Each returns unit, numerator, denominator and excluded. Days are local days (Asia/Shanghai). A case
counts for the unit that has it now. Numbers of states and results are those of the contract.
"""

from typing import Final

_LOCAL = "AT TIME ZONE 'Asia/Shanghai'"
_CASE = "c.handling_region LIKE :region AND (:unit = '' OR c.unit = :unit)"
_IN_PERIOD = "BETWEEN :from_day AND :to_day"


def _during(moment: str) -> str:
    """Return the condition that a moment lies in the period, as an index can look it up."""
    return f"({moment} >= :begins_at AND {moment} < :ends_at)"


_OF_CASE = "USING (region, uid)"


# Every part is read once and joined as a set: a look for each case costs seconds among many.
_SERVICES = """(
    SELECT region, uid, (body->>'served_on')::date AS served_on
    FROM case_record WHERE kind = 'service'
)"""


def _due(codes: str, good: str, beside: str = "") -> str:
    """Return the query of a share of the clocks that fell due in the period."""
    return f"""
        SELECT c.unit,
            count(*) FILTER (WHERE d.state <> 5 AND {good}) AS numerator,
            count(*) FILTER (WHERE d.state <> 5) AS denominator,
            count(*) FILTER (WHERE d.state = 5) AS excluded
        FROM case_deadline d JOIN cases c {_OF_CASE} {beside}
        WHERE d.code IN ({codes}) AND d.due_internal {_IN_PERIOD} AND {_CASE}
        GROUP BY c.unit
    """


def _rated(column: str) -> str:
    return f"""
        SELECT c.unit,
            count(*) FILTER (WHERE g.{column} IN (1, 2)) AS numerator,
            count(*) FILTER (WHERE g.{column} > 0) AS denominator,
            count(*) FILTER (WHERE g.{column} = 0) AS excluded
        FROM case_rating g JOIN cases c {_OF_CASE}
        WHERE {_during("g.rated_at")} AND {_CASE}
        GROUP BY c.unit
    """


def _concluded(good: str, track: str) -> str:
    """Return the query of a share of the cases concluded in the period, withdrawn ones apart."""
    return f"""
        SELECT c.unit,
            count(*) FILTER (WHERE NOT c.withdrawn AND {good}) AS numerator,
            count(*) FILTER (WHERE NOT c.withdrawn) AS denominator,
            count(*) FILTER (WHERE c.withdrawn) AS excluded
        FROM cases c
        WHERE {_during("c.concluded_at")} AND {track} AND {_CASE}
        GROUP BY c.unit
    """


def _first_time_solved() -> str:
    """Return the query of first matters concluded in the period that were solved at once.

    A matter that came again until 90 days after its end was not; one that is itself a repeat does
    not count, nor does a withdrawn one.
    """
    return f"""
        SELECT c.unit,
            count(*) FILTER (WHERE NOT c.withdrawn AND c.repeat_of = '' AND c.solved
                AND NOT c.reopened AND again.first IS NULL) AS numerator,
            count(*) FILTER (WHERE NOT c.withdrawn AND c.repeat_of = '') AS denominator,
            count(*) FILTER (WHERE c.withdrawn OR c.repeat_of <> '') AS excluded
        FROM cases c LEFT JOIN (
            SELECT repeat_of AS matter, min(received_at) AS first
            FROM cases WHERE repeat_of <> '' GROUP BY repeat_of
        ) again ON again.matter = c.matter AND again.first <= c.concluded_at + interval '90 days'
        WHERE {_during("c.concluded_at")} AND c.track = 1 AND {_CASE}
        GROUP BY c.unit
    """


def _followed_up(good: str, counted: str) -> str:
    return f"""
        SELECT c.unit,
            count(*) FILTER (WHERE {good}) AS numerator,
            count(*) FILTER (WHERE {counted}) AS denominator,
            count(*) FILTER (WHERE NOT ({counted})) AS excluded
        FROM case_follow_up f JOIN cases c {_OF_CASE}
        WHERE f.result > 0 AND {_during("f.recorded_at")} AND {_CASE}
        GROUP BY c.unit
    """


QUERIES: Final[dict[str, str]] = {
    "timely_acceptance": _due("'D02', 'D03'", "d.state = 3"),
    "timely_answer": _due(
        "'D05'",
        "v.served_on <= d.due_internal",
        f"LEFT JOIN {_SERVICES} v {_OF_CASE}",
    ),
    "extended_share": _due("'D05'", "d.extended_days > 0"),
    "days_to_acceptance": f"""
        SELECT c.unit,
            coalesce(sum((n.told_at {_LOCAL})::date - (c.received_at {_LOCAL})::date)
                FILTER (WHERE {_during("n.told_at")}), 0) AS numerator,
            count(*) FILTER (WHERE {_during("n.told_at")}) AS denominator,
            count(*) FILTER (WHERE n.told_at IS NULL
                AND {_during("c.opened_at")}) AS excluded
        FROM cases c LEFT JOIN (
            SELECT region, uid, min(stepped_at) AS told_at FROM case_step
            WHERE action IN ('accept', 'not_accept', 'no_longer_accept', 'divert')
            GROUP BY region, uid
        ) n USING (region, uid)
        WHERE c.track = 1 AND {_CASE}
        GROUP BY c.unit
    """,
    "days_to_reply": f"""
        SELECT c.unit,
            coalesce(sum(v.served_on - (c.received_at {_LOCAL})::date)
                FILTER (WHERE v.served_on {_IN_PERIOD}), 0) AS numerator,
            count(*) FILTER (WHERE v.served_on {_IN_PERIOD}) AS denominator,
            count(*) FILTER (WHERE v.served_on IS NULL
                AND {_during("o.issued_at")}) AS excluded
        FROM cases c
        LEFT JOIN {_SERVICES} v {_OF_CASE}
        LEFT JOIN (
            SELECT region, uid, max(issued_at) AS issued_at FROM case_opinion GROUP BY region, uid
        ) o {_OF_CASE}
        WHERE c.track = 1 AND {_CASE}
        GROUP BY c.unit
    """,
    "participation": f"""
        SELECT c.unit, count(g.rated_at) AS numerator, count(*) AS denominator, 0 AS excluded
        FROM {_SERVICES} v JOIN cases c {_OF_CASE} LEFT JOIN case_rating g {_OF_CASE}
        WHERE v.served_on {_IN_PERIOD} AND {_CASE}
        GROUP BY c.unit
    """,
    "satisfaction_office": _rated("office"),
    "satisfaction_unit": _rated("unit"),
    "first_time_solved": _first_time_solved(),
    "repeat_share": f"""
        SELECT c.unit,
            count(*) FILTER (WHERE c.repeat_of <> '') AS numerator,
            count(*) AS denominator,
            0 AS excluded
        FROM cases c
        WHERE {_during("c.received_at")} AND c.track <> 4 AND {_CASE}
        GROUP BY c.unit
    """,
    "reopened_share": _concluded("c.reopened", "c.track <> 4"),
    "solved_share": _followed_up("f.result = 1", "f.result NOT IN (6, 7)"),
    "contact_rate": _followed_up("f.result <> 6", "true"),
    "review_overturned": f"""
        SELECT c.unit,
            count(*) FILTER (WHERE issued AND (r.body->>'result')::int IN (2, 3)) AS numerator,
            count(*) FILTER (WHERE issued) AS denominator,
            count(*) FILTER (WHERE r.body->>'issued_at' IS NULL
                AND (r.body->>'requested_on')::date {_IN_PERIOD}) AS excluded
        FROM case_record r JOIN cases c {_OF_CASE}
        CROSS JOIN LATERAL (
            SELECT coalesce(((r.body->>'issued_at')::timestamptz {_LOCAL})::date {_IN_PERIOD},
                false) AS issued
        ) i
        WHERE r.kind IN ('review', 'recheck') AND {_CASE}
        GROUP BY c.unit
    """,
    "open_overdue": f"""
        SELECT c.unit,
            count(*) FILTER (WHERE EXISTS (
                SELECT FROM case_deadline d WHERE d.region = c.region AND d.uid = c.uid
                    AND d.state = 1 AND d.burns_at <= :now)) AS numerator,
            count(*) AS denominator,
            0 AS excluded
        FROM cases c WHERE c.state NOT IN (15, 16) AND {_CASE}
        GROUP BY c.unit
    """,
}
