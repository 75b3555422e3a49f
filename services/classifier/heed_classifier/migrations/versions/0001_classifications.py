"""Classifications, matters, corrections, incidents with their terms, models.

Revision ID: 0001
Revises:
"""

from alembic import op

from heed_shared.migrations import create_foundation, drop_foundation

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE classification (
        region text NOT NULL,
        uid uuid NOT NULL,
        version bigint NOT NULL,
        region_code text NOT NULL,
        received_at timestamptz NOT NULL,
        received_day date NOT NULL,
        method smallint NOT NULL,
        source text NOT NULL,
        corrected_identity text NOT NULL DEFAULT '',
        corrected_name text NOT NULL DEFAULT '',
        corrected_unit text NOT NULL DEFAULT '',
        corrected_reason text NOT NULL DEFAULT '',
        classified_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (region, uid)
    )
    """,
    "CREATE INDEX classification_newest ON classification (received_at, region, uid)",
    """
    CREATE TABLE matter (
        region text NOT NULL,
        uid uuid NOT NULL,
        k smallint NOT NULL CHECK (k BETWEEN 1 AND 99),
        region_code text NOT NULL,
        received_at timestamptz NOT NULL,
        received_day date NOT NULL,
        category_code text NOT NULL CHECK (category_code ~ '^[0-9A-Z]{2}$'),
        subcategory_code text NOT NULL,
        candidates jsonb NOT NULL,
        band smallint NOT NULL,
        nature smallint NOT NULL CHECK (nature IN (1, 3, 4)),
        nature_probability double precision NOT NULL,
        route smallint NOT NULL,
        target_level smallint NOT NULL,
        target_line text NOT NULL,
        target_unit text NOT NULL,
        target_region text NOT NULL,
        urgency smallint NOT NULL,
        importance smallint NOT NULL,
        hazard boolean NOT NULL,
        evidence jsonb NOT NULL,
        title text NOT NULL,
        place text NOT NULL,
        people_bucket smallint NOT NULL,
        city_code text NOT NULL,
        name_terms text[] NOT NULL,
        name_weights double precision[] NOT NULL,
        head_terms text[] NOT NULL,
        problem_terms text[] NOT NULL,
        problem_weights double precision[] NOT NULL,
        counted_terms text[] NOT NULL,
        incident_region text,
        incident_uid uuid,
        arrived bigint GENERATED ALWAYS AS IDENTITY,
        PRIMARY KEY (region, uid, k),
        FOREIGN KEY (region, uid) REFERENCES classification ON DELETE CASCADE
    )
    """,
    """
    CREATE INDEX matter_incident ON matter (incident_region, incident_uid, arrived)
    WHERE incident_uid IS NOT NULL
    """,
    "CREATE INDEX matter_cell ON matter (received_day, region_code, category_code)",
    "CREATE INDEX matter_category ON matter (category_code, band)",
    """
    CREATE TABLE matter_term (
        city_code text NOT NULL,
        term text NOT NULL,
        received_at timestamptz NOT NULL,
        region text NOT NULL,
        uid uuid NOT NULL,
        k smallint NOT NULL,
        weight double precision NOT NULL,
        FOREIGN KEY (region, uid, k) REFERENCES matter ON DELETE CASCADE
    )
    """,
    "CREATE INDEX matter_term_found ON matter_term (city_code, term, received_at)",
    "CREATE INDEX matter_term_matter ON matter_term (region, uid, k)",
    """
    CREATE TABLE term_count (
        city_code text NOT NULL,
        term text NOT NULL,
        matter_count integer NOT NULL,
        PRIMARY KEY (city_code, term)
    ) WITH (fillfactor = 80)
    """,
    """
    CREATE TABLE incident (
        region text NOT NULL,
        uid uuid NOT NULL,
        title text NOT NULL,
        keywords text[] NOT NULL,
        category_code text NOT NULL,
        matter_count integer NOT NULL,
        first_seen_at timestamptz NOT NULL,
        last_seen_at timestamptz NOT NULL,
        recent_count integer NOT NULL,
        places text[] NOT NULL,
        PRIMARY KEY (region, uid)
    )
    """,
    "CREATE INDEX incident_largest ON incident (matter_count, region, uid)",
    """
    CREATE TABLE correction (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        region text NOT NULL,
        uid uuid NOT NULL,
        k smallint NOT NULL,
        corrected_at timestamptz NOT NULL,
        identity text NOT NULL,
        display_name text NOT NULL,
        unit text NOT NULL,
        reason text NOT NULL,
        before jsonb NOT NULL,
        after jsonb NOT NULL
    )
    """,
    "CREATE INDEX correction_matter ON correction (region, uid, k)",
    # Only which petition was reported to intake as a suspected accusation, nothing of its content.
    """
    CREATE TABLE suspicion (
        region text NOT NULL,
        uid uuid NOT NULL,
        suspected_at timestamptz NOT NULL,
        PRIMARY KEY (region, uid)
    )
    """,
    """
    CREATE TABLE model (
        name text PRIMARY KEY,
        created_at timestamptz NOT NULL,
        promoted_at timestamptz,
        weights bytea NOT NULL,
        recipe jsonb NOT NULL,
        metrics jsonb NOT NULL
    )
    """,
)
_DROPS = (
    "model", "suspicion", "correction", "incident", "term_count", "matter_term", "matter",
    "classification",
)  # fmt: skip


def upgrade() -> None:
    """Create the tables."""
    create_foundation(op, "classifier")
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Drop everything."""
    for table in _DROPS:
        op.execute(f"DROP TABLE {table}")
    drop_foundation(op)
