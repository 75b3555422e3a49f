"""Receipt numbers and progress steps in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from heed_intake.adapters.query_codes import QueryCodes
from heed_intake.application.ports import ReceiptRecord
from heed_intake.domain.petition import Lane
from heed_intake.domain.progress import Stage, Step
from heed_shared.database import Database

_RECEIPT = text("""
SELECT region_code, uid, code_hash, received_at, registered_at FROM receipt WHERE number = :number
""")
# What the petitioner did is kept with the petition, not with the steps that disposal tells anew
# after a restore. At the same moment it comes first.
_OWN = f"""
SELECT {Stage.SUPPLEMENTED:d} AS stage, added_at AS reached_at, CAST(NULL AS timestamptz) AS due_at,
       '' AS unit, 0 AS id
  FROM supplement WHERE uid = :uid
UNION ALL
SELECT {Stage.WITHDRAWN:d}, withdrawn_at, NULL, '', 0
  FROM petition WHERE uid = :uid AND withdrawn_at IS NOT NULL
"""
_STEPS = {
    Lane.ORDINARY: text(f"""
SELECT stage, reached_at, due_at, unit, id FROM progress_step WHERE uid = :uid
UNION ALL {_OWN} ORDER BY reached_at, id
"""),
    Lane.SEALED: text(f"""
SELECT CASE action WHEN 'accept' THEN {Stage.ACCEPTED:d} WHEN 'forward' THEN {Stage.ROUTED:d}
                   WHEN 'close' THEN {Stage.CLOSED:d} ELSE {Stage.ANSWERED:d} END AS stage,
       stepped_at AS reached_at, CAST(NULL AS timestamptz) AS due_at, '' AS unit, number AS id
  FROM step WHERE uid = :uid AND action IN ('accept', 'forward', 'close', 'tell')
UNION ALL {_OWN} ORDER BY reached_at, id
"""),
}


class PostgresProgress:
    """ProgressReader on the two lanes."""

    def __init__(self, ordinary: Database, sealed: Database, codes: QueryCodes) -> None:
        self._lanes = {Lane.ORDINARY: ordinary, Lane.SEALED: sealed}
        self._codes = codes

    async def receipt(self, number: str) -> ReceiptRecord | None:
        """Look a number up in both lanes; see the port."""
        found = []
        for lane, database in self._lanes.items():
            async with database.single() as connection:
                row = (await connection.execute(_RECEIPT, {"number": number})).first()
            if row is not None:
                found.append(ReceiptRecord(lane, *row))
        # In both for the moment in which it is being sealed: the ordinary one still counts.
        return found[0] if found else None

    async def steps(self, lane: Lane, uid: UUID) -> Sequence[Step]:
        """Return the steps, oldest first; see the port."""
        async with self._lanes[lane].single() as connection:
            rows = await connection.execute(_STEPS[lane], {"uid": uid})
            return [Step(Stage(row.stage), row.reached_at, row.due_at, row.unit) for row in rows]

    def code_matches(self, record: ReceiptRecord | None, query_code: str) -> bool:
        """Compare the code; see the port."""
        if record is None:
            return self._codes.matches(None, None, query_code)
        return self._codes.matches(record.uid, record.code_hash, query_code)
