"""Stores registrations in Postgres: request ids, petitions, events and numbers in one transaction.

The order matters: request ids first, so that a repeated call waits for the first and then stands
back; counters last, so that the row of a busy office is locked for the shortest time.
"""

import hmac
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from heed.intake.v1.events_pb2 import PetitionEvent

from heed_intake.adapters import registration_sql as sql
from heed_intake.adapters.key_ring import KeyRing
from heed_intake.adapters.petition_rows import (
    key_of,
    ordinary_rows,
    sealed_petition,
    sealed_rows,
    whole_petition,
)
from heed_intake.adapters.query_codes import QueryCodes
from heed_intake.adapters.request_ids import METHOD, KeptResponse, RequestIds
from heed_intake.application.ports import Draft, RequestKey, StorageRefusedError
from heed_intake.domain.petition import Lane, Registration, State
from heed_intake.domain.receipts import receipt_number, receipt_year
from heed_shared import audit, telemetry
from heed_shared.database import Database, Transaction, raw
from heed_shared.errors import Conflict
from heed_shared.feed import NewEvent
from heed_shared.ids import etag_of, petition_name

FEED = "intake.petitions"


class PostgresRegistrations:
    """RegistrationStore on the two lanes of the database."""

    def __init__(
        self,
        ordinary: Database,
        sealed: Database,
        ring: KeyRing,
        sealed_ring: KeyRing,
        codes: QueryCodes,
        request_ids: RequestIds,
    ) -> None:
        self._databases = {Lane.ORDINARY: ordinary, Lane.SEALED: sealed}
        self._rings = {Lane.ORDINARY: ring, Lane.SEALED: sealed_ring}
        self._codes = codes
        self._request_ids = request_ids
        self._insert_requests = sql.INSERT_REQUESTS.format(schema=ordinary.schema)
        self._raise_counters = sql.RAISE_COUNTERS.format(schema=ordinary.schema)
        self._recall = sql.RECALL.format(schema=ordinary.schema)

    async def insert(self, lane: Lane, drafts: Sequence[Draft]) -> Mapping[RequestKey, str]:
        """Store the drafts whose request_id is new; see the port."""
        try:
            async with self._databases[lane].transaction() as tx:
                numbers = await self._insert(tx, lane, drafts)
                await tx.commit()
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise StorageRefusedError from error
        for draft in drafts:
            if draft.key in numbers:
                telemetry.record(
                    "heed.intake.registered", 1, channel=draft.petition.channel.name.lower()
                )
        return numbers

    async def recall(self, drafts: Sequence[Draft]) -> Mapping[RequestKey, Registration | None]:
        """Return what earlier calls gave; see the port."""
        records = await self._records([draft.key for draft in drafts])
        uids = [kept.uid for _, kept in records.values()]
        async with self._databases[Lane.ORDINARY].read() as connection:
            ordinary = await ordinary_rows(connection, uids)
        sealed = {}
        if missing := [uid for uid in uids if uid not in ordinary]:
            async with self._databases[Lane.SEALED].read() as connection:
                sealed = await sealed_rows(connection, missing)
        recalled: dict[RequestKey, Registration | None] = {}
        for draft in drafts:
            if draft.key not in records:
                # Its record was purged between the two looks.
                raise Conflict
            digest, kept = records[draft.key]
            same = hmac.compare_digest(digest, self._request_ids.digest(draft.digest))
            recalled[draft.key] = self._registration(kept, ordinary, sealed) if same else None
        return recalled

    async def _insert(
        self, tx: Transaction, lane: Lane, drafts: Sequence[Draft]
    ) -> dict[RequestKey, str]:
        driver = await raw(tx.connection)
        keys = sql.new_keys(drafts, self._rings[lane])
        taken = await driver.fetch(
            self._insert_requests,
            [draft.key.caller for draft in drafts],
            [draft.key.request_id for draft in drafts],
            [self._request_ids.digest(draft.digest) for draft in drafts],
            [
                self._request_ids.written(draft, key)
                for draft, (key, _) in zip(drafts, keys, strict=True)
            ],
            METHOD,
        )
        new = {RequestKey(row["caller"], row["request_id"]) for row in taken}
        pairs = [pair for pair in zip(drafts, keys, strict=True) if pair[0].key in new]
        if not pairs:
            return {}
        chosen, chosen_keys = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        if lane is Lane.ORDINARY:
            await driver.execute(sql.INSERT_ORDINARY, *sql.ordinary_columns(chosen, chosen_keys))
            await tx.publish([_registered(draft) for draft in chosen])
        else:
            await driver.execute(sql.INSERT_SEALED, *sql.sealed_columns(chosen, chosen_keys))
        await tx.record(_entries(chosen))
        return await self._number(driver, chosen)

    async def _number(self, driver: Any, drafts: Sequence[Draft]) -> dict[RequestKey, str]:
        """Raise the counters and store the receipts; the last thing before the commit."""
        offices = [
            (draft.petition.office, receipt_year(draft.petition.registered_at)) for draft in drafts
        ]
        added = Counter(offices)
        rows = await driver.fetch(
            self._raise_counters,
            [office for office, _ in added],
            [year for _, year in added],
            list(added.values()),
        )
        last = {(row["office"], row["year"]): row["last_serial"] for row in rows}
        following = {office: last[office] - count + 1 for office, count in added.items()}
        numbers = []
        for office in offices:
            numbers.append(receipt_number(*office, following[office]))
            following[office] += 1
        petitions = [draft.petition for draft in drafts]
        await driver.execute(
            sql.INSERT_RECEIPTS,
            numbers,
            [petition.uid for petition in petitions],
            [petition.region_code for petition in petitions],
            [self._codes.hashed(draft.petition.uid, draft.query_code) for draft in drafts],
            [petition.received_at for petition in petitions],
            [petition.registered_at for petition in petitions],
        )
        return {draft.key: number for draft, number in zip(drafts, numbers, strict=True)}

    async def _records(
        self, keys: Sequence[RequestKey]
    ) -> dict[RequestKey, tuple[bytes, KeptResponse]]:
        async with self._databases[Lane.ORDINARY].read() as connection:
            driver = await raw(connection)
            rows = await driver.fetch(
                self._recall,
                METHOD,
                [key.caller for key in keys],
                [key.request_id for key in keys],
            )
        records = {}
        for row in rows:
            request = RequestKey(row["caller"], row["request_id"])
            kept = self._request_ids.read(request, row["response"])
            records[request] = (row["digest"], kept)
        return records

    def _registration(
        self, kept: KeptResponse, ordinary: Mapping[Any, Any], sealed: Mapping[Any, Any]
    ) -> Registration:
        if row := ordinary.get(kept.uid):
            ring = self._rings[Lane.ORDINARY]
            return Registration(whole_petition(row, ring), kept.code(key_of(row, ring)))
        if row := sealed.get(kept.uid):
            # Whoever repeats the call learns no more than from the first: not that it was sealed.
            key = key_of(row, self._rings[Lane.SEALED])
            return Registration(sealed_petition(row, key, State.REGISTERED), kept.code(key))
        raise Conflict


def _entries(drafts: Sequence[Draft]) -> list[audit.Pending]:
    """Return the entries of the audit, which do not tell in which lane a petition is."""
    entries = []
    for draft in drafts:
        if draft.entry is not None:
            draft.entry.resource = petition_name(draft.petition.region_code, draft.petition.uid)
            entries.append(draft.entry)
    return entries


def _registered(draft: Draft) -> NewEvent:
    petition = draft.petition
    name = petition_name(petition.region_code, petition.uid)
    return NewEvent(
        feed=FEED,
        subject=name,
        region_code=petition.handling_region_code,
        etag=etag_of(petition.version),
        recorded_at=petition.registered_at,
        payload=PetitionEvent(kind=PetitionEvent.KIND_REGISTERED, petition=name),
        traceparent=draft.traceparent,
    )
