"""Turns the records of a procedure into rows and back, field by field of their dataclasses.

The same holds for whatever else is kept as one body of JSON, such as the details of measures.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import IntEnum
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from sqlalchemy import Row

from heed_disposal.adapters.case_rows import Values, actor_of, actor_value
from heed_disposal.domain.case import Case
from heed_disposal.domain.records import (
    ClosingReport,
    MajorReport,
    Notice,
    Objection,
    Procedure,
    Review,
    Service,
    Supervision,
)
from heed_disposal.domain.terms import Actor

Record = TypeVar("Record")

SINGLE: dict[str, type[Any]] = {
    "objection": Objection,
    "notice": Notice,
    "service": Service,
    "review": Review,
    "recheck": Review,
    "closing_report": ClosingReport,
}
"""Kinds of which the case holds the latest, by the name of their field."""
SEVERAL: dict[str, type[Any]] = {"supervision": Supervision, "major_report": MajorReport}
"""Kinds of which the case holds all, by the name of their field without its plural."""


def record_values(case: Case) -> list[Values]:
    """Return the rows of all records of a case."""
    key = {"region": case.region, "uid": case.uid}
    rows = []
    for kind in SINGLE:
        record = getattr(case.procedure, kind)
        if record is not None:
            rows.append(key | {"kind": kind, "number": 1, "body": body_of(record)})
    for kind in SEVERAL:
        rows += [
            key | {"kind": kind, "number": item.number, "body": body_of(item)}
            for item in getattr(case.procedure, f"{kind}s")
        ]
    return rows


def procedure_of(rows: list[Row[Any]]) -> Procedure:
    """Return the records of one case, whose rows come in the order of their numbers."""
    single = {row.kind: record_of(SINGLE[row.kind], row.body) for row in rows if row.kind in SINGLE}
    several: dict[str, Any] = {
        f"{kind}s": tuple(record_of(record, row.body) for row in rows if row.kind == kind)
        for kind, record in SEVERAL.items()
    }
    return Procedure(**single, **several)


def body_of(record: Any) -> Values:
    """Return a dataclass as it is stored."""
    return {field.name: _stored(getattr(record, field.name)) for field in fields(record)}


def _stored(value: Any) -> Any:
    if isinstance(value, Actor):
        return actor_value(value)
    if isinstance(value, tuple):
        return [_stored(item) for item in value]
    if is_dataclass(value):
        return body_of(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return int(value) if isinstance(value, IntEnum) else value


def record_of(kind: type[Record], body: Mapping[str, Any]) -> Record:
    """Return the dataclass of a stored body."""
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name], value) for name, value in body.items()})


def _value(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    wanted = get_args(hint)[0] if isinstance(hint, UnionType) else hint
    if get_origin(wanted) is tuple:
        return tuple(_value(get_args(wanted)[0], item) for item in value)
    if wanted is Actor:
        return actor_of(value)
    if isinstance(wanted, type) and is_dataclass(wanted):
        return record_of(wanted, value)
    if wanted is datetime or wanted is date:
        return wanted.fromisoformat(value)
    return wanted(value)
