"""A table for what the tests' handlers do.

Revision ID: 0002
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE effect (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " subject text NOT NULL, note text NOT NULL)"
    )


def downgrade() -> None:
    op.execute("DROP TABLE effect")
