"""The tables of the audit, which the app role can add to and read, and nothing more.

``audit_entry`` holds what was done, ``audit_chain`` the hash chain over it. Neither is partitioned:
partitions would need a function with the owner's rights that drops tables, and that is what an
audit must not have. Nothing in the suite removes entries; they are kept for three years at least,
and what is older is taken away by the owner, into the archive, with the chain's digest beside it.

A transaction id is assigned before a sequence number is drawn, for the columns' defaults are
computed in the order of the columns. The sealer rests on it.
"""

from typing import Any, Protocol

import sqlalchemy as sa

from heed_shared.audit.entries import COLUMNS


class Operations(Protocol):
    """The part of Alembic's ``op`` that is needed here."""

    def execute(self, sqltext: str) -> object:
        """Run one statement."""
        ...

    def get_bind(self) -> Any:
        """Return the connection."""
        ...


_TABLES = (
    """
    CREATE TABLE audit_entry (
        xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id uuid NOT NULL,
        done_at timestamptz NOT NULL,
        actor text NOT NULL CHECK (actor <> ''),
        actor_name text NOT NULL,
        unit text NOT NULL,
        roles text[] NOT NULL,
        action smallint NOT NULL CHECK (action > 0),
        method text NOT NULL,
        resource text NOT NULL,
        region_code text COLLATE "C" NOT NULL,
        purpose text NOT NULL,
        legal_basis text NOT NULL,
        result_count integer NOT NULL CHECK (result_count >= 0),
        trace_id text NOT NULL,
        digest bytea NOT NULL CHECK (length(digest) = 32)
    )
    """,
    "CREATE INDEX audit_entry_resource ON audit_entry (resource, seq) WHERE resource <> ''",
    "CREATE INDEX audit_entry_actor ON audit_entry (actor, seq)",
    "CREATE INDEX audit_entry_region ON audit_entry (region_code, seq)",
    # Entries come nearly in the order of time, so ranges of blocks are enough.
    "CREATE INDEX audit_entry_done ON audit_entry USING brin (done_at) WITH (pages_per_range = 16)",
    """
    CREATE TABLE audit_chain (
        position bigint PRIMARY KEY CHECK (position > 0),
        seq bigint NOT NULL UNIQUE,
        entry_id uuid NOT NULL,
        entry_digest bytea NOT NULL CHECK (length(entry_digest) = 32),
        digest bytea NOT NULL CHECK (length(digest) = 32)
    )
    """,
)
_OTHERS = sa.text("""
SELECT grantee::regrole::text AS role, bool_or(privilege_type = 'INSERT') AS writes
  FROM pg_class, aclexplode(relacl)
 WHERE oid = 'audit_entry'::regclass AND grantee <> relowner AND grantee <> 0
 GROUP BY grantee
""")


def create_audit(op: Operations) -> None:
    """Create the tables in the first schema of the search path, and take rights away.

    Whoever was given all tables of the schema by default keeps INSERT and SELECT if it could write,
    and nothing if it could only read: the audit is read through AuditService, which is audited.
    """
    for statement in _TABLES:
        op.execute(statement)
    for role, writes in op.get_bind().execute(_OTHERS).all():
        op.execute(f"REVOKE ALL ON audit_entry, audit_chain FROM {role}")
        if writes:
            op.execute(f"GRANT SELECT ON audit_entry, audit_chain TO {role}")
            op.execute(f"GRANT INSERT ON audit_chain TO {role}")
            allow_entries(op, role)


def allow_entries(op: Operations, role: str) -> None:
    """Let a role write entries, but choose neither their transaction nor their number."""
    op.execute(f"GRANT INSERT ({COLUMNS}) ON audit_entry TO {role}")


def drop_audit(op: Operations) -> None:
    """Drop the tables; what was recorded is lost."""
    op.execute("DROP TABLE audit_chain, audit_entry")
