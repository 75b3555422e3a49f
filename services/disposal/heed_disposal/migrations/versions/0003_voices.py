"""Ratings, lessons, opinions of which none is overwritten, and how long a clock stood still.

Ratings lie apart from the case: who handles it may not read them. An opinion gets a number, so that
a case opened again keeps what it was told before.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UP = (
    """
    CREATE TABLE case_rating (
        region text NOT NULL,
        uid uuid NOT NULL,
        handling_region text COLLATE "C" NOT NULL,
        office smallint NOT NULL CHECK (office BETWEEN 0 AND 3),
        unit smallint NOT NULL CHECK (unit BETWEEN 0 AND 3),
        comment text NOT NULL,
        rated_at timestamptz NOT NULL,
        PRIMARY KEY (region, uid),
        FOREIGN KEY (region, uid) REFERENCES cases ON DELETE CASCADE,
        CHECK (office > 0 OR unit > 0)
    )
    """,
    "CREATE INDEX case_rating_latest ON case_rating (rated_at DESC, uid DESC)",
    """
    CREATE TABLE case_lesson (
        region text NOT NULL,
        uid uuid NOT NULL,
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        handling_region text COLLATE "C" NOT NULL,
        category_code text NOT NULL,
        text text NOT NULL,
        proposal text NOT NULL,
        addressee text NOT NULL,
        recorded_by jsonb NOT NULL,
        recorded_at timestamptz NOT NULL,
        FOREIGN KEY (region, uid) REFERENCES cases ON DELETE CASCADE
    )
    """,
    "CREATE INDEX case_lesson_case ON case_lesson (region, uid)",
    "ALTER TABLE case_deadline ADD COLUMN stood_still interval NOT NULL DEFAULT '0'",
    "ALTER TABLE case_opinion ADD COLUMN number integer NOT NULL DEFAULT 1",
    "ALTER TABLE case_opinion DROP CONSTRAINT case_opinion_pkey",
    "ALTER TABLE case_opinion ADD PRIMARY KEY (region, uid, number)",
    "ALTER TABLE case_opinion ALTER COLUMN number DROP DEFAULT",
)
_DOWN = (
    """
    DELETE FROM case_opinion AS earlier USING case_opinion AS later
    WHERE (earlier.region, earlier.uid) = (later.region, later.uid)
        AND earlier.number < later.number
    """,
    "ALTER TABLE case_opinion DROP CONSTRAINT case_opinion_pkey",
    "ALTER TABLE case_opinion DROP COLUMN number",
    "ALTER TABLE case_opinion ADD PRIMARY KEY (region, uid)",
    "ALTER TABLE case_deadline DROP COLUMN stood_still",
    "DROP TABLE case_lesson",
    "DROP TABLE case_rating",
)


def upgrade() -> None:
    """Apply the changes."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Take them back; of several opinions the latest stays."""
    for statement in _DOWN:
        op.execute(statement)
