"""Counts the parts of performance figures in Postgres."""

from collections.abc import Mapping

from sqlalchemy import text

from heed_disposal.adapters.figures_sql import QUERIES
from heed_disposal.application.performance import Period
from heed_disposal.domain.figures import Parts
from heed_shared.clock import Clock
from heed_shared.database import Database


class PostgresFigureCounts:
    """Counts on the database of the service."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def parts(self, code: str, period: Period) -> Mapping[str, Parts]:
        """Return the parts of one figure by unit; "" is what no unit has yet."""
        told = {
            "region": f"{period.region_prefix}%",
            "unit": period.unit,
            "from_day": period.from_day,
            "to_day": period.to_day,
            "now": self._clock.now(),
        }
        query = text(QUERIES[code])
        known = {name: value for name, value in told.items() if f":{name}" in QUERIES[code]}
        async with self._database.read() as connection:
            rows = (await connection.execute(query, known)).all()
        return {
            row.unit: Parts(float(row.numerator), float(row.denominator), int(row.excluded))
            for row in rows
        }
