"""Petitions of other regions are not there for a caller, whatever a query forgot.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

from heed_shared.row_security import close_by_region, open_again

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLES = (("petition", "handling_region_code"),)


def upgrade() -> None:
    """Close the tables by region."""
    for table, column in _TABLES:
        close_by_region(op, table, column)


def downgrade() -> None:
    """Open them again."""
    for table, _ in _TABLES:
        open_again(op, table)
