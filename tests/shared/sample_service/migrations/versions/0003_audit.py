"""The audit.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

from heed_shared.audit.tables import create_audit, drop_audit

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_audit(op)


def downgrade() -> None:
    drop_audit(op)
