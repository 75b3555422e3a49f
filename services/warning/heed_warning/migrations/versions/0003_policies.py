"""What evaluations and indicators read is found without a walk over all counts.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES: tuple[str, ...] = (
    # Each day that closes is read whole; without this, by a walk over every count there is.
    "CREATE INDEX cell_day_day ON cell_day (day)",
    # What past days knew of counts that are taken back: overdue, unperformed, stale.
    """
    CREATE INDEX cell_delta_reverting ON cell_delta (received_day)
    WHERE measure IN (6, 13, 16)
    """,
)
_DROPS: tuple[str, ...] = (
    "DROP INDEX cell_delta_reverting",
    "DROP INDEX cell_day_day",
)


def upgrade() -> None:
    """Apply the changes."""
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Take them back."""
    for statement in _DROPS:
        op.execute(statement)
