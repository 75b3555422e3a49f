"""Indexes by which a page of a list is read in order, whatever it is filtered by.

A deadline knows the unit that owes it, so that the list of a unit needs no look at its cases.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_UP = (
    "ALTER TABLE case_deadline ADD COLUMN unit text COLLATE \"C\" NOT NULL DEFAULT ''",
    """
    UPDATE case_deadline d SET unit = c.unit FROM cases c
    WHERE (c.region, c.uid) = (d.region, d.uid) AND c.unit <> ''
    """,
    "ALTER TABLE case_deadline ALTER COLUMN unit DROP DEFAULT",
    """
    CREATE INDEX case_deadline_unit
        ON case_deadline (unit, burns_at, region, uid, number) INCLUDE (handling_region)
        WHERE state = 1
    """,
    """
    CREATE INDEX case_deadline_place
        ON case_deadline (handling_region, burns_at, region, uid, number)
        WHERE state = 1
    """,
    """
    CREATE INDEX case_deadline_length
        ON case_deadline ((burns_at - started_at - stood_still))
        WHERE state = 1
    """,
    """
    CREATE INDEX cases_place ON cases (handling_region, opened_at DESC, uid DESC)
        INCLUDE (region, category_code, state, track)
    """,
    """
    CREATE INDEX cases_kind ON cases (category_code, state, opened_at DESC, uid DESC)
        INCLUDE (region, handling_region, track)
    """,
    "CREATE INDEX cases_of_warnings ON cases (opened_at DESC, uid DESC) WHERE track = 4",
)
_DOWN = (
    "DROP INDEX cases_of_warnings",
    "DROP INDEX cases_kind",
    "DROP INDEX cases_place",
    "DROP INDEX case_deadline_length",
    "DROP INDEX case_deadline_place",
    "ALTER TABLE case_deadline DROP COLUMN unit",
)


def upgrade() -> None:
    """Apply the changes."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Take them back."""
    for statement in _DOWN:
        op.execute(statement)
