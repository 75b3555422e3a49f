"""Counts the parts of performance figures in Postgres, all of them in one snapshot."""

from collections.abc import Mapping, Sequence

from sqlalchemy import text

from heed_disposal.adapters.figures_sql import QUERIES
from heed_disposal.application.performance import Period
from heed_disposal.domain.figures import Parts
from heed_shared.clock import Clock, day_end, day_start
from heed_shared.database import Database


class PostgresFigureCounts:
    """Counts on the database of the service."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def parts(
        self, codes: Sequence[str], period: Period
    ) -> Mapping[str, Mapping[str, Parts]]:
        """Return the parts of figures by code and unit, all as of one moment.

        Figures that a case moves between are counted in one snapshot: read one after the other they
        would count it twice, or not at all.
        """
        told = {
            "region": f"{period.region_prefix}%",
            "unit": period.unit,
            "from_day": period.from_day,
            "to_day": period.to_day,
            "begins_at": day_start(period.from_day),
            "ends_at": day_end(period.to_day),
            "now": self._clock.now(),
        }
        found: dict[str, dict[str, Parts]] = {}
        async with self._database.read(one_moment=True) as connection:
            for code in codes:
                query = QUERIES[code]
                known = {name: value for name, value in told.items() if f":{name}" in query}
                rows = (await connection.execute(text(query), known)).all()
                found[code] = {
                    row.unit: Parts(float(row.numerator), float(row.denominator), int(row.excluded))
                    for row in rows
                }
        return found
