"""Petitions, receipt numbers and progress steps, and the sealed lane beside them.

The sealed schema has a role of its own; it and nobody else may use it. That role also needs the
counter of receipt numbers and the request ids of the ordinary schema, so that a sealed petition
gets its number in the transaction that stores it: without them numbers would have gaps.
"""

import sqlalchemy as sa
from alembic import op

from heed_shared.foundation import create_foundation, drop_foundation

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ORDINARY = (
    """
    CREATE TABLE petition (
        region_code text COLLATE "C" NOT NULL CHECK (region_code ~ '^[1-9][0-9A-Z]{5}$'),
        uid uuid NOT NULL,
        handling_region_code text COLLATE "C" NOT NULL,
        office text NOT NULL,
        channel smallint NOT NULL CHECK (channel > 0),
        received_at timestamptz NOT NULL,
        registered_at timestamptz NOT NULL,
        state smallint NOT NULL CHECK (state IN (1, 3)),
        masked_request text NOT NULL,
        masked_facts text NOT NULL,
        masked_reasons text NOT NULL,
        masked_place text NOT NULL,
        masked_evidence text NOT NULL,
        declared_nature smallint NOT NULL,
        people_bucket smallint NOT NULL,
        anonymous boolean NOT NULL,
        external_id text NOT NULL,
        privacy_notice_version text NOT NULL,
        confidentiality_requested boolean NOT NULL,
        key_id text NOT NULL,
        wrapped_key bytea NOT NULL,
        original bytea NOT NULL,
        contacts bytea,
        version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
        PRIMARY KEY (region_code, uid)
    ) PARTITION BY RANGE (uid)
    """,
    "CREATE TABLE petition_default PARTITION OF petition DEFAULT",
    "CREATE INDEX petition_uid ON petition (uid)",
    "CREATE INDEX petition_handling ON petition (handling_region_code, uid)",
    """
    CREATE TABLE receipt_counter (
        office text NOT NULL,
        year smallint NOT NULL,
        last_serial bigint NOT NULL CHECK (last_serial > 0),
        PRIMARY KEY (office, year)
    )
    """,
    """
    CREATE TABLE receipt (
        number text PRIMARY KEY,
        uid uuid NOT NULL UNIQUE,
        region_code text NOT NULL,
        code_hash bytea NOT NULL CHECK (length(code_hash) = 32),
        received_at timestamptz NOT NULL,
        registered_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE progress_step (
        uid uuid NOT NULL,
        id bigint GENERATED ALWAYS AS IDENTITY,
        stage smallint NOT NULL CHECK (stage BETWEEN 2 AND 10),
        reached_at timestamptz NOT NULL,
        due_at timestamptz,
        unit text NOT NULL,
        PRIMARY KEY (uid, id)
    ) PARTITION BY RANGE (uid)
    """,
    "CREATE TABLE progress_step_default PARTITION OF progress_step DEFAULT",
    # What is left here of a petition that was sealed after it had been told to others.
    """
    CREATE TABLE sealed_mark (
        uid uuid PRIMARY KEY,
        region_code text NOT NULL,
        handling_region_code text NOT NULL,
        sealed_at timestamptz NOT NULL
    )
    """,
)

_SEALED = (
    """
    CREATE TABLE {sealed}.petition (
        uid uuid PRIMARY KEY,
        region_code text NOT NULL CHECK (region_code ~ '^[1-9][0-9A-Z]{5}$'),
        handling_region_code text NOT NULL,
        office text NOT NULL,
        channel smallint NOT NULL CHECK (channel > 0),
        received_at timestamptz NOT NULL,
        registered_at timestamptz NOT NULL,
        declared_nature smallint NOT NULL,
        people_bucket smallint NOT NULL,
        anonymous boolean NOT NULL,
        external_id text NOT NULL,
        privacy_notice_version text NOT NULL,
        confidentiality_requested boolean NOT NULL,
        key_id text NOT NULL,
        wrapped_key bytea NOT NULL,
        original bytea NOT NULL,
        contacts bytea,
        masked bytea NOT NULL,
        sealed_at timestamptz NOT NULL,
        sealed_because text[] NOT NULL,
        version bigint NOT NULL DEFAULT 1 CHECK (version > 0)
    )
    """,
    """
    CREATE TABLE {sealed}.receipt (
        number text PRIMARY KEY,
        uid uuid NOT NULL UNIQUE,
        region_code text NOT NULL,
        code_hash bytea NOT NULL CHECK (length(code_hash) = 32),
        received_at timestamptz NOT NULL,
        registered_at timestamptz NOT NULL
    )
    """,
)

