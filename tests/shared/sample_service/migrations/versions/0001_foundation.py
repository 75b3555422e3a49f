"""The foundation.

Revision ID: 0001
"""

from alembic import op

from heed_shared.migrations import create_foundation, drop_foundation

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_foundation(op, "sample")


def downgrade() -> None:
    drop_foundation(op)
