"""What the law demands of measures, what they brought, and what was promised on the way.

Measures of before have no details: none can begin without them. Follow-ups get the number of their
attempt and the measure whose promise they ask about; assessments get their second reader.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NEW: dict[str, dict[str, tuple[str, str]]] = {
    "case_measure": {
        "details": ("jsonb", ""),
        "proportionality_note": ("text NOT NULL", "''"),
        "personal_data_used": ("text[] NOT NULL", "'{}'"),
        "started_at": ("timestamptz", ""),
        "ended_at": ("timestamptz", ""),
        "side_effects": ("text NOT NULL", "''"),
        "cost": ("double precision NOT NULL CHECK (cost >= 0)", "0"),
        "effect": ("smallint NOT NULL CHECK (effect BETWEEN 0 AND 4)", "0"),
        "promises": ("jsonb NOT NULL", "'[]'"),
        "documents": ("jsonb NOT NULL", "'[]'"),
        "stop_reason": ("text NOT NULL", "''"),
        "revision_of": ("integer NOT NULL", "0"),
    },
    "case_follow_up": {
        "measure": ("integer NOT NULL", "0"),
        "attempt": ("smallint NOT NULL CHECK (attempt > 0)", "1"),
    },
    "case_assessment": {
        "second_reader": (
            "jsonb CHECK (second_reader->>'identity' <> assessed_by->>'identity')",
            "",
        ),
    },
}
"""Type and value for the rows of before, by table and column."""


def upgrade() -> None:
    """Apply the changes."""
    for table, columns in _NEW.items():
        for column, (kind, before) in columns.items():
            default = f" DEFAULT {before}" if before else ""
            op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}{default}")
            if before:
                op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT")
    op.execute("CREATE INDEX case_measure_completed ON case_measure (region, uid) WHERE status = 4")


def downgrade() -> None:
    """Take them back."""
    op.execute("DROP INDEX case_measure_completed")
    for table, columns in _NEW.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
