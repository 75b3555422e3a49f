"""Forecasters with the losses and weights of their families.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLES = (
    """
    ALTER TABLE forecaster
        ADD COLUMN losses jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN promoted_at timestamptz,
        ADD COLUMN promoted_by jsonb,
        ADD COLUMN promotion_reason text,
        ADD COLUMN version integer NOT NULL DEFAULT 1
    """,
)
_DROPS = (
    """
    ALTER TABLE forecaster
        DROP COLUMN losses, DROP COLUMN promoted_at, DROP COLUMN promoted_by,
        DROP COLUMN promotion_reason, DROP COLUMN version
    """,
)


def upgrade() -> None:
    """Apply the changes."""
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Take them back."""
    for statement in _DROPS:
        op.execute(statement)
