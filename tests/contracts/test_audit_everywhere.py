"""Every service has the audit, and its roles can do no more with it than add and read."""

from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from heed_local.service_databases import SCHEMAS
from tests.database_templates import MadeDatabase

ROOT = Path(__file__).parents[2]
RIGHTS = """
SELECT table_name, string_agg(DISTINCT privilege_type, ',' ORDER BY privilege_type)
  FROM (SELECT relname AS table_name, privilege_type
          FROM pg_class, aclexplode(relacl)
         WHERE oid IN ('audit_entry'::regclass, 'audit_chain'::regclass)
           AND grantee = current_user::regrole) AS given
 GROUP BY table_name
 ORDER BY table_name
"""
FORBIDDEN = (
    "UPDATE audit_entry SET actor = 'x'",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "UPDATE audit_chain SET seq = 1",
    "DELETE FROM audit_chain",
    "TRUNCATE audit_chain",
    "ALTER TABLE audit_entry ADD COLUMN x text",
    "DROP TABLE audit_entry",
    "INSERT INTO audit_entry (xid) VALUES ('1')",
    "SELECT setval('audit_entry_seq_seq', 1)",
    "INSERT INTO audit_entry (seq) OVERRIDING SYSTEM VALUE VALUES (1)",
)


async def connected(made: MadeDatabase, url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url, server_settings={"search_path": made["schema"]})


@pytest.mark.parametrize("service", sorted(SCHEMAS))
async def test_no_role_that_serves_can_change_or_remove_what_is_on_record(
    make_database: Callable[[str], MadeDatabase], service: str
) -> None:
    made = make_database(service)
    connection = await connected(made, made["url"])
    try:
        rights = [tuple(row) for row in await connection.fetch(RIGHTS)]
        # INSERT on audit_entry is given by column, without its number and transaction.
        assert rights == [("audit_chain", "INSERT,SELECT"), ("audit_entry", "SELECT")]
        assert await connection.fetchval(
            "SELECT has_column_privilege('audit_entry', 'actor', 'INSERT')"
        )
        for statement in FORBIDDEN:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
    reader = await connected(made, made["reader_url"])
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.fetch("SELECT * FROM audit_entry")
    finally:
        await reader.close()


@pytest.mark.parametrize("service", sorted(SCHEMAS))
def test_every_service_serves_with_its_audit(service: str) -> None:
    main = ROOT / "services" / service / f"heed_{service}" / "main.py"
    assert main.read_text().count("audit=Audit(") == 1
