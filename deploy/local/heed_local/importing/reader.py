"""Reads CSV or JSONL, plain or .gz, UTF-8 or GB18030, row by row.

Every row comes out either as a `Row` or as a `RejectedRow` with its line and the reason in plain
words; none is dropped in silence.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from heed_local.importing.columns import Columns, ColumnsError, map_columns
from heed_shared.clock import SHANGHAI

FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y年%m月%d日",
)
SAMPLE_BYTES = 1 << 20
# Chinese in GB18030 read as UTF-8 is damaged almost throughout.
MOST_DAMAGED = 0.3


@dataclass(frozen=True)
class Row:
    """One petition as the file tells it."""

    line: int
    received_at: datetime
    area: str
    request: str
    facts: str
    external_id: str


@dataclass(frozen=True)
class RejectedRow:
    """A row that cannot be taken, and why."""

    line: int
    reason: str


def read_rows(path: Path, named: Mapping[str, str] | None = None) -> Iterator[Row | RejectedRow]:
    """Reads the file's rows in its own order.

    Raises:
        ColumnsError: A required column is missing, or the file is empty or of no known kind.
        OSError: The file cannot be read.
    """
    columns: Columns | None = None
    for line, row in _records(path):
        if isinstance(row, RejectedRow):
            yield row
            continue
        if columns is None:
            columns = map_columns(list(row), named)
        yield _row(line, row, columns)
    if columns is None:
        raise ColumnsError(f"{path.name} has no rows")


def _row(line: int, row: Mapping[str, object], columns: Columns) -> Row | RejectedRow:
    request, facts = columns.value(row, "request"), columns.value(row, "facts")
    when = columns.value(row, "received_at")
    if any("\udc80" <= character <= "\udcff" for character in request + facts):
        return RejectedRow(line, "the text has bytes that are neither UTF-8 nor GB18030")
    if not request and not facts:
        return RejectedRow(line, "the text is empty")
    if not when:
        return RejectedRow(line, "the time of receipt is empty")
    received_at = parse_time(when)
    if received_at is None:
        return RejectedRow(line, f"the time of receipt {when[:40]!r} cannot be read")
    return Row(
        line=line,
        received_at=received_at,
        area=columns.value(row, "area"),
        request=request,
        facts=facts,
        external_id=columns.value(row, "external_id"),
    )


def parse_time(text: str) -> datetime | None:
    """Reads a time; one without a zone is Asia/Shanghai. None when it cannot be read."""
    readers: list[Callable[[str], datetime]] = [datetime.fromisoformat]
    readers += [partial(_strptime, form=form) for form in FORMATS]
    for read in readers:
        with suppress(ValueError):
            moment = read(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)
    return None


def _strptime(text: str, form: str) -> datetime:
    return datetime.strptime(text, form).replace(tzinfo=SHANGHAI)


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any] | RejectedRow]]:
    name = path.name.removesuffix(".gz").lower()
    with _open(path) as file:
        if name.endswith((".jsonl", ".ndjson", ".json")):
            yield from _json_records(file)
        elif name.endswith((".csv", ".tsv", ".txt")):
            yield from _csv_records(file, "\t" if name.endswith(".tsv") else ",")
        else:
            raise ColumnsError(f"{path.name}: name it .csv, .tsv or .jsonl, plain or .gz")


def _open(path: Path) -> IO[str]:
    with _bytes(path) as sample:
        encoding = _encoding(sample.read(SAMPLE_BYTES))
    return io.TextIOWrapper(_bytes(path), encoding=encoding, errors="surrogateescape", newline="")


def _bytes(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.GzipFile(path) if path.name.endswith(".gz") else path.open("rb"))


def _encoding(head: bytes) -> str:
    """UTF-8, unless so much of the sample is not that a few damaged bytes cannot explain it."""
    read = head.decode("utf-8", errors="surrogateescape")
    damaged = sum("\udc80" <= character <= "\udcff" for character in read)
    foreign = sum(byte >= 0x80 for byte in head)
    return "gb18030" if damaged > MOST_DAMAGED * foreign else "utf-8-sig"


def _csv_records(
    file: IO[str], delimiter: str
) -> Iterator[tuple[int, dict[str, Any] | RejectedRow]]:
    csv.field_size_limit(min(sys.maxsize, 1 << 30))
    reader = csv.DictReader(file, delimiter=delimiter, restkey="\0extra")

    while True:
        start = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield start, RejectedRow(start, f"no readable CSV: {error}")
            continue
        start = max(start, 2)
        extra = row.pop("\0extra", None)
        if extra:
            yield start, RejectedRow(start, f"{len(extra)} more cells than the header has columns")
            continue
        yield start, row


def _json_records(file: IO[str]) -> Iterator[tuple[int, dict[str, Any] | RejectedRow]]:
    for line, text in enumerate(file, start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except json.JSONDecodeError as error:
            yield line, RejectedRow(line, f"no readable JSON: {error.msg}")
            continue
        if isinstance(row, dict):
            yield line, row
        else:
            yield line, RejectedRow(line, "the line is no JSON object")
