"""Maps the columns of a user's file to the fields that Heed needs, by name.

The guesses cover what exports of mailboxes and hotlines call these things in Chinese and English; a
column that no guess finds can be named with `--map field=column`. A required field without a column
is an error that names the field and lists the columns there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

GUESSES: dict[str, tuple[str, ...]] = {
    "received_at": (
        "received_at",
        "time",
        "created_at",
        "create_time",
        "create_date",
        "created",
        "datetime",
        "date",
        "requested_datetime",
        "留言时间",
        "来信时间",
        "受理时间",
        "登记时间",
        "时间",
        "日期",
    ),
    "request": ("request", "subject", "title", "留言主题", "主题", "标题", "诉求"),
    "facts": (
        "facts",
        "detail",
        "content",
        "text",
        "description",
        "message",
        "body",
        "留言详情",
        "来信内容",
        "诉求内容",
        "内容",
        "详情",
    ),
    "area": (
        "region_code",
        "area",
        "region",
        "district",
        "ward",
        "地区",
        "区域",
        "区县",
        "行政区划",
    ),
    "external_id": (
        "external_id",
        "message_id",
        "id",
        "uid",
        "sr_number",
        "service_request_id",
        "留言编号",
        "编号",
    ),
}
REQUIRED = ("received_at", "facts")
WORDS = {"received_at": "the time of receipt", "facts": "the text"}


class ColumnsError(ValueError):
    """The file's columns do not say where something is; the message names it."""


@dataclass(frozen=True)
class Columns:
    """Which column holds which field; absent fields are not in `by_field`."""

    by_field: Mapping[str, str]

    def value(self, row: Mapping[str, object], field: str) -> str:
        """Returns the field of a row as text without outer blanks; "" where there is none."""
        column = self.by_field.get(field)
        value = row.get(column) if column is not None else None
        return "" if value is None else str(value).strip()


def map_columns(present: Sequence[str], named: Mapping[str, str] | None = None) -> Columns:
    """Finds the column of each field among those `present`; `named` overrules the guesses.

    Raises:
        ColumnsError: A required field has no column, or `named` names what there is not.
    """
    named = named or {}
    for field, column in named.items():
        if field not in GUESSES:
            raise ColumnsError(f"there is no field {field!r}; fields are {', '.join(GUESSES)}")
        if column not in present:
            raise ColumnsError(
                f"no column {column!r} for {field}; columns are {', '.join(present)}"
            )
    by_lower = {column.strip().lower(): column for column in present}
    found = dict(named)
    for field, guesses in GUESSES.items():
        hits = [by_lower[guess] for guess in guesses if guess in by_lower]
        if field not in found and hits:
            found[field] = hits[0]
    if "facts" not in found and "request" in found:
        found["facts"] = found.pop("request")
    missing = [field for field in REQUIRED if field not in found]
    if missing:
        words = " and ".join(f"{WORDS[field]} ({field})" for field in missing)
        raise ColumnsError(
            f"no column for {words}; the columns are {', '.join(present)}. "
            f"Name it with --map {missing[0]}=COLUMN"
        )
    return Columns(found)
