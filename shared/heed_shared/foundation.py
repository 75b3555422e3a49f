"""The tables that every service's schema has: feeds, request ids, operations, daily jobs.

A service's first revision calls ``create_foundation``. Making and dropping the daily partitions of
the event table takes the owner's rights, which the serving role has not: it calls two functions
that run as the owner and can do nothing else.
"""

from typing import Protocol


class Operations(Protocol):
    """The part of Alembic's ``op`` that is needed here."""

    def execute(self, sqltext: str) -> object:
        """Run one statement."""
        ...


_TABLES = (
    """
    CREATE TABLE feed_event (
        feed text NOT NULL,
        shard smallint NOT NULL,
        xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
        id bigint GENERATED ALWAYS AS IDENTITY,
        subject text NOT NULL,
        region_code text NOT NULL,
        etag text NOT NULL,
        recorded_at timestamptz NOT NULL,
        traceparent text NOT NULL,
        payload bytea NOT NULL,
        day date NOT NULL DEFAULT (statement_timestamp() AT TIME ZONE 'UTC')::date,
        PRIMARY KEY (feed, shard, xid, id, day)
    ) PARTITION BY RANGE (day)
    """,
    # Inserts must never fail for want of a day's partition.
    "CREATE TABLE feed_event_default PARTITION OF feed_event DEFAULT",
    """
    CREATE TABLE feed_epoch (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        epoch bigint NOT NULL,
        started_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "INSERT INTO feed_epoch (epoch) VALUES (1 + floor(random() * 2147483646)::bigint)",
    """
    CREATE TABLE feed_oldest (
        feed text NOT NULL,
        shard smallint NOT NULL,
        xid xid8 NOT NULL,
        id bigint NOT NULL,
        PRIMARY KEY (feed, shard)
    )
    """,
    """
    CREATE TABLE feed_acknowledgement (
        feed text NOT NULL,
        consumer text NOT NULL,
        shard smallint NOT NULL,
        xid xid8 NOT NULL,
        id bigint NOT NULL,
        last_seen_at timestamptz NOT NULL,
        PRIMARY KEY (feed, consumer, shard)
    )
    """,
    """
    CREATE TABLE feed_cursor (
        feed text NOT NULL,
        shard smallint NOT NULL,
        cursor text NOT NULL DEFAULT '',
        applied_count bigint NOT NULL DEFAULT 0,
        applied_at timestamptz,
        PRIMARY KEY (feed, shard)
    )
    """,
    """
    CREATE TABLE feed_parked (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        feed text NOT NULL,
        shard smallint NOT NULL,
        subject text NOT NULL,
        event bytea NOT NULL,
        error text NOT NULL,
        attempt_count integer NOT NULL,
        parked_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX feed_parked_subject ON feed_parked (feed, subject, id)",
    """
    CREATE TABLE request_record (
        caller text NOT NULL,
        method text NOT NULL,
        request_id text NOT NULL,
        digest bytea NOT NULL,
        response bytea,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (caller, method, request_id)
    )
    """,
    "CREATE INDEX request_record_recorded ON request_record (recorded_at)",
    """
    CREATE TABLE operation (
        name text PRIMARY KEY,
        key text NOT NULL,
        process uuid NOT NULL,
        metadata bytea NOT NULL,
        done boolean NOT NULL DEFAULT false,
        cancel_requested boolean NOT NULL DEFAULT false,
        response bytea,
        error bytea,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE UNIQUE INDEX operation_running ON operation (key) WHERE NOT done",
    """
    CREATE TABLE daily_job (
        name text PRIMARY KEY,
        last_day date NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
)

# A day whose events already lie in the default partition stays there; it is the next days that
# are made ahead. The lock on the parent is brief, and not waited for: writers come first.
_MAKE_DAY = """
CREATE FUNCTION feed_make_day(wanted date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = "{schema}", pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    partition text := 'feed_event_' || to_char(wanted, 'YYYYMMDD');
BEGIN
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN true;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF feed_event FOR VALUES FROM (%L) TO (%L)',
                   partition, wanted, wanted + 1);
    RETURN true;
EXCEPTION
    WHEN check_violation OR lock_not_available OR duplicate_table THEN
        RETURN false;
END
$$
"""
_DROP_DAY = """
CREATE FUNCTION feed_drop_day(gone date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = "{schema}", pg_temp SET lock_timeout = '200ms' AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS %I', 'feed_event_' || to_char(gone, 'YYYYMMDD'));
    RETURN true;
EXCEPTION
    WHEN lock_not_available THEN
        RETURN false;
END
$$
"""
_FUNCTIONS = (_MAKE_DAY, _DROP_DAY)
_FIRST_DAYS = "SELECT feed_make_day(current_date + ahead) FROM generate_series(0, 7) AS ahead"
_DROPS = (
    *(
        f"DROP TABLE {table}"
        for table in (
            "daily_job",
            "operation",
            "request_record",
            "feed_parked",
            "feed_cursor",
            "feed_acknowledgement",
            "feed_oldest",
            "feed_epoch",
            "feed_event",
        )
    ),
    "DROP FUNCTION feed_drop_day(date)",
    "DROP FUNCTION feed_make_day(date)",
)


def create_foundation(op: Operations, schema: str) -> None:
    """Create the tables in ``schema``, which must be first on the search path."""
    for statement in _TABLES:
        op.execute(statement)
    for statement in _FUNCTIONS:
        op.execute(statement.format(schema=schema))
    op.execute(_FIRST_DAYS)


def drop_foundation(op: Operations) -> None:
    """Drop what ``create_foundation`` made, with all that is in it."""
    for statement in _DROPS:
        op.execute(statement)
