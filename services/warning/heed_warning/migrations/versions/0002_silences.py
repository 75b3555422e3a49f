"""Silences, escalations and what a warning tells of its group; whose a source of counts is.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES: tuple[str, ...] = (
    "ALTER TABLE warning DROP CONSTRAINT warning_state_check",
    "ALTER TABLE warning ADD CONSTRAINT warning_state_check CHECK (state BETWEEN 1 AND 5)",
    """
    ALTER TABLE warning
        ADD COLUMN fired_at timestamptz,
        ADD COLUMN acknowledged_at timestamptz,
        ADD COLUMN group_name text NOT NULL DEFAULT '',
        ADD COLUMN silenced_by uuid,
        ADD COLUMN inhibited_by text NOT NULL DEFAULT '',
        ADD COLUMN announced_level smallint NOT NULL DEFAULT 0
            CHECK (announced_level BETWEEN 0 AND 4),
        ADD COLUMN acknowledge_due_at timestamptz,
        ADD COLUMN escalation_steps jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN next_step_due_at timestamptz
    """,
    # Until now every warning was announced as it fired.
    "UPDATE warning SET announced_level = effective_level WHERE state > 1",
    # Orange and red are always announced, and nothing is due of what no longer fires.
    """
    ALTER TABLE warning
        ADD CONSTRAINT warning_loud CHECK (
            greatest(proposed_level, effective_level) < 3
            OR (silenced_by IS NULL AND inhibited_by = '')
        ),
        ADD CONSTRAINT warning_due CHECK (next_step_due_at IS NULL OR state = 2)
    """,
    "DROP INDEX warning_open",
    """
    CREATE UNIQUE INDEX warning_open ON warning (region_code, category_code)
    WHERE state <> 4
    """,
    "CREATE INDEX warning_due ON warning (next_step_due_at) WHERE next_step_due_at IS NOT NULL",
    "CREATE INDEX warning_fired ON warning (fired_on)",
    """
    CREATE TABLE silence (
        uid uuid PRIMARY KEY,
        region_prefix text NOT NULL CHECK (region_prefix ~ '^([1-9][0-9A-Z]{0,5})?$'),
        category_code text NOT NULL CHECK (category_code ~ '^([0-9A-Z]{2})?$'),
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        reason text NOT NULL,
        created_by jsonb NOT NULL,
        ended_by jsonb,
        version bigint NOT NULL DEFAULT 1,
        CHECK (ended_by IS NOT NULL OR ends_at > starts_at),
        CHECK (ends_at <= starts_at + interval '90 days')
    )
    """,
    "CREATE INDEX silence_ends ON silence (ends_at)",
    # When the watchdog last looked: one row at most.
    """
    CREATE TABLE escalation_check (
        only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
        checked_at timestamptz NOT NULL
    )
    """,
    # Whose counts a source's are: nobody else replaces them.
    """
    CREATE TABLE recorded_source (
        source text PRIMARY KEY,
        recorded_by text NOT NULL
    )
    """,
    # How many cells of each region an evaluation looked at, so that a region is told its own.
    """
    ALTER TABLE evaluation_run
        ADD COLUMN region_codes text[] NOT NULL DEFAULT '{}',
        ADD COLUMN region_cell_counts integer[] NOT NULL DEFAULT '{}',
        ADD COLUMN region_short_counts integer[] NOT NULL DEFAULT '{}'
    """,
)
_DROPS: tuple[str, ...] = (
    """
    ALTER TABLE evaluation_run DROP COLUMN region_codes, DROP COLUMN region_cell_counts,
        DROP COLUMN region_short_counts
    """,
    "DROP TABLE recorded_source, escalation_check, silence",
    "DROP INDEX warning_fired",
    "DROP INDEX warning_due",
    "DROP INDEX warning_open",
    # The older schema has no judged state; such a warning is one that somebody has taken on.
    "UPDATE warning SET state = 3 WHERE state = 5",
    "CREATE UNIQUE INDEX warning_open ON warning (region_code, category_code) WHERE state < 4",
    """
    ALTER TABLE warning
        DROP CONSTRAINT warning_loud,
        DROP CONSTRAINT warning_due,
        DROP COLUMN fired_at, DROP COLUMN acknowledged_at, DROP COLUMN group_name,
        DROP COLUMN silenced_by, DROP COLUMN inhibited_by, DROP COLUMN announced_level,
        DROP COLUMN acknowledge_due_at, DROP COLUMN escalation_steps,
        DROP COLUMN next_step_due_at
    """,
    "ALTER TABLE warning DROP CONSTRAINT warning_state_check",
    "ALTER TABLE warning ADD CONSTRAINT warning_state_check CHECK (state BETWEEN 1 AND 4)",
)


def upgrade() -> None:
    """Apply the changes."""
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Take them back."""
    for statement in _DROPS:
        op.execute(statement)
