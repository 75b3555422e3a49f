"""The sealed lane in Postgres: its cases, their content and the steps that people take.

Everything here runs with the role of the lane in its own schema, request ids included.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_intake.adapters.key_ring import KeyRing
from heed_intake.adapters.petition_rows import key_of
from heed_intake.adapters.sealed_rows import (
    CASE_COLUMNS,
    NEVER,
    accused_of_row,
    added_accused,
    case_of,
    content_of,
    due_of,
)
from heed_intake.application.sealed_ports import (
    Decide,
    SealedCall,
    SealedContent,
    SealedFilter,
    SealedPosition,
    SealedStep,
)
from heed_intake.domain.sealed_case import Accused, SealedAction, SealedCase, SealedState
from heed_intake.domain.sealed_clocks import SealedClocks
from heed_shared import audit
from heed_shared.database import Database, Transaction
from heed_shared.identity import Caller
from heed_shared.request_records import remember, store

_UNDATED_BATCH = 500
_UNDATED = text("""
SELECT uid, state, anonymous, received_at, registered_at, sealed_at, withdrawn_at, closed_at
  FROM petition WHERE NOT dated ORDER BY uid LIMIT :limit FOR UPDATE SKIP LOCKED
""")
_DATE = text("UPDATE petition SET due_rule = :rule, due_at = :at, dated = true WHERE uid = :uid")
_LIST = f"""
SELECT {CASE_COLUMNS}
  FROM petition JOIN receipt USING (uid)
 WHERE starts_with(petition.handling_region_code, :prefix){{more}}
 ORDER BY petition.due_at, petition.uid LIMIT :limit
"""
_AFTER = " AND (petition.due_at, petition.uid) > (:due_at, :uid)"
_IN_STATE = " AND petition.state = :state"
_TAKEN_BACK = {
    SealedState.SEALED: " AND petition.withdrawn_at IS NULL",
    SealedState.WITHDRAWN: " AND petition.withdrawn_at IS NOT NULL",
}
_ONE = f"""
SELECT {CASE_COLUMNS}, petition.key_id, petition.wrapped_key, petition.original,
       petition.contacts, petition.accused, petition.sealing_reason
  FROM petition JOIN receipt USING (uid)
 WHERE petition.uid = :uid
"""
_GET = text(_ONE)
LOCKED = text(f"{_ONE} FOR UPDATE OF petition")
_ADDED = text("SELECT names FROM accused WHERE uid = :uid ORDER BY number")
_SUPPLEMENTS = text("SELECT original FROM supplement WHERE uid = :uid ORDER BY number")
_CHANGE = text("""
UPDATE petition
   SET state = :state, version = version + 1, due_rule = :rule, due_at = :due_at, dated = true,
       destination_unit = coalesce(nullif(:unit, ''), destination_unit),
       closed_at = coalesce(:closed_at, closed_at)
 WHERE uid = :uid
""")
_ADD_STEP = text("""
INSERT INTO step (uid, number, action, state, stepped_at, actor, note)
SELECT :uid, coalesce(max(number), 0) + 1, :action, :state, :stepped_at, :actor, :note
  FROM step WHERE uid = :uid
