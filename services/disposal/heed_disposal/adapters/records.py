"""Turns the records of a procedure into rows and back, field by field of their dataclasses."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from enum import IntEnum
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

from sqlalchemy import Row

from heed_disposal.adapters.case_rows import Values, actor_of, actor_value
from heed_disposal.domain.case import Case
from heed_disposal.domain.records import (
    ClosingReport,
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
SUPERVISION = "supervision"


def record_values(case: Case) -> list[Values]:
    """Return the rows of all records of a case."""
    key = {"region": case.region, "uid": case.uid}
    rows = []
    for kind in SINGLE:
        record = getattr(case.procedure, kind)
        if record is not None:
            rows.append(key | {"kind": kind, "number": 1, "body": _body(record)})
    rows += [
        key | {"kind": SUPERVISION, "number": item.number, "body": _body(item)}
        for item in case.procedure.supervisions
    ]
    return rows


def procedure_of(rows: list[Row[Any]]) -> Procedure:
    """Return the records of one case, whose rows come in the order of their numbers."""
    single = {row.kind: _record(SINGLE[row.kind], row.body) for row in rows if row.kind in SINGLE}
    supervisions = [_record(Supervision, row.body) for row in rows if row.kind == SUPERVISION]
    return Procedure(**single, supervisions=tuple(supervisions))


def _body(record: Any) -> Values:
    return {field.name: _stored(getattr(record, field.name)) for field in fields(record)}


def _stored(value: Any) -> Any:
    if isinstance(value, Actor):
        return actor_value(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return int(value) if isinstance(value, IntEnum) else value


def _record(kind: type[Record], body: Mapping[str, Any]) -> Record:
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name], value) for name, value in body.items()})


def _value(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    wanted = get_args(hint)[0] if isinstance(hint, UnionType) else hint
    if wanted is Actor:
        return actor_of(value)
    if wanted is datetime or wanted is date:
        return wanted.fromisoformat(value)
    return wanted(value)
