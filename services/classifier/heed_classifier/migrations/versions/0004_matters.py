"""What a matter says of its part of the text, its grades and its route.

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
    ALTER TABLE matter
        ADD COLUMN spans jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN nature_evidence jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN urgency_evidence jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN route_reason text NOT NULL DEFAULT '',
        ADD COLUMN importance_reason text NOT NULL DEFAULT '',
        ADD COLUMN subcategory_candidates jsonb NOT NULL DEFAULT '[]'
    """,
    # Training reads them by day, and the history of a petition latest first.
    "CREATE INDEX correction_corrected ON correction (corrected_at)",
)
_DROPS = (
    "DROP INDEX correction_corrected",
    """
    ALTER TABLE matter DROP COLUMN spans, DROP COLUMN nature_evidence,
        DROP COLUMN urgency_evidence, DROP COLUMN route_reason, DROP COLUMN importance_reason,
        DROP COLUMN subcategory_candidates
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
