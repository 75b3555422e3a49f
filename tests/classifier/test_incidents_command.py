"""``heed incidents FILE``: the service's grouping on a file, with every bad row named."""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from heed_classifier.adapters.data_files import content_book
from heed_classifier.commands import incidents
from heed_classifier.learning.corpus import CorpusWriter
from heed_shared.commands import CommandError, open_text
from tests.classifier.test_incidents import CONCRETE, ELSEWHERE, PROPERTY

COLUMNS = ("message_id", "time", "area", "subject", "detail")
START = datetime(2019, 3, 1, 8, 0)
Row = tuple[str, str, str, str, str]


def stream() -> list[Row]:
    """Concrete plant, property charges and another place among ordinary petitions."""
    samples = [s.text for s in CorpusWriter(content_book(), 12).write(120)]
    texts = [(text[:30], text[30:]) for text in samples]
    for place, text in zip(
        (20, 35, 50, 62, 77, 90), (*CONCRETE, *PROPERTY, ELSEWHERE), strict=True
    ):
        texts.insert(place, text)
    return [
        (f"m{n}", (START + timedelta(hours=n)).strftime("%Y-%m-%d %H:%M:%S"), "东区", *text)
        for n, text in enumerate(texts)
    ]


def write(path: Path, rows: Sequence[Sequence[str]], columns: Sequence[str] = COLUMNS) -> Path:
    with open_text(path, "w") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def run(path: Path, *words: str) -> dict[str, list[str]]:
    parser = argparse.ArgumentParser()
    incidents.configure(parser)
    out = path.parent / "out.json"
    assert incidents.run(parser.parse_args([str(path), "--out", str(out), *words])) == 0
    found: dict[str, list[str]] = json.loads(out.read_text("utf-8"))
    return found


def test_the_petitions_of_one_matter_come_out_together_and_lone_ones_not(tmp_path: Path) -> None:
    rows = stream()
    by_text = {row[3]: row[0] for row in rows}

    groups = run(write(tmp_path / "stream.csv.gz", rows))

    assert [by_text[text[0]] for text in CONCRETE] in list(groups.values())
    assert [by_text[text[0]] for text in PROPERTY] in list(groups.values())
    members = [name for group in groups.values() for name in group]
    assert by_text[ELSEWHERE[0]] not in members
    assert len(members) == len(set(members))
    assert min(map(len, groups.values())) >= 2


def test_the_order_of_rows_makes_no_difference_and_later_rows_rename_nothing(
    tmp_path: Path,
) -> None:
    rows = stream()

    whole = run(write(tmp_path / "whole.csv", rows))
    turned = run(write(tmp_path / "turned.csv", rows[::-1]))
    early = run(write(tmp_path / "early.csv", rows[:100]))

    assert whole == turned
    assert early
    for name, members in early.items():
        assert whole[name][: len(members)] == members


def test_details_describe_each_incident(tmp_path: Path) -> None:
    path = write(tmp_path / "stream.csv", stream())
    details = tmp_path / "details.json.gz"

    groups = run(path, "--area", "area", "--details", str(details))

    with gzip.open(details, "rt", encoding="utf-8") as file:
        described: dict[str, dict[str, Any]] = json.load(file)
    assert described.keys() == groups.keys()
    concrete = next(d for d in described.values() if "搅拌站" in d["keywords"])
    assert concrete["matter_count"] == 3
    assert concrete["places"] == ["东区"]
    assert concrete["first_seen_at"] < concrete["last_seen_at"]


GOOD = ("m1", "2019-03-01 08:00:00", "", "路灯不亮", "")
BAD = [
    ([GOOD, ("m2", "soon", "", "a", "")], COLUMNS, "row 3, column time"),
    ([GOOD, ("", "2019-03-01", "", "a", "")], COLUMNS, "row 3, column message_id"),
    ([GOOD, GOOD], COLUMNS, "row 3, column message_id"),
    ([GOOD, (*GOOD, "more")], COLUMNS, "row 3"),
    ([GOOD], ("message_id", "time", "area", "subject", "body"), "no column detail"),
    ([GOOD], ("message_id", "at", "area", "subject", "detail"), "no column time"),
]


@pytest.mark.parametrize(("rows", "columns", "told"), BAD)
def test_a_bad_row_is_named(
    tmp_path: Path, rows: Sequence[Sequence[str]], columns: Sequence[str], told: str
) -> None:
    path = write(tmp_path / "bad.csv", rows, columns)

    with pytest.raises(CommandError, match=told) as caught:
        run(path)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_absent_or_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "noise.csv.gz").write_bytes(b"\x00\xff\x00")
    (tmp_path / "noise.csv").write_bytes(b"message_id,time\n\xff\xfe\xfa,2\n")

    for name in ("absent.csv", "noise.csv.gz", "noise.csv"):
        with pytest.raises(CommandError, match=name):
            run(tmp_path / name)


@pytest.mark.parametrize(
    "written", ["2019/3/1 8:05:00", "2019/3/1 08:05", "2019-03-01T00:05:00Z", "2019-03-01 08:05"]
)
def test_the_times_of_common_exports_are_read(tmp_path: Path, written: str) -> None:
    path = write(tmp_path / "times.csv", [("m1", written, "", *CONCRETE[0])])
    parser = argparse.ArgumentParser()
    incidents.configure(parser)

    messages = incidents.read_messages(parser.parse_args([str(path)]))

    assert messages[0].received_at == datetime(2019, 3, 1, 0, 5, tzinfo=UTC)
