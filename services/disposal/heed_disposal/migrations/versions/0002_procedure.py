"""What the procedure writes down: records, assigned reports, conclusions, parents, ratings.

A record is a dated paper of the procedure with who made it; its fields differ by kind. Ratings are
apart from the case: whoever handles it may not read them.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = (
    """
    ALTER TABLE cases
        ADD COLUMN report_required boolean NOT NULL DEFAULT false,
        ADD COLUMN concluded_at timestamptz,
        ADD COLUMN reopened boolean NOT NULL DEFAULT false,
        ADD COLUMN rated boolean NOT NULL DEFAULT false,
        ADD COLUMN parent text NOT NULL DEFAULT ''
    """,
    "CREATE INDEX cases_parent ON cases (parent) WHERE parent <> ''",
    """
    CREATE TABLE case_record (
        region text NOT NULL,
        uid uuid NOT NULL,
        kind text NOT NULL,
        number integer NOT NULL,
        body jsonb NOT NULL,
        PRIMARY KEY (region, uid, kind, number),
        FOREIGN KEY (region, uid) REFERENCES cases ON DELETE CASCADE
    )
    """,
    """
    ALTER TABLE case_deadline
        ADD COLUMN extension_reason text NOT NULL DEFAULT '',
        ADD COLUMN extension_approved_by jsonb,
        ADD COLUMN escalated_at timestamptz,
        ADD COLUMN escalated_to smallint NOT NULL DEFAULT 0,
        ADD CHECK (extended_days = 0 OR extension_approved_by IS NOT NULL)
    """,
)
_DROPS = (
    """
    ALTER TABLE case_deadline
        DROP COLUMN escalated_to,
        DROP COLUMN escalated_at,
        DROP COLUMN extension_approved_by,
        DROP COLUMN extension_reason
    """,
    "DROP TABLE case_record",
    """
    ALTER TABLE cases
        DROP COLUMN parent,
        DROP COLUMN rated,
        DROP COLUMN reopened,
        DROP COLUMN concluded_at,
        DROP COLUMN report_required
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
