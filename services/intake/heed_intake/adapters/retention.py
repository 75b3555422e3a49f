"""Erases contacts some time after the handling has ended: nobody needs them to answer any more.

How long is for the archives authority to say, so there is no period by default. The wording stays
in the archive; contacts, agents and needs go, and a tombstone says so.
"""

from datetime import date, timedelta

from sqlalchemy import text

from heed_intake.domain.progress import Stage
from heed_shared import telemetry
from heed_shared.clock import day_end
from heed_shared.database import Database

_BATCH = 500
# The last step is an end, so a petition that was taken up again waits for its next end.
_ERASE = text(f"""
WITH ended AS (
    SELECT petition.region_code, petition.uid
      FROM petition
     WHERE petition.contacts IS NOT NULL
       AND COALESCE(petition.withdrawn_at,
                    (SELECT CASE WHEN step.stage IN ({Stage.CLOSED:d}, {Stage.ANSWERED:d})
                                 THEN step.reached_at END
                       FROM progress_step AS step WHERE step.uid = petition.uid
                      ORDER BY step.reached_at DESC, step.id DESC LIMIT 1)) < :ended_before
     LIMIT :limit
), erased AS (
    UPDATE petition SET contacts = NULL, details = NULL, version = version + 1
      FROM ended
     WHERE petition.region_code = ended.region_code AND petition.uid = ended.uid
    RETURNING petition.uid, petition.region_code
)
INSERT INTO erasure (uid, kind, region_code, erased_at, erased_by, reason, legal_basis)
SELECT uid, 'contacts', region_code, :now, 'service/intake', :reason, :legal_basis FROM erased
ON CONFLICT DO NOTHING
""")


class Retention:
    """The daily job that erases contacts of petitions that ended long enough ago."""

    def __init__(self, database: Database, days: int) -> None:
        """Keep contacts for so many days after the end."""
        self._database = database
        self._days = days

    async def work_off(self, day: date) -> None:
        """Erase what is due at the end of a day, in batches, each a transaction of its own."""
        now = day_end(day)
        values = {
            "ended_before": now - timedelta(days=self._days),
            "now": now,
            "limit": _BATCH,
            "reason": f"办结满{self._days}日",
            "legal_basis": "个人信息保护法第十九条、第四十七条",
        }
        count = _BATCH
        while count == _BATCH:
            async with self._database.transaction() as tx:
                count = (await tx.connection.execute(_ERASE, values)).rowcount
                await tx.commit()
            if count:
                telemetry.record("heed.intake.erasures", count, kind="contacts")