# The bounds are those of uids of version 7, which begin with 48 bits of milliseconds. As with the
# days of the feed, rows that already lie in the default partition stay there.
_MAKE_MONTH = """
CREATE FUNCTION intake_make_month(wanted date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = "{schema}", pg_temp SET lock_timeout = '200ms' SET timezone = 'UTC' AS $$
DECLARE
    first date := date_trunc('month', wanted);
    parent text;
    bounds text[];
BEGIN
    SELECT array_agg(left(digits, 8) || '-' || right(digits, 4) || '-0000-0000-000000000000'
                     ORDER BY digits)
      INTO bounds
      FROM (SELECT lpad(to_hex((extract(epoch FROM start) * 1000)::bigint), 12, '0') AS digits
              FROM unnest(ARRAY[first, (first + interval '1 month')::date]) AS start) AS edge;
    FOREACH parent IN ARRAY ARRAY['petition', 'progress_step'] LOOP
        IF to_regclass(parent || to_char(first, '_YYYYMM')) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                           parent || to_char(first, '_YYYYMM'), parent, bounds[1], bounds[2]);
        END IF;
    END LOOP;
    RETURN true;
EXCEPTION
    WHEN check_violation OR lock_not_available OR duplicate_table THEN
        RETURN false;
END
$$
"""
_FIRST_MONTHS = """
SELECT intake_make_month((current_date + make_interval(months => ahead))::date)
  FROM generate_series(0, 3) AS ahead
"""

_HAS_SCHEMA = sa.text("SELECT to_regnamespace(:sealed) IS NOT NULL")
_USERS_OF_SEALED = sa.text("""
SELECT DISTINCT grantee::regrole::text
  FROM pg_namespace, aclexplode(nspacl)
 WHERE nspname = :sealed AND privilege_type = 'USAGE' AND grantee <> nspowner AND grantee <> 0
""")


def upgrade() -> None:
    """Create both lanes."""
    schema = _schema()
    sealed = f"{schema}_sealed"
    create_foundation(op, schema)
    for statement in _ORDINARY:
        op.execute(statement)
    op.execute(_MAKE_MONTH.format(schema=schema))
    op.execute(_FIRST_MONTHS)
    # Where the administrator provisioned it, this role may not create schemas, not even in vain.
    if not op.get_bind().scalar(_HAS_SCHEMA, {"sealed": sealed}):
        op.execute(f'CREATE SCHEMA "{sealed}"')
    for statement in _SEALED:
        op.execute(statement.replace("{sealed}", f'"{sealed}"'))
    for role in op.get_bind().execute(_USERS_OF_SEALED, {"sealed": sealed}).scalars():
        op.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO {role}')
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON receipt_counter TO {role}")
        op.execute(f"GRANT SELECT, INSERT ON request_record TO {role}")
        op.execute(f'GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA "{sealed}" TO {role}')


def downgrade() -> None:
    """Drop everything; what was registered is lost."""
    schema = _schema()
    op.execute(f'DROP TABLE "{schema}_sealed".receipt, "{schema}_sealed".petition')
    op.execute("DROP FUNCTION intake_make_month(date)")
    op.execute("DROP TABLE sealed_mark, progress_step, receipt, receipt_counter, petition")
    drop_foundation(op)


def _schema() -> str:
    return op.get_context().version_table_schema or "intake"
