"""Deletes talks from which no petition came, some time after they began.

Nothing was registered and nobody is owed an answer, so nothing is kept of what was said. A talk in
the sealed lane stays: whether an accusation may go is for people to decide.
"""

from datetime import date, timedelta

from sqlalchemy import text

from heed_intake.domain.consultation import ConsultationState
from heed_shared import telemetry
from heed_shared.clock import day_end
from heed_shared.database import Database

_BATCH = 500
_DELETE = text(f"""
DELETE FROM consultation
 WHERE uid IN (SELECT uid FROM consultation
                WHERE state <> {ConsultationState.CONFIRMED:d} AND started_at < :started_before
                LIMIT :limit)
""")


class AbandonedTalks:
    """The daily job that deletes them."""

    def __init__(self, database: Database, days: int) -> None:
        """Keep a talk for so many days after it began."""
        self._database = database
        self._days = days

    async def work_off(self, day: date) -> None:
        """Delete what is due at the end of a day, in batches, each a transaction of its own."""
        values = {"started_before": day_end(day) - timedelta(days=self._days), "limit": _BATCH}
        count = _BATCH
        while count == _BATCH:
            async with self._database.transaction() as tx:
                count = (await tx.connection.execute(_DELETE, values)).rowcount
                await tx.commit()
            if count:
                telemetry.record("heed.intake.consultations", count, outcome="deleted")
