"""Repeat links, the terms by which similar petitions are found, and the growth of incidents.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = (
    # Which earlier matter a matter repeats, kept beside what is counted of it.
    """
    ALTER TABLE matter ADD COLUMN repeat_region text, ADD COLUMN repeat_uid uuid,
        ADD COLUMN repeat_k smallint
    """,
    """
    CREATE INDEX matter_repeat ON matter (repeat_region, repeat_uid)
    WHERE repeat_uid IS NOT NULL
    """,
    # A link goes only with one of its petitions; taken back, it stays as history.
    """
    CREATE TABLE repeat_link (
        region text NOT NULL,
        uid uuid NOT NULL,
        version bigint NOT NULL,
        matter_region text NOT NULL,
        matter_uid uuid NOT NULL,
        matter_k smallint NOT NULL,
        earlier_region text NOT NULL,
        earlier_uid uuid NOT NULL,
        earlier_k smallint NOT NULL,
        linked_identity text NOT NULL,
        linked_name text NOT NULL,
        linked_unit text NOT NULL,
        link_reason text NOT NULL,
        linked_at timestamptz NOT NULL,
        unlinked_identity text NOT NULL DEFAULT '',
        unlinked_name text NOT NULL DEFAULT '',
        unlinked_unit text NOT NULL DEFAULT '',
        unlink_reason text NOT NULL DEFAULT '',
        unlinked_at timestamptz,
        PRIMARY KEY (region, uid),
        CHECK ((matter_region, matter_uid) <> (earlier_region, earlier_uid)),
        FOREIGN KEY (matter_region, matter_uid, matter_k) REFERENCES matter ON DELETE CASCADE,
        FOREIGN KEY (earlier_region, earlier_uid, earlier_k) REFERENCES matter ON DELETE CASCADE
    )
    """,
    """
    CREATE UNIQUE INDEX repeat_link_in_force ON repeat_link (matter_region, matter_uid, matter_k)
    WHERE unlinked_at IS NULL
    """,
    "CREATE INDEX repeat_link_matter ON repeat_link (matter_region, matter_uid, matter_k)",
    "CREATE INDEX repeat_link_earlier ON repeat_link (earlier_region, earlier_uid, earlier_k)",
    # A slim row for each matter: what is looked up for one question lies on few pages. The
    # numbers stand for a city with a term, so that cities share no list; without fastupdate no
    # question waits for a list of what was added last.
    """
    CREATE TABLE matter_terms (
        region text NOT NULL,
        uid uuid NOT NULL,
        k smallint NOT NULL,
        region_code text NOT NULL,
        received_at timestamptz NOT NULL,
        terms integer[] NOT NULL,
        PRIMARY KEY (region, uid, k),
        FOREIGN KEY (region, uid, k) REFERENCES matter ON DELETE CASCADE
    )
    """,
    "CREATE INDEX matter_terms_found ON matter_terms USING gin (terms) WITH (fastupdate = off)",
    "ALTER TABLE incident ADD COLUMN previous_count integer NOT NULL DEFAULT 0",
)
_DROPS = (
    "ALTER TABLE incident DROP COLUMN previous_count",
    "DROP TABLE matter_terms",
    "DROP TABLE repeat_link",
    "DROP INDEX matter_repeat",
    """
    ALTER TABLE matter DROP COLUMN repeat_region, DROP COLUMN repeat_uid, DROP COLUMN repeat_k
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
