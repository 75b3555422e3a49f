"""The tables of cases as SQLAlchemy knows them; the migrations make them, a test compares both."""

from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Identity,
    Integer,
    Interval,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

METADATA = MetaData()


def _texts(*names: str) -> list[Column[str]]:
    return [Column(name, Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[Column[int]]:
    return [Column(name, SmallInteger, nullable=False) for name in names]


def _flags(*names: str) -> list[Column[bool]]:
    return [Column(name, Boolean, nullable=False) for name in names]


def _moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _actor(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, JSONB(none_as_null=True), nullable=nullable)


def _key(*, numbered: bool) -> list[Column[object]]:
    columns: list[Column[object]] = [
        Column("region", Text, primary_key=True),
        Column("uid", Uuid, primary_key=True),
    ]
    if numbered:
        columns.append(Column("number", Integer, primary_key=True, autoincrement=False))
    return columns


CASES = Table(
    "cases",
    METADATA,
    *_key(numbered=False),
    Column("version", Integer, nullable=False),
    *_numbers("track", "state", "nature", "urgency", "importance", "people", "finding"),
    *_texts("matter", "petition", "warning", "handling_region", "category_code", "title"),
    *_texts("incident", "repeat_of", "proposed_unit", "unit"),
    *_flags("hazard", "sure", "solved", "erased", "report_required", "reopened", "rated"),
    *_flags("withdrawn"),
    *_texts("parent"),
    Column("joined_warnings", ARRAY(Text), nullable=False),
    _moment("told_at", nullable=True),
    Column("marks", JSONB, nullable=False),
    Column("recount_on", Date),
    _moment("concluded_at", nullable=True),
    _moment("unit_received_at", nullable=True),
    _actor("handler", nullable=True),
    _moment("received_at"),
    _moment("opened_at"),
    _moment("updated_at"),
)

DEADLINES = Table(
    "case_deadline",
    METADATA,
    *_key(numbered=True),
    *_texts("code", "title", "citation", "rule_version"),
    _moment("started_at"),
    Column("set_due_on", Date),
    Column("extended_days", Integer, nullable=False),
    Column("pauses", JSONB, nullable=False),
    *_numbers("state"),
    _moment("met_at", nullable=True),
    Column("due_internal", Date),
    Column("due_legal", Date),
    _moment("due_at", nullable=True),
    *_flags("provisional", "countable", "counted_overdue"),
    _moment("burns_at", nullable=True),
    *_texts("handling_region", "unit", "counted_region", "counted_category"),
    Column("counted_on", Date),
    Column("stood_still", Interval, nullable=False),
    *_texts("extension_reason"),
    _actor("extension_approved_by", nullable=True),
    _moment("escalated_at", nullable=True),
    *_numbers("escalated_to"),
)

RECORDS = Table(
    "case_record",
    METADATA,
    *_key(numbered=False),
    Column("kind", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("body", JSONB, nullable=False),
)

ASSESSMENTS = Table(
    "case_assessment",
    METADATA,
    *_key(numbered=True),
    *_numbers("severity", "scope", "development", "level"),
    Column("reasons", ARRAY(Text), nullable=False),
    Column("uncertainties", ARRAY(Text), nullable=False),
    *_flags("proposed"),
    _actor("assessed_by", nullable=True),
    _moment("assessed_at", nullable=True),
    _actor("second_reader", nullable=True),
)

MEASURES = Table(
    "case_measure",
    METADATA,
    *_key(numbered=True),
    *_numbers("kind", "status"),
    *_texts("title", "purpose", "legal_basis", "owner_unit", "playbook", "approver_role"),
    *_texts("approval_note", "result"),
    Column("due_on", Date, nullable=False),
    _actor("planned_by"),
    _actor("approved_by", nullable=True),
    Column("details", JSONB(none_as_null=True)),
    *_texts("proportionality_note", "side_effects", "stop_reason"),
    Column("personal_data_used", ARRAY(Text), nullable=False),
    _moment("started_at", nullable=True),
    _moment("ended_at", nullable=True),
    Column("cost", Double, nullable=False),
    *_numbers("effect"),
    Column("promises", JSONB, nullable=False),
    Column("documents", JSONB, nullable=False),
    Column("revision_of", Integer, nullable=False),
)

FOLLOW_UPS = Table(
    "case_follow_up",
    METADATA,
    *_key(numbered=True),
    Column("scheduled_on", Date, nullable=False),
    *_texts("occasion", "note"),
    *_numbers("result"),
    _actor("recorded_by", nullable=True),
    _moment("recorded_at", nullable=True),
    Column("measure", Integer, nullable=False),
    *_numbers("attempt"),
)

OPINIONS = Table(
    "case_opinion",
    METADATA,
    *_key(numbered=True),
    *_numbers("outcome"),
    *_texts("text", "legal_basis"),
    _actor("issued_by"),
    _moment("issued_at"),
)

RATINGS = Table(
    "case_rating",
    METADATA,
    *_key(numbered=False),
    *_texts("handling_region", "comment"),
    *_numbers("office", "unit"),
    _moment("rated_at"),
)

LESSONS = Table(
    "case_lesson",
    METADATA,
    Column("region", Text, nullable=False),
    Column("uid", Uuid, nullable=False),
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    *_texts("handling_region", "category_code", "text", "proposal", "addressee"),
    _actor("recorded_by"),
    _moment("recorded_at"),
)

STEPS = Table(
    "case_step",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("region", Text, nullable=False),
    Column("uid", Uuid, nullable=False),
    *_texts("action", "note", "unit"),
    Column("from_state", SmallInteger),
    *_numbers("to_state", "kind"),
    _moment("stepped_at"),
    _actor("actor"),
    _moment("due_at", nullable=True),
)

WITHDRAWN = Table(
    "withdrawn_petition",
    METADATA,
    Column("petition", Text, primary_key=True),
    _moment("withdrawn_at"),
)

ESCALATION_WATCH = Table(
    "escalation_watch",
    METADATA,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    _moment("checked_at"),
)
