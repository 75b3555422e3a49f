"""An index by which the cases of a unit are listed in order.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the changes."""
    op.execute(
        "CREATE INDEX cases_unit ON cases (unit, opened_at DESC, uid DESC)"
        " INCLUDE (region, handling_region, category_code, state, track)"
    )


def downgrade() -> None:
    """Take them back."""
    op.execute("DROP INDEX cases_unit")
