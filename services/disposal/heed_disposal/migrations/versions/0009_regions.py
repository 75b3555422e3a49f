"""Cases and their clocks of other regions are not there for a caller.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

from heed_shared.row_security import close_by_region, open_again

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLES = (
    ("cases", "handling_region"),
    ("case_deadline", "handling_region"),
)


def upgrade() -> None:
    """Close the tables by region."""
    for table, column in _TABLES:
        close_by_region(op, table, column)


def downgrade() -> None:
    """Open them again."""
    for table, _ in _TABLES:
        open_again(op, table)
