"""Details, supplements and withdrawal of petitions, in both lanes.

Details (masked), the accused persons and the words of a withdrawal are encrypted under the key of
their petition; so is a supplement as it came, and in the sealed lane its masked text too.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ADDED = """
ALTER TABLE {schema}.petition
    ADD COLUMN details bytea,
    ADD COLUMN withdrawn_at timestamptz,
    ADD COLUMN withdrawal bytea
"""
_TABLE = """
CREATE TABLE {schema}.supplement (
    uid uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    added_at timestamptz NOT NULL,
    {masked},
    original bytea NOT NULL,
    PRIMARY KEY (uid, number)
)
"""
_OPEN = "masked_text text NOT NULL, masked_evidence text NOT NULL"
_CLOSED = "masked bytea NOT NULL"
_USERS_OF_SEALED = sa.text("""
SELECT DISTINCT grantee::regrole::text
  FROM pg_namespace, aclexplode(nspacl)
 WHERE nspname = :sealed AND privilege_type = 'USAGE' AND grantee <> nspowner AND grantee <> 0
""")


def upgrade() -> None:
    """Add the columns and the table."""
    schema = _schema()
    sealed = f"{schema}_sealed"
    for name, masked in ((schema, _OPEN), (sealed, _CLOSED)):
        op.execute(_ADDED.format(schema=f'"{name}"'))
        op.execute(_TABLE.format(schema=f'"{name}"', masked=masked))
    op.execute(
        "ALTER TABLE petition ADD CONSTRAINT petition_withdrawn_check"
        " CHECK ((state = 3) = (withdrawn_at IS NOT NULL))"
    )
    op.execute(f'ALTER TABLE "{sealed}".petition ADD COLUMN accused bytea')
    for role in op.get_bind().execute(_USERS_OF_SEALED, {"sealed": sealed}).scalars():
        op.execute(f'GRANT SELECT, INSERT ON "{sealed}".supplement TO {role}')


def downgrade() -> None:
    """Drop them; what was added later is lost, and nothing is withdrawn any more."""
    schema = _schema()
    sealed = f"{schema}_sealed"
    op.execute(f'ALTER TABLE "{sealed}".petition DROP COLUMN accused')
    op.execute("ALTER TABLE petition DROP CONSTRAINT petition_withdrawn_check")
    op.execute("UPDATE petition SET state = 1 WHERE state = 3")
    for name in (schema, sealed):
        op.execute(f'DROP TABLE "{name}".supplement')
        op.execute(
            f'ALTER TABLE "{name}".petition DROP COLUMN details, DROP COLUMN withdrawn_at,'
            " DROP COLUMN withdrawal"
        )


def _schema() -> str:
    return op.get_context().version_table_schema or "intake"
