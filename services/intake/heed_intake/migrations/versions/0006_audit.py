"""The audit and its chain, which the app roles may add to and read, and no more.

There is one audit for both lanes: what is done to a sealed petition is recorded in the transaction
that does it, so the sealed lane's role may write entries here, and not read them.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from heed_shared.audit.tables import allow_entries, create_audit, drop_audit

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_USERS_OF_SEALED = sa.text("""
SELECT DISTINCT grantee::regrole::text
  FROM pg_namespace, aclexplode(nspacl)
 WHERE nspname = :sealed AND privilege_type = 'USAGE' AND grantee <> nspowner AND grantee <> 0
""")


def upgrade() -> None:
    """Create the tables, and let the sealed lane write."""
    create_audit(op)
    sealed = f"{op.get_context().version_table_schema or 'intake'}_sealed"
    for role in op.get_bind().execute(_USERS_OF_SEALED, {"sealed": sealed}).scalars():
        allow_entries(op, role)


def downgrade() -> None:
    """Drop them; what was recorded is lost."""
    drop_audit(op)
