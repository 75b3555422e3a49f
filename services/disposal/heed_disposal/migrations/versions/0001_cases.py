"""The foundation and the tables of cases.

Rows hang on (region, uid) of their case. A case is opened once for a matter and once for a warning.
The dates of a deadline are a projection of its start, pauses and extension under its rule version.
"""

from alembic import op

from heed_shared.migrations import create_foundation, drop_foundation

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE cases (
        region text NOT NULL,
        uid uuid NOT NULL,
        version integer NOT NULL,
        track smallint NOT NULL,
        state smallint NOT NULL,
        matter text NOT NULL,
        petition text NOT NULL,
        warning text NOT NULL,
        handling_region text COLLATE "C" NOT NULL,
        category_code text NOT NULL,
        title text NOT NULL,
        nature smallint NOT NULL,
        urgency smallint NOT NULL,
        importance smallint NOT NULL,
        people smallint NOT NULL,
        hazard boolean NOT NULL,
        sure boolean NOT NULL,
        incident text NOT NULL,
        proposed_unit text NOT NULL,
        unit text NOT NULL,
        unit_received_at timestamptz,
        handler jsonb,
        received_at timestamptz NOT NULL,
        opened_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        solved boolean NOT NULL,
        finding smallint NOT NULL,
        erased boolean NOT NULL,
        PRIMARY KEY (region, uid),
        CHECK ((matter = '') <> (warning = '')),
        CHECK ((matter = '') = (petition = ''))
    )
    """,
    "CREATE UNIQUE INDEX cases_matter ON cases (matter) WHERE matter <> ''",
    "CREATE UNIQUE INDEX cases_warning ON cases (warning) WHERE warning <> ''",
    "CREATE INDEX cases_petition ON cases (petition) WHERE petition <> ''",
    "CREATE INDEX cases_incident ON cases (incident, received_at) WHERE incident <> ''",
    "CREATE INDEX cases_opened ON cases (opened_at DESC, uid DESC)",
    """
    CREATE TABLE case_deadline (
        region text NOT NULL,
        uid uuid NOT NULL,
        number integer NOT NULL,
        code text NOT NULL,
        title text NOT NULL,
        citation text NOT NULL,
        rule_version text NOT NULL,
        started_at timestamptz NOT NULL,
        set_due_on date,
        extended_days integer NOT NULL,
        pauses jsonb NOT NULL,
        state smallint NOT NULL,
        met_at timestamptz,
        due_internal date,
        due_legal date,
        due_at timestamptz,
        provisional boolean NOT NULL,
        burns_at timestamptz,
        handling_region text COLLATE "C" NOT NULL,
        countable boolean NOT NULL,
        counted_region text NOT NULL,
        counted_category text NOT NULL,
        counted_on date,
        counted_overdue boolean NOT NULL,
        PRIMARY KEY (region, uid, number),
        FOREIGN KEY (region, uid) REFERENCES cases ON DELETE CASCADE,
        CHECK (due_legal >= due_internal),
        CHECK (counted_on IS NOT NULL OR NOT counted_overdue)
    )
    """,
    """
    CREATE INDEX case_deadline_burning
        ON case_deadline (burns_at, region, uid, number) INCLUDE (handling_region)
        WHERE state = 1
    """,
    """
    CREATE INDEX case_deadline_uncounted
        ON case_deadline (due_internal) WHERE countable AND counted_on IS NULL
    """,
    """
    CREATE TABLE case_assessment (
        region text NOT NULL,
        uid uuid NOT NULL,
        number integer NOT NULL,
        severity smallint NOT NULL,
        scope smallint NOT NULL,
        development smallint NOT NULL,
        level smallint NOT NULL,
        reasons text[] NOT NULL,
        uncertainties text[] NOT NULL,
        proposed boolean NOT NULL,
        assessed_by jsonb,
        assessed_at timestamptz,
        PRIMARY KEY (region, uid, number),
        FOREIGN KEY (region, uid) REFERENCES cases ON DELETE CASCADE,
        CHECK (proposed = (assessed_by IS NULL))
    )
    """,
    """
    CREATE TABLE case_measure (
        region text NOT NULL,
        uid uuid NOT NULL,
        number integer NOT NULL,
        kind smallint NOT NULL,
        status smallint NOT NULL,
        title text NOT NULL,
        purpose text NOT NULL,
        legal_basis text NOT NULL,
        owner_unit text NOT NULL,
        due_on date NOT NULL,
        playbook text NOT NULL,
        planned_by jsonb NOT NULL,
        approver_role text NOT NULL,
        approved_by jsonb,
        approval_note text NOT NULL,
        result text NOT NULL,
        PRIMARY KEY (region, uid, number),
        FOREIGN KEY (region, uid) REFERENCES cases ON DELETE CASCADE,
        CHECK (approved_by IS NULL OR approved_by->>'identity' <> planned_by->>'identity'),
        CHECK (status NOT IN (2, 3, 4) OR approved_by IS NOT NULL)
    )
    """,
    """
    CREATE TABLE case_follow_up (
        region text NOT NULL,
        uid uuid NOT NULL,
        number integer NOT NULL,
        scheduled_on date NOT NULL,
        occasion text NOT NULL,
        result smallint NOT NULL,
        note text NOT NULL,
        recorded_by jsonb,
        recorded_at timestamptz,
        PRIMARY KEY (region, uid, number),
        FOREIGN KEY (region, uid) REFERENCES cases ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE case_opinion (
        region text NOT NULL,
        uid uuid NOT NULL,
        outcome smallint NOT NULL,
        text text NOT NULL,
        legal_basis text NOT NULL,
        issued_by jsonb NOT NULL,
        issued_at timestamptz NOT NULL,
        PRIMARY KEY (region, uid),
        FOREIGN KEY (region, uid) REFERENCES cases ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE case_step (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        region text NOT NULL,
        uid uuid NOT NULL,
        action text NOT NULL,
        from_state smallint,
        to_state smallint NOT NULL,
        stepped_at timestamptz NOT NULL,
        actor jsonb NOT NULL,
        note text NOT NULL,
        kind smallint NOT NULL,
        unit text NOT NULL,
        due_at timestamptz,
        FOREIGN KEY (region, uid) REFERENCES cases ON DELETE CASCADE
    )
    """,
    "CREATE INDEX case_step_case ON case_step (region, uid, id)",
    """
    CREATE TABLE withdrawn_petition (
        petition text PRIMARY KEY,
        withdrawn_at timestamptz NOT NULL
    )
    """,
)
_DROPS = (
    "withdrawn_petition",
    "case_step",
    "case_opinion",
    "case_follow_up",
    "case_measure",
    "case_assessment",
    "case_deadline",
    "cases",
)


def upgrade() -> None:
    create_foundation(op, "disposal")
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    for table in _DROPS:
        op.execute(f"DROP TABLE {table}")
    drop_foundation(op)
