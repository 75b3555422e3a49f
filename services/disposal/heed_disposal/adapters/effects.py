"""Compares cases with and without a playbook's measure, in one query over what is stored."""

from typing import Any

from sqlalchemy import Row, text

from heed_disposal.application.effects import Course, EffectFilter, PlaybookEffect
from heed_disposal.domain.terms import MeasureKind
from heed_shared.database import Database

# Status 4 is COMPLETED. Follow-up results 1 to 5 say something of the problem, 1 that it is solved;
# unreachable and declined say nothing.
_QUERY = text(
    """
    WITH chosen AS (
        SELECT region, uid, track, category_code,
            extract(epoch FROM concluded_at - opened_at) / 86400 AS days
        FROM cases
        WHERE handling_region LIKE :region AND opened_at >= :begin AND opened_at < :end
    ), done AS (
        SELECT m.region, m.uid, m.playbook, m.kind, m.effect, c.track, c.category_code
        FROM case_measure m JOIN chosen c USING (region, uid)
        WHERE m.status = 4
    ), counted AS (
        SELECT playbook, kind, count(*) AS completed,
            count(*) FILTER (WHERE effect = 1) AS solved,
            count(*) FILTER (WHERE effect = 2) AS partly,
            count(*) FILTER (WHERE effect IN (3, 4)) AS none
        FROM done GROUP BY playbook, kind
    ), asked AS (
        SELECT region, uid, count(*) FILTER (WHERE result = 1) AS good, count(*) AS answers
        FROM case_follow_up WHERE result BETWEEN 1 AND 5 GROUP BY region, uid
    ), compared AS (
        SELECT g.playbook, g.kind, c.days, a.good, a.answers,
            EXISTS (
                SELECT FROM done d
                WHERE d.region = c.region AND d.uid = c.uid
                    AND d.playbook = g.playbook AND d.kind = g.kind
            ) AS treated
        FROM (SELECT DISTINCT playbook, kind, track, category_code FROM done) g
        JOIN chosen c USING (track, category_code)
        LEFT JOIN asked a USING (region, uid)
    ), courses AS (
        SELECT playbook, kind,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE treated) AS days_with,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE NOT treated)
                AS days_without,
            sum(good) FILTER (WHERE treated) / sum(answers) FILTER (WHERE treated) AS share_with,
            sum(good) FILTER (WHERE NOT treated) / sum(answers) FILTER (WHERE NOT treated)
                AS share_without
        FROM compared GROUP BY playbook, kind
    )
    SELECT * FROM counted JOIN courses USING (playbook, kind) ORDER BY playbook, kind
    """
)


class PostgresEffects:
    """Compares on the database of the service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def compare(self, wanted: EffectFilter) -> list[PlaybookEffect]:
        """Return one entry for each playbook and kind of measure that was completed."""
        told = {
            "region": f"{wanted.region_prefix}%",
            "begin": wanted.begin,
            "end": wanted.end,
        }
        async with self._database.read() as connection:
            rows = (await connection.execute(_QUERY, told)).all()
        return [_effect(row) for row in rows]


def _effect(row: Row[Any]) -> PlaybookEffect:
    return PlaybookEffect(
        playbook=row.playbook,
        kind=MeasureKind(row.kind),
        completed=row.completed,
        solved=row.solved,
        partly=row.partly,
        none=row.none,
        with_it=Course(_number(row.days_with), _number(row.share_with)),
        without=Course(_number(row.days_without), _number(row.share_without)),
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
