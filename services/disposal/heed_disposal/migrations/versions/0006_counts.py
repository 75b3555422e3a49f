"""What a case itself is counted for, withdrawals, and further warnings on the cell of a case.

Ratings of before are remembered at once; all else is counted by the next daily job, which looks at
every case.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COLUMNS = {
    "withdrawn": "boolean NOT NULL DEFAULT false",
    "told_at": "timestamptz",
    "marks": "jsonb NOT NULL DEFAULT '[]'",
    "recount_on": "date",
    "joined_warnings": "text[] NOT NULL DEFAULT '{}'",
}
_LOCAL = "AT TIME ZONE 'Asia/Shanghai'"
_UP = (
    """
    UPDATE cases c SET withdrawn = true, concluded_at = coalesce(c.concluded_at, s.stepped_at)
    FROM case_step s
    WHERE s.region = c.region AND s.uid = c.uid AND s.action = 'withdraw'
    """,
    # The kinds of steps that tell the petitioner something.
    """
    UPDATE cases c SET told_at = told.at FROM (
        SELECT region, uid, max(stepped_at) AS at FROM case_step
        WHERE kind IN (2, 3, 4, 5, 6, 9, 10, 12, 13, 15) GROUP BY region, uid
    ) told WHERE (told.region, told.uid) = (c.region, c.uid)
    """,
    f"""
    UPDATE cases c SET marks = rated.marks FROM (
        SELECT region, uid, jsonb_agg(jsonb_build_object('kind', k.kind, 'bucket', 0,
            'day', (g.rated_at {_LOCAL})::date, 'region_code', '', 'category_code', '')) AS marks
        FROM case_rating g CROSS JOIN LATERAL (
            SELECT 8 AS kind UNION ALL SELECT 9 WHERE 3 IN (g.office, g.unit)
        ) k
        GROUP BY region, uid
    ) rated WHERE (rated.region, rated.uid) = (c.region, c.uid)
    """,
    f"UPDATE cases SET recount_on = (opened_at {_LOCAL})::date WHERE track = 1",
    "CREATE INDEX cases_recount ON cases (recount_on) WHERE recount_on IS NOT NULL",
    "CREATE INDEX cases_joined_warnings ON cases USING gin (joined_warnings)"
    " WHERE joined_warnings <> '{}'",
    "CREATE INDEX cases_response ON cases (category_code, handling_region)"
    " WHERE track = 4 AND state NOT IN (15, 16)",
)


def upgrade() -> None:
    """Apply the changes."""
    for column, kind in _COLUMNS.items():
        op.execute(f"ALTER TABLE cases ADD COLUMN {column} {kind}")
    for statement in _UP:
        op.execute(statement)
    for column, kind in _COLUMNS.items():
        if "DEFAULT" in kind:
            op.execute(f"ALTER TABLE cases ALTER COLUMN {column} DROP DEFAULT")


def downgrade() -> None:
    """Take them back."""
    for column in _COLUMNS:
        op.execute(f"ALTER TABLE cases DROP COLUMN {column}")
    op.execute("DROP INDEX IF EXISTS cases_response")
