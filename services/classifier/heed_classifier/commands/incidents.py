"""``heed incidents FILE``: group the petitions of a file into incidents, as the service does.

Petitions are taken in the order of their time and each is placed by those before it alone. An
incident is named after the petition that founded it, so that rows appended later rename nothing.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from heed_classifier.adapters.ordinary_language import term_reader
from heed_classifier.domain.incident_summary import Summary, summarize
from heed_classifier.domain.incidents import (
    WINDOW,
    CityGrouping,
    IncidentKey,
    Known,
    MatterKey,
    TermCounts,
)
from heed_classifier.domain.text import PetitionText, title_of
from heed_shared.commands import CommandError, open_text, progress

_ZONE: Final = ZoneInfo("Asia/Shanghai")
# The file is one city; which one, nobody needs to know.
_CITY: Final = "000000"
_FORMATS: Final = ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d")
# Matters held before those out of reach are forgotten, and terms counted before the rarest are.
_SWEEP: Final = 20_000
_MOST_TERMS: Final = 2_000_000
# The longest text that a petition may have.
_LONGEST_FIELD: Final = 1_000_000


@dataclass(frozen=True)
class Message:
    """One row of the file."""

    name: str
    received_at: datetime
    text: PetitionText
    area: str


@dataclass(frozen=True)
class Incident:
    """One incident: the ids of its petitions in the order of time, and what is shown of it."""

    members: list[str]
    summary: Summary


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options; ``file`` may be left out, which asks the running suite instead."""
    parser.add_argument(
        "file", nargs="?", type=Path, help="信访件 CSV 文件，可为 .gz；petitions of one city"
    )
    parser.add_argument("--id", default="message_id", help="编号列 column of the id")
    parser.add_argument("--time", default="time", help="时间列 column of the time received")
    parser.add_argument(
        "--text", default="subject,detail", help="正文列，以逗号分隔 columns of the text"
    )
    parser.add_argument("--area", default="", help="地区列 column of the place, shown in --details")
    parser.add_argument("--out", type=Path, help="输出 {incident: [ids]}; required with FILE")
    parser.add_argument(
        "--details", type=Path, help="事件详情 titles, keywords, times, places and counts"
    )


def run(options: argparse.Namespace) -> int:
    """Group the file and write the incidents.

    Raises:
        CommandError: The file, a column or a row cannot be read.
    """
    if options.out is None:
        raise CommandError("--out: name the file to write")
    messages = read_messages(options)
    incidents = group(messages)
    _write(options.out, {name: incident.members for name, incident in incidents.items()})
    if options.details is not None:
        _write(options.details, {name: _details(found) for name, found in incidents.items()})
    return 0


def read_messages(options: argparse.Namespace) -> list[Message]:
    """Read all rows, in the order of time and, at the same time, of the file."""
    path = options.file
    columns = [column.strip() for column in options.text.split(",") if column.strip()]
    wanted = [options.id, options.time, *columns, *([options.area] if options.area else [])]
    csv.field_size_limit(_LONGEST_FIELD)
    messages: dict[str, Message] = {}
    with open_text(path) as file:
        for place, row in _rows(path, file, wanted):
            name = row[options.id].strip()
            if not name:
                raise CommandError(f"{path}: row {place}, column {options.id}: is empty")
            if name in messages:
                raise CommandError(f"{path}: row {place}, column {options.id}: {name} came before")
            at = _moment(row[options.time])
            if at is None:
                raise CommandError(
                    f"{path}: row {place}, column {options.time}: is no time such as"
                    " 2019-07-07 08:30:00"
                )
            texts = [row[column] for column in columns]
            text = PetitionText(texts[0], "\n".join(texts[1:]))
            messages[name] = Message(name, at, text, row.get(options.area, "").strip())
    return sorted(messages.values(), key=lambda message: message.received_at)


def group(messages: Sequence[Message]) -> dict[str, Incident]:
    """Incidents by name, in the order of their first petition."""
    reader, counts = term_reader(), TermCounts({}, 0)
    grouping = CityGrouping(counts)
    ended: list[Incident] = []
    limit = _SWEEP
    with progress() as bar:
        task = bar.add_task("归并 grouping", total=len(messages))
        for number, message in enumerate(messages):
            key = MatterKey(_CITY, UUID(int=number))
            terms = reader.read(message.text)
            known = Known(
                key, counts.arrive(terms), message.received_at, "", title_of(message.text),
                message.area,
            )  # fmt: skip
            grouping.add(known, terms.names.keys(), IncidentKey(_CITY, UUID(int=number)))
            if len(grouping) > limit:
                ended += _incidents(grouping.forget(message.received_at - WINDOW), messages)
                limit = max(_SWEEP, 2 * len(grouping))
                if len(counts) > _MOST_TERMS:
                    counts.forget_rare()
            bar.advance(task)
    found = ended + _incidents(grouping.forget(datetime.max.replace(tzinfo=_ZONE)), messages)
    found.sort(key=lambda incident: (incident.summary.first_seen_at, incident.members[0]))
    return {f"incident-{incident.members[0]}": incident for incident in found}


def _incidents(groups: Sequence[Sequence[Known]], messages: Sequence[Message]) -> list[Incident]:
    """Describe incidents that nothing can join any more, so that their profiles can go."""
    return [
        Incident([messages[known.key.uid.int].name for known in members], summarize(members))
        for members in groups
    ]


def _rows(path: Path, file: Any, wanted: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows with their number, the line of column names being 1."""
    try:
        reader = csv.DictReader(file, restval="")
        for column in wanted:
            if column not in (reader.fieldnames or ()):
                raise CommandError(f"{path}: row 1: has no column {column}")
        for place, row in enumerate(reader, 2):
            if None in row:
                raise CommandError(f"{path}: row {place}: has more columns than row 1")
            yield place, row
    except (csv.Error, UnicodeDecodeError, EOFError, OSError) as error:
        raise CommandError(f"{path}: cannot be read: {error}") from error


def _moment(text: str) -> datetime | None:
    """A time as written in a file; without a zone it is that of China."""
    clean = text.strip()
    moment: datetime | None = None
    try:
        moment = datetime.fromisoformat(clean)
    except ValueError:
        for form in _FORMATS:
            try:
                moment = datetime.strptime(clean, form)
                break
            except ValueError:
                continue
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=_ZONE)
    return moment


def _details(incident: Incident) -> dict[str, Any]:
    summary = incident.summary
    return {
        "title": summary.title,
        "keywords": list(summary.keywords),
        "first_seen_at": summary.first_seen_at.isoformat(),
        "last_seen_at": summary.last_seen_at.isoformat(),
        "places": list(summary.places),
        "matter_count": summary.matter_count,
        "recent_count": summary.recent_count,
        "previous_count": summary.previous_count,
    }


def _write(path: Path, data: dict[str, Any]) -> None:
    with open_text(path, "w") as file:
        json.dump(data, file, ensure_ascii=False, indent=1)
        file.write("\n")
