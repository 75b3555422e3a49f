"""The audit and its chain, which the app role may add to and read, and no more.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

from heed_shared.audit.tables import create_audit, drop_audit

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    create_audit(op)


def downgrade() -> None:
    """Drop them; what was recorded is lost."""
    drop_audit(op)