""")
_ADD_ACCUSED = text("""
INSERT INTO accused (uid, number, names)
SELECT :uid, coalesce(max(number), 0) + 1, :names FROM accused WHERE uid = :uid
""")
_STEP = "step"
_NOTE = "note"


class PostgresSealedStore:
    """SealedStore."""

    def __init__(self, sealed: Database, ring: KeyRing, clocks: SealedClocks) -> None:
        self._sealed = sealed
        self._ring = ring
        self._clocks = clocks

    async def list(
        self, which: SealedFilter, after: SealedPosition | None, limit: int
    ) -> tuple[Sequence[SealedCase], SealedPosition | None]:
        """Return petitions, what burns first; see the port."""
        # Its commits are no part of what the caller asked for, so the entry of the audit waits.
        await asyncio.create_task(self._date_new())
        values: dict[str, Any] = {"prefix": which.region_prefix, "limit": limit + 1}
        more = ""
        if which.state is not None:
            taken_back = which.state is SealedState.WITHDRAWN
            values["state"] = int(SealedState.SEALED if taken_back else which.state)
            more += _IN_STATE + _TAKEN_BACK.get(which.state, "")
        if after is not None:
            values |= {"due_at": after.due_at, "uid": after.uid}
            more += _AFTER
        async with self._sealed.read() as connection:
            result = await connection.execute(text(_LIST.format(more=more)), values)
            rows = [dict(row) for row in result.mappings()]
        end = None
        if len(rows) > limit:
            last = rows[limit - 1]
            end = SealedPosition(last["due_at"], last["uid"])
        return [case_of(row, self._clocks) for row in rows[:limit]], end

    async def get(self, uid: UUID) -> SealedCase | None:
        """Return a petition without its content, or None."""
        async with self._sealed.read() as connection:
            row = await one_row(connection, _GET, uid)
        return case_of(row, self._clocks) if row else None

    async def content(self, uid: UUID) -> SealedContent | None:
        """Return what was written, or None."""
        async with self._sealed.read() as connection:
            row = await one_row(connection, _GET, uid)
            if row is None:
                return None
            added = await added_names(connection, uid)
            texts = list((await connection.execute(_SUPPLEMENTS, {"uid": uid})).scalars())
        return content_of(row, added, texts, key_of(row, self._ring))

    async def change(
        self,
        call: SealedCall,
        uid: UUID,
        decide: Decide,
        answer: Callable[[SealedCase], bytes],
    ) -> bytes:
        """Take a step under the petition's lock; see the port."""
        identity = call.caller.identity
        async with self._sealed.transaction() as tx:
            known = await remember(tx, identity, call.method, call.request_id, call.digest)
            if known is not None:
                return known
            row = await one_row(tx.connection, LOCKED, uid)
            if row is None:
                decide(None, Accused())
                raise AssertionError("what is not there was decided on")
            key = key_of(row, self._ring)
            accused = accused_of_row(row, await added_names(tx.connection, uid), key)
            step = decide(case_of(row, self._clocks), accused)
            await self._write(tx, row, step, call.caller)
            after = await one_row(tx.connection, _GET, uid)
            assert after is not None, "the row that was changed is gone"
            response = answer(case_of(after, self._clocks))
            await store(tx, identity, call.method, call.request_id, response)
            await tx.commit()
        return response

    async def _write(
        self, tx: Transaction, row: dict[str, Any], step: SealedStep, caller: Caller
    ) -> None:
        uid, key = row["uid"], key_of(row, self._ring)
        closed_at = step.stepped_at if step.action is SealedAction.CLOSE else None
        present = row | {"state": int(step.stage), "closed_at": closed_at or row["closed_at"]}
        due = due_of(present, self._clocks)
        changed = {
            "uid": uid,
            "state": int(step.stage),
            "rule": due.rule if due else "",
            "due_at": due.due_at if due else NEVER,
            "unit": step.destination_unit,
            "closed_at": closed_at,
        }
        await tx.connection.execute(_CHANGE, changed)
        deed = {
            "uid": uid,
            "action": step.action.value,
            "state": int(step.stage),
            "stepped_at": step.stepped_at,
            "actor": key.encrypt(_STEP, actor_text(caller)),
            "note": key.encrypt(_NOTE, step.note.encode()) if step.note else None,
        }
        await tx.connection.execute(_ADD_STEP, deed)
        if step.action is SealedAction.ADD_ACCUSED:
            names = added_accused(step.accused, key)
            await tx.connection.execute(_ADD_ACCUSED, {"uid": uid, "names": names})

    async def _date_new(self) -> None:
        """Work out the due dates of what came in since; registration knows nothing of clocks."""
        audit.detach()
        while True:
            async with self._sealed.transaction() as tx:
                result = await tx.connection.execute(_UNDATED, {"limit": _UNDATED_BATCH})
                rows = [dict(row) for row in result.mappings()]
                dues = {row["uid"]: due_of(row, self._clocks) for row in rows}
                dates = [
                    {
                        "uid": uid,
                        "rule": due.rule if due else "",
                        "at": due.due_at if due else NEVER,
                    }
                    for uid, due in dues.items()
                ]
                if dates:
                    await tx.connection.execute(_DATE, dates)
                    await tx.commit()
            if len(rows) < _UNDATED_BATCH:
                return


async def one_row(connection: AsyncConnection, query: Any, uid: UUID) -> dict[str, Any] | None:
    """Return the row of a petition, or None."""
    found = (await connection.execute(query, {"uid": uid})).mappings().first()
    return {str(name): value for name, value in found.items()} if found else None


async def added_names(connection: AsyncConnection, uid: UUID) -> list[bytes]:
    """Return the encrypted accused that somebody added to a petition, in order."""
    return list((await connection.execute(_ADDED, {"uid": uid})).scalars())


def actor_text(caller: Caller) -> bytes:
    """Return who did something as it is written before it is encrypted."""
    return json.dumps(
        [caller.identity, caller.display_name, caller.unit], ensure_ascii=False
    ).encode()
