"""Classifications and matters of other regions are not there for a caller.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

from heed_shared.row_security import close_by_region, open_again

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = (
    ("classification", "region_code"),
    ("matter", "region_code"),
    ("matter_terms", "region_code"),
)


def upgrade() -> None:
    """Close the tables by region."""
    for table, column in _TABLES:
        close_by_region(op, table, column)


def downgrade() -> None:
    """Open them again."""
    for table, _ in _TABLES:
        open_again(op, table)
