"""Cells, policies, warnings and forecasters.

There is no column for a petition, a case or a person anywhere: counts of cells are all that this
schema can hold. A test walks it for that.
"""

from alembic import op

from heed_shared.migrations import create_foundation, drop_foundation

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    # Every signed count that came, as it came. Never changed: what was known on a day can be told.
    """
    CREATE TABLE cell_delta (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        received_day date NOT NULL,
        recorded_at timestamptz NOT NULL,
        region_code text NOT NULL CHECK (region_code ~ '^[1-9][0-9A-Z]{5}$'),
        category_code text NOT NULL CHECK (category_code ~ '^[0-9A-Z]{2}$'),
        measure smallint NOT NULL CHECK (measure BETWEEN 1 AND 99),
        bucket smallint NOT NULL DEFAULT 0,
        delta bigint NOT NULL CHECK (delta <> 0)
    )
    """,
    "CREATE INDEX cell_delta_recorded ON cell_delta (recorded_at)",
    """
    CREATE FUNCTION cell_delta_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'cell_delta is append-only';
    END
    $$
    """,
    """
    CREATE TRIGGER cell_delta_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON cell_delta
    FOR EACH STATEMENT EXECUTE FUNCTION cell_delta_stays()
    """,
    # The sums, at county, city and province. `changed` lets every replica read just what is new.
    """
    CREATE TABLE cell_day (
        region_code text NOT NULL,
        category_code text NOT NULL,
        measure smallint NOT NULL,
        bucket smallint NOT NULL DEFAULT 0,
        day date NOT NULL,
        live bigint NOT NULL DEFAULT 0,
        recorded bigint NOT NULL DEFAULT 0,
        changed xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (region_code, category_code, measure, bucket, day)
    )
    """,
    "CREATE INDEX cell_day_changed ON cell_day (changed)",
    # History as sources gave it; a source's count of a cell and day is replaced, not added.
    """
    CREATE TABLE recorded_count (
        source text NOT NULL,
        region_code text NOT NULL,
        category_code text NOT NULL,
        measure smallint NOT NULL,
        day date NOT NULL,
        count bigint NOT NULL CHECK (count > 0),
        PRIMARY KEY (source, region_code, category_code, measure, day)
    )
    """,
    """
    CREATE TABLE threshold_policy (
        policy_id uuid PRIMARY KEY,
        region_prefix text NOT NULL,
        category_code text NOT NULL,
        strategy smallint NOT NULL,
        window_days integer NOT NULL CHECK (window_days BETWEEN 1 AND 56),
        levels smallint[] NOT NULL,
        limits double precision[] NOT NULL,
        min_count integer NOT NULL CHECK (min_count >= 1),
        pending_evaluations integer NOT NULL CHECK (pending_evaluations >= 1),
        clear_evaluations integer NOT NULL CHECK (clear_evaluations >= 1),
        version bigint NOT NULL DEFAULT 1,
        position bigint GENERATED ALWAYS AS IDENTITY,
        CHECK (cardinality(levels) = cardinality(limits) AND cardinality(levels) >= 1)
    )
    """,
    # One row a day: which warnings each evaluation changed.
    """
    CREATE TABLE evaluation_run (
        as_of date PRIMARY KEY,
        cell_count integer NOT NULL,
        insufficient_history_count integer NOT NULL,
        forecaster text NOT NULL,
        changed_uids uuid[] NOT NULL,
        evaluated_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE warning (
        region_code text NOT NULL,
        uid uuid NOT NULL,
        category_code text NOT NULL,
        state smallint NOT NULL CHECK (state BETWEEN 1 AND 4),
        proposed_level smallint NOT NULL CHECK (proposed_level BETWEEN 1 AND 4),
        effective_level smallint NOT NULL CHECK (effective_level BETWEEN 1 AND 4),
        red_confirmed boolean NOT NULL DEFAULT false,
        first_exceeded_on date NOT NULL,
        fired_on date,
        resolved_on date,
        exceeded_streak integer NOT NULL,
        lower_streak integer NOT NULL,
        lower_level smallint NOT NULL,
        rest_level smallint NOT NULL,
        peak_count bigint NOT NULL,
        evaluation jsonb NOT NULL,
        verdict smallint NOT NULL DEFAULT 0,
        acknowledged_by jsonb,
        level_confirmed_by jsonb,
        judged_by jsonb,
        note text NOT NULL DEFAULT '',
        version bigint NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (region_code, uid),
        CHECK (effective_level < 4 OR red_confirmed),
        CHECK (state = 1 OR fired_on IS NOT NULL)
    )
    """,
    # One warning per matter and place.
    """
    CREATE UNIQUE INDEX warning_open ON warning (region_code, category_code)
    WHERE state < 4
    """,
    "CREATE INDEX warning_rest ON warning (region_code, category_code) WHERE rest_level > 0",
    "CREATE INDEX warning_latest ON warning (updated_at DESC, uid DESC)",
    """
    CREATE TABLE forecaster (
        uid uuid PRIMARY KEY,
        state smallint NOT NULL CHECK (state BETWEEN 1 AND 3),
        kind text NOT NULL,
        data_from date NOT NULL,
        data_to date NOT NULL,
        seed bigint NOT NULL,
        code_version text NOT NULL,
        validation_loss double precision NOT NULL,
        baseline_loss double precision NOT NULL,
        coverage_90 double precision NOT NULL,
        cell_count integer NOT NULL,
        trained_at timestamptz NOT NULL,
        weights bytea NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX forecaster_current ON forecaster (state) WHERE state = 2",
)
_DROPS = (
    "DROP TABLE forecaster, warning, evaluation_run, threshold_policy, recorded_count",
    "DROP TABLE cell_day, cell_delta",
    "DROP FUNCTION cell_delta_stays()",
)


def upgrade() -> None:
    create_foundation(op, op.get_context().version_table_schema or "public")
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DROPS:
        op.execute(statement)
    drop_foundation(op)
