"""Consultations (咨询) from which written petitions may come, in both lanes.

What was said is encrypted under a key of each consultation's own. One that accuses somebody lies in
the sealed schema only.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE {schema}.consultation (
    uid uuid PRIMARY KEY,
    region_code text COLLATE "C" NOT NULL CHECK (region_code ~ '^[1-9][0-9A-Z]{{5}}$'),
    channel smallint NOT NULL CHECK (channel > 0),
    state smallint NOT NULL CHECK (state BETWEEN 1 AND 3),
    started_by text NOT NULL,
    started_at timestamptz NOT NULL,
    petition_region_code text,
    petition_uid uuid,
    key_id text NOT NULL,
    wrapped_key bytea NOT NULL,
    talk bytea NOT NULL,
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    CHECK ((state = 3) = (petition_uid IS NOT NULL)),
    CHECK ((petition_uid IS NULL) = (petition_region_code IS NULL))
)
"""
_INDEX = """
CREATE INDEX consultation_petition ON {schema}.consultation (petition_uid)
 WHERE petition_uid IS NOT NULL
"""
_USERS_OF_SEALED = sa.text("""
SELECT DISTINCT grantee::regrole::text
  FROM pg_namespace, aclexplode(nspacl)
 WHERE nspname = :sealed AND privilege_type = 'USAGE' AND grantee <> nspowner AND grantee <> 0
""")


def upgrade() -> None:
    """Create the table in both lanes."""
    schema = _schema()
    sealed = f"{schema}_sealed"
    for name in (schema, sealed):
        op.execute(_TABLE.format(schema=f'"{name}"'))
        op.execute(_INDEX.format(schema=f'"{name}"'))
    for role in op.get_bind().execute(_USERS_OF_SEALED, {"sealed": sealed}).scalars():
        op.execute(f'GRANT SELECT, INSERT, UPDATE ON "{sealed}".consultation TO {role}')


def downgrade() -> None:
    """Drop both; the talks are lost, the petitions that came from them stay."""
    schema = _schema()
    op.execute(f'DROP TABLE "{schema}_sealed".consultation, "{schema}".consultation')


def _schema() -> str:
    return op.get_context().version_table_schema or "intake"
