"""Models with their reports and their life.

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
    ALTER TABLE model
        ADD COLUMN state smallint NOT NULL DEFAULT 1 CHECK (state BETWEEN 1 AND 3),
        ADD COLUMN version bigint NOT NULL DEFAULT 1
    """,
    "UPDATE model SET state = 3 WHERE promoted_at IS NOT NULL",
    """
    UPDATE model SET state = 2
    WHERE name = (SELECT name FROM model WHERE promoted_at IS NOT NULL
                  ORDER BY promoted_at DESC LIMIT 1)
    """,
    "CREATE UNIQUE INDEX model_current ON model (state) WHERE state = 2",
    "CREATE INDEX model_newest ON model (created_at, name)",
    # Who put which model to use instead of which, and why; nobody where a training did it.
    """
    CREATE TABLE model_promotion (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        model text NOT NULL REFERENCES model,
        previous text NOT NULL,
        promoted_at timestamptz NOT NULL,
        identity text NOT NULL,
        display_name text NOT NULL,
        unit text NOT NULL,
        reason text NOT NULL
    )
    """,
    "CREATE INDEX model_promotion_model ON model_promotion (model, id)",
)
_DROPS = (
    "DROP TABLE model_promotion",
    "DROP INDEX model_newest",
    "DROP INDEX model_current",
    "ALTER TABLE model DROP COLUMN state, DROP COLUMN version",
)


def upgrade() -> None:
    """Apply the changes."""
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Take them back."""
    for statement in _DROPS:
        op.execute(statement)
