"""The chain finds what was altered, removed, moved or rewritten, whoever did it."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
from heed.audit.v1 import audit_service_pb2 as audit_pb
from heed.audit.v1.audit_service_pb2 import ChainFault
from heed.common.v1.access_pb2 import ROLE_CASE_OFFICER

from heed_local.postgres import Cluster
from heed_shared.audit import Pending
from heed_shared.audit.sealing import Sealer, Tail, link_digest
from heed_shared.audit.verifying import Fault, Verdict, verify
from heed_shared.database import Database
from heed_shared.identity import Caller

CALLER = Caller("staff/7", "某人", "某单位", frozenset({ROLE_CASE_OFFICER}), "1101")


def looked(number: int = 1) -> Pending:
    return Pending(
        caller=CALLER,
        action=audit_pb.AUDIT_ACTION_VIEW,
        method="heed.disposal.v1.DisposalService/GetCase",
        resource=f"cases/110101-{uuid.UUID(int=number)}",
        trace_id=f"{number:032x}",
    )


async def write(database: Database, count: int) -> None:
    async with database.transaction() as tx:
        await tx.record([looked(number) for number in range(1, count + 1)])
        await tx.commit()


async def seal(database: Database, tail: Tail | None = None) -> Tail:
    lease = await database.dedicated()
    try:
        return await Sealer(database).seal(lease, tail or Tail())
    finally:
        await lease.close()


@pytest.fixture
async def sealed(database: Database) -> Database:
    """Twelve entries in the chain."""
    await write(database, 12)
    await seal(database)
    return database


@pytest.fixture
async def admin(cluster: Cluster, database: Database) -> AsyncIterator[asyncpg.Connection]:
    """The superuser, who can do what no role of a service can."""
    connection = await asyncpg.connect(
        cluster.url(database.url.rpartition("/")[2]),
        server_settings={"search_path": database.schema},
    )
    yield connection
    await connection.close()


async def test_a_chain_is_intact_and_tells_its_end(sealed: Database) -> None:
    await write(sealed, 3)
    verdict = await verify(sealed)
    assert (verdict.fault, verdict.checked, verdict.last_position) == (None, 12, 12)
    assert verdict.unsealed == 3
    again = await verify(sealed, 13, verdict.last_digest)
    assert (again.fault, again.checked) == (None, 0)


async def test_an_empty_chain_is_intact(database: Database) -> None:
    assert await verify(database) == Verdict(0, 0, bytes(32), 0, None)


async def test_a_chain_longer_than_a_part_is_checked_to_its_end(
    sealed: Database, admin: asyncpg.Connection
) -> None:
    for _ in range(3):
        await write(sealed, 400)
    tail = await admin.fetchrow("SELECT position, seq, digest FROM audit_chain WHERE position = 12")
    await seal(sealed, Tail(*tail))
    assert (await verify(sealed)).checked == 1212
    await admin.execute("UPDATE audit_entry SET actor = 'staff/8' WHERE seq = 1101")
    assert (await verify(sealed)).fault == Fault(
        ChainFault.KIND_ALTERED, 1101, await entry_id(admin, 1101)
    )


async def entry_id(admin: asyncpg.Connection, seq: int) -> str:
    return str(await admin.fetchval("SELECT id FROM audit_entry WHERE seq = $1", seq))


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'staff/8'",
        "actor_name = '别人'",
        "unit = '别处'",
        "roles = '{}'",
        "action = 3",
        "method = 'x/Y'",
        "resource = ''",
        "region_code = '320000'",
        "purpose = '无'",
        "legal_basis = '无'",
        "result_count = 5",
        "trace_id = ''",
        "done_at = done_at + interval '1 microsecond'",
        "digest = sha256('x')",
        "id = gen_random_uuid()",
    ],
)
async def test_any_field_that_was_altered_is_found(
    sealed: Database, admin: asyncpg.Connection, change: str
) -> None:
    await admin.execute(f"UPDATE audit_entry SET {change} WHERE seq = 5")
    fault = (await verify(sealed)).fault
    assert fault == Fault(ChainFault.KIND_ALTERED, 5, await entry_id(admin, 5))


async def test_an_alteration_with_a_fitting_digest_is_found(
    sealed: Database, admin: asyncpg.Connection
) -> None:
    # The entry of place 5 gets content and digest of another one, but keeps its identity.
    forged = looked(99).entry()
    await admin.execute(
        "UPDATE audit_entry SET resource = $1, digest = $2 WHERE seq = 5",
        forged.resource,
        forged.digest(),
    )
    fault = (await verify(sealed)).fault
    assert fault is not None
    assert (fault.kind, fault.position) == (ChainFault.KIND_ALTERED, 5)


@pytest.mark.parametrize(
    ("tamper", "position"),
    [
        ("DELETE FROM audit_entry WHERE seq = 5", 5),
        ("DELETE FROM audit_chain WHERE position = 5", 5),
        ("DELETE FROM audit_chain WHERE position = 1", 1),
        ("WITH x AS (DELETE FROM audit_entry WHERE seq = 5)"
         " DELETE FROM audit_chain WHERE position = 5", 5),
        ("DELETE FROM audit_entry WHERE seq = 12", 12),
        ("TRUNCATE audit_entry", 1),
    ],
)  # fmt: skip
async def test_what_was_removed_is_found_at_its_place(
    sealed: Database, admin: asyncpg.Connection, tamper: str, position: int
) -> None:
    await admin.execute(tamper)
    assert (await verify(sealed)).fault == Fault(ChainFault.KIND_REMOVED, position)


async def test_an_end_that_was_cut_off_is_found_by_who_knows_it(
    sealed: Database, admin: asyncpg.Connection
) -> None:
    known = (await verify(sealed)).last_digest
    await admin.execute("DELETE FROM audit_entry WHERE seq > 10")
    await admin.execute("DELETE FROM audit_chain WHERE position > 10")
    assert (await verify(sealed)).fault is None, "nobody can see it from what is left"
    assert (await verify(sealed, 13, known)).fault == Fault(ChainFault.KIND_REMOVED, 11)


async def swap(admin: asyncpg.Connection, table: str, key: str, columns: str) -> None:
    """Exchange the content of rows 4 and 7."""
    await admin.execute(
        f"UPDATE {table} AS a SET ({columns}) ="
        f" (SELECT {columns} FROM {table} AS b WHERE b.{key} = 11 - a.{key})"
        f" WHERE a.{key} IN (4, 7)"
    )


async def test_entries_that_changed_places_are_found(
    sealed: Database, admin: asyncpg.Connection
) -> None:
    moved = await entry_id(admin, 7)
    columns = await admin.fetchval(
        "SELECT string_agg(column_name, ', ') FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = 'audit_entry'"
        " AND column_name <> 'seq'"
    )
    await swap(admin, "audit_entry", "seq", columns)
    assert (await verify(sealed)).fault == Fault(ChainFault.KIND_REORDERED, 4, moved)


async def test_places_of_the_chain_that_were_exchanged_are_found(
    sealed: Database, admin: asyncpg.Connection
) -> None:
    await admin.execute("ALTER TABLE audit_chain DROP CONSTRAINT audit_chain_seq_key")
    await swap(admin, "audit_chain", "position", "seq, entry_id, entry_digest, digest")
    fault = (await verify(sealed)).fault
    assert fault is not None
    assert fault.kind in (ChainFault.KIND_REORDERED, ChainFault.KIND_REWRITTEN)
    assert fault.position in (4, 5)


async def test_a_link_that_was_edited_is_found(sealed: Database, admin: asyncpg.Connection) -> None:
    await admin.execute("UPDATE audit_chain SET digest = sha256('x') WHERE position = 6")
    fault = (await verify(sealed)).fault
    assert fault == Fault(ChainFault.KIND_REWRITTEN, 6, await entry_id(admin, 6))


async def test_a_chain_that_was_rewritten_as_a_whole_is_found_by_the_digest_that_was_kept(
    sealed: Database, admin: asyncpg.Connection
) -> None:
    kept = (await verify(sealed)).last_digest
    await admin.execute("DELETE FROM audit_entry WHERE seq = 5")
    await admin.execute("TRUNCATE audit_chain")
    await seal(sealed)
    await write(sealed, 1)
    tail = await admin.fetchrow("SELECT position, seq, digest FROM audit_chain WHERE position = 11")
    await seal(sealed, Tail(*tail))
    assert (await verify(sealed)).fault is None, "the new chain fits what is left"
    assert (await verify(sealed, 13, kept)).fault == Fault(ChainFault.KIND_REWRITTEN, 12)


async def test_an_entry_that_was_slipped_in_is_found(
    database: Database, admin: asyncpg.Connection
) -> None:
    await write(database, 2)
    async with database.transaction() as given_up:
        await given_up.record([looked(3)])
    await write(database, 2)
    await seal(database)
    columns = (
        "xid, id, done_at, actor, actor_name, unit, roles, action, method, resource, region_code,"
        " purpose, legal_basis, result_count, trace_id, digest"
    )
    await admin.execute(
        f"INSERT INTO audit_entry (seq, {columns}) OVERRIDING SYSTEM VALUE"
        f" SELECT 3, {columns} FROM audit_entry WHERE seq = 1"
    )
    fault = (await verify(database)).fault
    assert fault is not None
    assert (fault.kind, fault.entry_id) == (ChainFault.KIND_REWRITTEN, await entry_id(admin, 3))


async def test_the_digest_of_a_place_covers_all_that_is_before_it() -> None:
    one, other = looked(1).entry(), looked(2).entry()
    first = link_digest(bytes(32), 1, one.id, one.digest())
    assert first != link_digest(bytes(32), 1, other.id, other.digest())
    assert first != link_digest(first, 1, one.id, one.digest())
    assert first != link_digest(bytes(32), 2, one.id, one.digest())


async def test_a_write_that_is_not_finished_holds_back_the_chain_and_loses_no_place(
    own_database: Database,
) -> None:
    async with own_database.transaction() as slow:
        await slow.record([looked(1)])
        await write(own_database, 2)
        tail = await seal(own_database)
        assert tail == Tail(), "a smaller number may still appear"
        await slow.commit()
    tail = await seal(own_database)
    assert tail.position == 3
    verdict = await verify(own_database)
    assert (verdict.fault, verdict.checked, verdict.unsealed) == (None, 3, 0)


async def test_a_write_that_was_given_up_leaves_no_gap(database: Database) -> None:
    async with database.transaction() as given_up:
        await given_up.record([looked(1)])
    await write(database, 2)
    assert (await seal(database)).position == 2
    assert (await verify(database)).fault is None


async def test_of_several_replicas_one_seals_and_another_goes_on(database: Database) -> None:
    stops = [asyncio.Event(), asyncio.Event()]
    tasks = [asyncio.create_task(Sealer(database).run(stop)) for stop in stops]
    await write(database, 5)
    await until_sealed(database, 5)
    stops[0].set()
    await tasks[0]
    await write(database, 4)
    await until_sealed(database, 9)
    stops[1].set()
    await tasks[1]
    assert (await verify(database)).fault is None


async def until_sealed(database: Database, position: int) -> None:
    for _ in range(100):
        if (await verify(database)).last_position == position:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"not sealed up to {position}")
