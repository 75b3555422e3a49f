"""Reads what a report of retaliation takes over from the petition that it is about."""

from uuid import UUID

from sqlalchemy import text

from heed_intake.adapters.key_ring import KeyRing
from heed_intake.adapters.personal_data import CONTACTS, read_persons
from heed_intake.adapters.petition_rows import key_of
from heed_intake.adapters.sealed_rows import accused_of_row
from heed_intake.adapters.sealed_store import added_names, one_row
from heed_intake.application.ports import ReceiptRecord
from heed_intake.application.report_retaliation import ReportedPetition
from heed_intake.domain.petition import Lane, Person
from heed_intake.domain.sealed_case import Accused
from heed_shared.database import Database

_ORDINARY = text("""
SELECT uid, key_id, wrapped_key, original, contacts, NULL AS accused
  FROM petition WHERE uid = :uid
""")
_SEALED = text("""
SELECT uid, key_id, wrapped_key, original, contacts, accused
  FROM petition WHERE uid = :uid
""")
_HANDLED_BY = text("""
SELECT unit FROM progress_step WHERE uid = :uid AND unit <> '' ORDER BY reached_at, id
""")


class PostgresReportedPetitions:
    """ReportedPetitions on the two lanes."""

    def __init__(
        self, ordinary: Database, sealed: Database, ring: KeyRing, sealed_ring: KeyRing
    ) -> None:
        self._ordinary = ordinary
        self._sealed = sealed
        self._rings = {Lane.ORDINARY: ring, Lane.SEALED: sealed_ring}

    async def reported(self, record: ReceiptRecord) -> ReportedPetition | None:
        """Read it in the lane of the receipt; see the port.

        A sealed petition was sent to who examines it, which is not whom it complains of. The code
        opened the petition, so the caller's region closes nothing here.
        """
        sealed = record.lane is Lane.SEALED
        database = self._sealed if sealed else self._ordinary
        async with database.single() as connection:
            row = await one_row(connection, _SEALED if sealed else _ORDINARY, record.uid)
            if row is None:
                return None
            added = await added_names(connection, record.uid) if sealed else []
        handled_by = () if sealed else await self._handled_by(record.uid)
        if not row["wrapped_key"]:
            # Erased since: nothing is known but who handled it.
            return ReportedPetition(Person(), Accused(), handled_by)
        data_key = key_of(row, self._rings[record.lane])
        contacts = row["contacts"]
        persons = read_persons(data_key.decrypt(CONTACTS, contacts)) if contacts else ()
        return ReportedPetition(
            petitioner=persons[0] if persons else Person(),
            accused=accused_of_row(row, added, data_key),
            handled_by=handled_by,
        )

    async def _handled_by(self, uid: UUID) -> tuple[str, ...]:
        async with self._ordinary.single() as connection:
            return tuple((await connection.execute(_HANDLED_BY, {"uid": uid})).scalars())
