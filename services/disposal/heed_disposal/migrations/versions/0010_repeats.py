"""Which earlier matter a case's matter repeats, as a clerk has linked them; no link is of a person.

Cases of before learn it with the next event or snapshot of the classifier.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the changes."""
    op.execute("ALTER TABLE cases ADD COLUMN repeat_of text NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE cases ALTER COLUMN repeat_of DROP DEFAULT")
    op.execute("CREATE INDEX cases_repeat ON cases (repeat_of) WHERE repeat_of <> ''")


def downgrade() -> None:
    """Take them back."""
    op.execute("ALTER TABLE cases DROP COLUMN repeat_of")
