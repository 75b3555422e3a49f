"""Records of letters that must not enter (密件移交): number, time, destination, recorder."""

from collections.abc import Callable

from sqlalchemy import text

from heed_intake.adapters import registration_sql as sql
from heed_intake.application.sealed_ports import HandOver, SealedCall
from heed_intake.domain.receipts import receipt_number, receipt_year
from heed_shared.database import Database, raw
from heed_shared.request_records import remember, store

_INSERT = text("""
INSERT INTO hand_over (number, region_code, received_at, recorded_at, destination_unit,
                       recorder_identity, recorder_name, recorder_unit)
VALUES (:number, :region_code, :received_at, :recorded_at, :destination_unit, :identity, :name,
        :unit)
""")


class PostgresHandOvers:
    """HandOvers, with the counters of the ordinary schema: its numbers have no gaps."""

    def __init__(self, sealed: Database, ordinary_schema: str) -> None:
        self._sealed = sealed
        self._raise_counters = sql.RAISE_COUNTERS.format(schema=ordinary_schema)

    async def record(
        self, call: SealedCall, hand_over: HandOver, answer: Callable[[str], bytes]
    ) -> bytes:
        """Give it its number; see the port. The counter is raised last but for its own row."""
        identity = call.caller.identity
        async with self._sealed.transaction() as tx:
            known = await remember(tx, identity, call.method, call.request_id, call.digest)
            if known is not None:
                return known
            driver = await raw(tx.connection)
            year = receipt_year(hand_over.recorded_at)
            (row,) = await driver.fetch(self._raise_counters, [hand_over.office], [year], [1])
            number = receipt_number(hand_over.office, year, row["last_serial"])
            recorder = hand_over.recorder
            values = {
                "number": number,
                "region_code": hand_over.region_code,
                "received_at": hand_over.received_at,
                "recorded_at": hand_over.recorded_at,
                "destination_unit": hand_over.destination_unit,
                "identity": recorder.identity,
                "name": recorder.display_name,
                "unit": recorder.unit,
            }
            await tx.connection.execute(_INSERT, values)
            response = answer(number)
            await store(tx, identity, call.method, call.request_id, response)
            await tx.commit()
        return response
