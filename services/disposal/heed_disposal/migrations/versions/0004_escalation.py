"""Which broken clocks were told, and when the watchdog last looked.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the changes."""
    op.execute(
        "CREATE INDEX case_deadline_untold ON case_deadline (burns_at)"
        " WHERE state = 1 AND escalated_at IS NULL"
    )
    op.execute(
        "CREATE TABLE escalation_watch ("
        " id smallint PRIMARY KEY CHECK (id = 1), checked_at timestamptz NOT NULL)"
    )


def downgrade() -> None:
    """Take them back."""
    op.execute("DROP TABLE escalation_watch")
    op.execute("DROP INDEX case_deadline_untold")
