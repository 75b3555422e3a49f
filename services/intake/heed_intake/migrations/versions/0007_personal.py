"""Erased petitions, what is left to say of each erasure, and how far data keys are wrapped anew.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES = (
    # What is left of erased data: that it was there, and why it is gone.
    """
    CREATE TABLE erasure (
        uid uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('petition', 'contacts')),
        region_code text NOT NULL,
        erased_at timestamptz NOT NULL,
        erased_by text NOT NULL,
        reason text NOT NULL,
        legal_basis text NOT NULL,
        PRIMARY KEY (uid, kind)
    )
    """,
    # The key of the ring by which all data keys of a table are wrapped.
    """
    CREATE TABLE {schema}.wrapped_by (
        table_name text PRIMARY KEY,
        key_id text NOT NULL,
        finished_at timestamptz NOT NULL
    )
    """,
)
_USERS_OF_SEALED = sa.text("""
SELECT DISTINCT grantee::regrole::text
  FROM pg_namespace, aclexplode(nspacl)
 WHERE nspname = :sealed AND privilege_type = 'USAGE' AND grantee <> nspowner AND grantee <> 0
""")


def upgrade() -> None:
    """Allow the state, make the tables."""
    schema = _schema()
    _allow_states("1, 3, 4")
    op.execute("ALTER TABLE petition DROP CONSTRAINT petition_withdrawn_check")
    op.execute(
        "ALTER TABLE petition ADD CONSTRAINT petition_withdrawn_check"
        " CHECK (state = 4 OR (state = 3) = (withdrawn_at IS NOT NULL))"
    )
    op.execute(_TABLES[0])
    for name in (schema, f"{schema}_sealed"):
        op.execute(_TABLES[1].format(schema=f'"{name}"'))
    sealed = f"{schema}_sealed"
    for role in op.get_bind().execute(_USERS_OF_SEALED, {"sealed": sealed}).scalars():
        op.execute(f'GRANT SELECT, INSERT, UPDATE ON "{sealed}".wrapped_by TO {role}')


def downgrade() -> None:
    """Drop them; what was erased stays so, and counts as registered or withdrawn again."""
    schema = _schema()
    for name in (f"{schema}_sealed", schema):
        op.execute(f'DROP TABLE "{name}".wrapped_by')
    op.execute("DROP TABLE erasure")
    op.execute("ALTER TABLE petition DROP CONSTRAINT petition_withdrawn_check")
    op.execute(
        "UPDATE petition SET state = CASE WHEN withdrawn_at IS NULL THEN 1 ELSE 3 END"
        " WHERE state = 4"
    )
    op.execute(
        "ALTER TABLE petition ADD CONSTRAINT petition_withdrawn_check"
        " CHECK ((state = 3) = (withdrawn_at IS NOT NULL))"
    )
    _allow_states("1, 3")


def _allow_states(states: str) -> None:
    op.execute("ALTER TABLE petition DROP CONSTRAINT petition_state_check")
    op.execute(
        f"ALTER TABLE petition ADD CONSTRAINT petition_state_check CHECK (state IN ({states}))"
    )


def _schema() -> str:
    return op.get_context().version_table_schema or "intake"
