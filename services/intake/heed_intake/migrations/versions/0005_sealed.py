"""The sealed lane as a lane of work: states, clocks, steps, accused, hand-overs and unsealings.

What is written about an accusation is encrypted under the key of its petition, also the reason of
an unsealing, which outlives its stay here. Hand-overs and unsealings are only added.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_PETITION = """
ALTER TABLE {sealed}.petition
    ADD COLUMN state smallint NOT NULL DEFAULT 1 CHECK (state BETWEEN 1 AND 5),
    ADD COLUMN sealed_by text NOT NULL DEFAULT '',
    ADD COLUMN sealing_reason bytea,
    ADD COLUMN about_receipt text NOT NULL DEFAULT '',
    ADD COLUMN destination_unit text NOT NULL DEFAULT '',
    ADD COLUMN closed_at timestamptz,
    ADD COLUMN dated boolean NOT NULL DEFAULT false,
    ADD COLUMN due_rule text NOT NULL DEFAULT '',
    ADD COLUMN due_at timestamptz NOT NULL DEFAULT '9999-12-31T00:00:00Z'
"""
_TABLES = (
    # What burns first comes first; nothing due is due at the end of time.
    "CREATE INDEX petition_due ON {sealed}.petition (due_at, uid)",
    "CREATE INDEX petition_undated ON {sealed}.petition (uid) WHERE NOT dated",
    """
    CREATE TABLE {sealed}.step (
        uid uuid NOT NULL,
        number integer NOT NULL CHECK (number > 0),
        action text NOT NULL,
        state smallint NOT NULL CHECK (state BETWEEN 1 AND 6),
        stepped_at timestamptz NOT NULL,
        actor bytea NOT NULL,
        note bytea,
        PRIMARY KEY (uid, number)
    )
    """,
    """
    CREATE TABLE {sealed}.accused (
        uid uuid NOT NULL,
        number integer NOT NULL CHECK (number > 0),
        names bytea NOT NULL,
        PRIMARY KEY (uid, number)
    )
    """,
    """
    CREATE TABLE {sealed}.unsealing (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        uid uuid NOT NULL,
        unsealed_at timestamptz NOT NULL,
        record bytea NOT NULL
    )
    """,
    """
    CREATE TABLE {sealed}.hand_over (
        number text PRIMARY KEY,
        region_code text NOT NULL,
        received_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        destination_unit text NOT NULL,
        recorder_identity text NOT NULL,
        recorder_name text NOT NULL,
        recorder_unit text NOT NULL
    )
    """,
    """
    CREATE TABLE {sealed}.request_record (
        caller text NOT NULL,
        method text NOT NULL,
        request_id text NOT NULL,
        digest bytea NOT NULL,
        response bytea,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (caller, method, request_id)
    )
    """,
    "CREATE INDEX request_record_recorded ON {sealed}.request_record (recorded_at)",
)
_CHANGED = (
    "petition",
    "receipt",
    "supplement",
    "consultation",
    "step",
    "accused",
    "request_record",
)
_ADDED_TO = ("unsealing", "hand_over")
_USERS_OF_SEALED = sa.text("""
SELECT DISTINCT grantee::regrole::text
  FROM pg_namespace, aclexplode(nspacl)
 WHERE nspname = :sealed AND privilege_type = 'USAGE' AND grantee <> nspowner AND grantee <> 0
""")


def upgrade() -> None:
    """Add the columns and tables, and the mark of what a person cleared."""
    schema = _schema()
    sealed = f"{schema}_sealed"
    op.execute("ALTER TABLE petition ADD COLUMN accusation_cleared boolean NOT NULL DEFAULT false")
    for statement in (_PETITION, *_TABLES):
        op.execute(statement.format(sealed=f'"{sealed}"'))
    for role in op.get_bind().execute(_USERS_OF_SEALED, {"sealed": sealed}).scalars():
        for table in _CHANGED:
            op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{sealed}".{table} TO {role}')
        for table in _ADDED_TO:
            op.execute(f'GRANT SELECT, INSERT ON "{sealed}".{table} TO {role}')
            op.execute(f'REVOKE UPDATE, DELETE ON "{sealed}".{table} FROM {role}')


def downgrade() -> None:
    """Drop them; what was done with accusations is forgotten, the accusations stay."""
    sealed = f"{_schema()}_sealed"
    for table in ("request_record", "hand_over", "unsealing", "accused", "step"):
        op.execute(f'DROP TABLE "{sealed}".{table}')
    op.execute(
        f'ALTER TABLE "{sealed}".petition DROP COLUMN state, DROP COLUMN sealed_by,'
        " DROP COLUMN sealing_reason, DROP COLUMN about_receipt, DROP COLUMN destination_unit,"
        " DROP COLUMN closed_at, DROP COLUMN dated, DROP COLUMN due_rule, DROP COLUMN due_at"
    )
    op.execute("ALTER TABLE petition DROP COLUMN accusation_cleared")


def _schema() -> str:
    return op.get_context().version_table_schema or "intake"
