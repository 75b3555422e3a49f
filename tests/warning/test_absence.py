"""What must not exist here: anything that names a petition, a case or a person."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from heed.common.v1 import observation_pb2
from heed.disposal.v1 import events_pb2 as disposal_events_pb2
from heed.warning.v1 import events_pb2, resources_pb2, warning_service_pb2

from tests.warning.conftest import Post

FOUNDATION = {
    "feed_event", "feed_epoch", "feed_oldest", "feed_acknowledgement", "feed_cursor",
    "feed_parked", "request_record", "operation", "daily_job", "alembic_version", "audit_entry",
    "audit_chain",
}  # fmt: skip
NAMES_SOMEONE = re.compile(
    r"petition|case_|_case$|^case$|person|petitioner|reporter|citizen|phone|address|contact|"
    r"id_number|household|organi[sz]er|visit|score|label|subject|matter|text$",
    re.IGNORECASE,
)
# Staff who decided about a warning: the only people that this schema knows.
STAFF = {
    "acknowledged_by", "level_confirmed_by", "judged_by", "created_by", "ended_by", "promoted_by",
}  # fmt: skip


async def columns(post: Post) -> list[tuple[str, str, str]]:
    rows = await post.rows(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'warning'"
    )
    return [
        (row["table_name"], row["column_name"], row["data_type"])
        for row in rows
        if not row["table_name"].startswith("feed_") and row["table_name"] not in FOUNDATION
    ]


async def test_no_column_of_the_schema_names_a_petition_case_or_person(post: Post) -> None:
    found = await columns(post)
    assert {table for table, _, _ in found} == {
        "cell_delta", "cell_day", "recorded_count", "threshold_policy", "evaluation_run",
        "warning", "forecaster", "silence", "escalation_check", "recorded_source",
    }  # fmt: skip
    assert [row for row in found if NAMES_SOMEONE.search(row[1])] == []


async def test_tables_of_counts_can_hold_codes_days_and_numbers_only(post: Post) -> None:
    kinds = {
        (column, kind)
        for table, column, kind in await columns(post)
        if table in {"cell_delta", "cell_day", "recorded_count"}
    }
    texts = {column for column, kind in kinds if kind in {"text", "jsonb", "bytea", "uuid"}}
    assert texts == {"region_code", "category_code", "source"}
    staff = {column for _, column, kind in await columns(post) if kind == "jsonb"}
    assert staff == STAFF | {"evaluation", "escalation_steps", "losses"}


async def test_codes_in_counts_are_codes(post: Post) -> None:
    insert = (
        "INSERT INTO cell_delta (received_day, recorded_at, region_code, category_code, measure,"
        " delta) VALUES ('2025-06-02', now(), $1, $2, 1, 1)"
    )
    for region, category in (("petitions/1", "01"), ("320102", "张三")):
        with pytest.raises(Exception, match="check constraint"):
            await post.rows(insert, region, category)


def fields(descriptor: Descriptor, seen: set[str]) -> Iterator[FieldDescriptor]:
    """All fields of a message and of those inside it."""
    if descriptor.full_name in seen:
        return
    seen.add(descriptor.full_name)
    for field in descriptor.fields:
        yield field
        if field.message_type is not None:
            yield from fields(field.message_type, seen)


def test_no_field_of_the_contract_names_a_petition_case_or_person() -> None:
    seen: set[str] = set()
    messages = [
        *warning_service_pb2.DESCRIPTOR.message_types_by_name.values(),
        *resources_pb2.DESCRIPTOR.message_types_by_name.values(),
        *events_pb2.DESCRIPTOR.message_types_by_name.values(),
        *observation_pb2.DESCRIPTOR.message_types_by_name.values(),
        disposal_events_pb2.OutcomeEvent.DESCRIPTOR,
    ]
    found = [field for message in messages for field in fields(message, seen)]
    assert len(found) > 100
    wrong = {field.full_name for field in found if NAMES_SOMEONE.search(field.name)}
    assert wrong == set()


def test_the_pattern_finds_what_it_is_for() -> None:
    for name in ("petition", "petitioner_name", "case", "case_id", "person_key", "visit_count"):
        assert NAMES_SOMEONE.search(name), name
