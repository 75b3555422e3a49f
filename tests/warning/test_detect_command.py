"""`heed detect` reads any long table of counts and refuses what cannot be meant."""

from __future__ import annotations

import argparse
import csv
import gzip
import math
import random
from datetime import date, timedelta
from pathlib import Path

import pytest

from heed_shared.commands import CommandError
from heed_warning.commands import detect

WEEKS = 50


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    detect.configure(parser)
    return parser.parse_args(list(arguments))


def run(path: Path, out: Path, *more: str, series: str = "place") -> list[dict[str, str]]:
    columns = ("--series", series, "--time", "week", "--count", "count")
    assert detect.run(options(str(path), *columns, "--out", str(out), *more)) == 0
    written = out.read_bytes()
    text = gzip.decompress(written) if out.suffix == ".gz" else written
    return list(csv.DictReader(text.decode().splitlines()))


def table(weeks: int = WEEKS) -> list[str]:
    rng = random.Random(3)
    return [
        f"{place},{week},{rng.randint(2, 9)}"
        for place in ("a", "b")
        for week in range(1, weeks + 1)
    ]


def write(path: Path, rows: list[str], header: str = "place,week,count") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def rows_from_45(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """The scores of the plain table from week 45 on."""
    folder = tmp_path_factory.mktemp("plain")
    return run(write(folder / "in.csv", table()), folder / "out.csv", "--start", "45")


def test_every_row_from_the_start_on_has_a_score(rows_from_45: list[dict[str, str]]) -> None:
    rows = rows_from_45
    assert [(row["place"], row["week"]) for row in rows] == [
        (place, str(week)) for place in "ab" for week in range(45, WEEKS + 1)
    ]
    assert list(rows[0]) == ["place", "week", "score", "tail_probability", "outcome"]
    assert {row["outcome"] for row in rows} == {"SCORED"}
    assert all(0.0 < float(row["tail_probability"]) <= 1.0 for row in rows)


def test_rows_in_any_order_get_the_same_scores_in_their_order(
    tmp_path: Path, rows_from_45: list[dict[str, str]]
) -> None:
    rows = table()
    # The first series stays the first: equal sums of series are equal to the last bit then.
    mixed = sorted(rows, key=lambda row: (row[0], random.Random(row).random()))
    shuffled = run(write(tmp_path / "mixed.csv", mixed), tmp_path / "out2.csv", "--start", "45")
    by_key = {(row["place"], row["week"]): row for row in rows_from_45}
    assert [by_key[row["place"], row["week"]] for row in shuffled] == shuffled
    wanted = [row.split(",")[:2] for row in mixed if int(row.split(",")[1]) >= 45]
    assert [[row["place"], row["week"]] for row in shuffled] == wanted


def test_compressed_tables_are_read_and_written(tmp_path: Path) -> None:
    path = tmp_path / "in.csv.gz"
    path.write_bytes(gzip.compress("\n".join(["place,week,count", *table()]).encode()))
    assert len(run(path, tmp_path / "out.csv.gz", "--start", "50")) == 2


def test_without_a_start_rows_with_enough_history_are_scored(tmp_path: Path) -> None:
    rows = run(write(tmp_path / "in.csv", table(weeks=30)), tmp_path / "out.csv")
    assert [row["week"] for row in rows if row["place"] == "a"] == ["27", "28", "29", "30"]


def test_dates_are_times_and_a_start(tmp_path: Path) -> None:
    monday = date(2012, 1, 2)
    rows = [f"a,{monday + timedelta(weeks=week)},{week % 4 + 1}" for week in range(60)]
    scored = run(
        write(tmp_path / "in.csv", rows), tmp_path / "out.csv", "--start",
        str(monday + timedelta(weeks=58, days=-2)),
    )  # fmt: skip
    assert [row["week"] for row in scored] == [
        str(monday + timedelta(weeks=week)) for week in (58, 59)
    ]


def test_a_missing_week_has_no_row_and_changes_no_step(tmp_path: Path) -> None:
    rows = [row for row in table() if row.split(",")[1] != "47" or row[0] != "a"]
    scored = run(write(tmp_path / "in.csv", rows), tmp_path / "out.csv", "--start", "45")
    assert ("a", "47") not in {(row["place"], row["week"]) for row in scored}
    assert len(scored) == 11


def test_a_series_of_one_point_has_insufficient_history(tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", [*table(), "c,50,900"])
    rows = run(path, tmp_path / "out.csv", "--start", "50")
    assert rows[-1]["outcome"] == "INSUFFICIENT_HISTORY"
    assert float(rows[-1]["score"]) < min(float(row["score"]) for row in rows[:-1])


def test_zeros_a_millionfold_spike_and_days_to_come_have_scores_as_any_row(tmp_path: Path) -> None:
    monday = date(2998, 1, 6)
    kinds = {"calm": [3, 5, 4], "zeros": [0], "spike": [4, 3, 6]}
    rows = [
        f"{name},{monday + timedelta(weeks=week)},{daily[week % len(daily)]}"
        for week in range(30)
        for name, daily in kinds.items()
    ]
    rows[-1] = rows[-1].rpartition(",")[0] + ",1000000"
    found = run(write(tmp_path / "in.csv", rows), tmp_path / "out.csv")[-3:]
    scores = {row["place"]: float(row["score"]) for row in found}
    assert {row["outcome"] for row in found} == {"SCORED"}
    assert all(math.isfinite(score) for score in scores.values())
    assert max(scores, key=scores.__getitem__) == "spike"
    tails = {row["place"]: float(row["tail_probability"]) for row in found}
    assert tails["spike"] < 0.01 < min(tails["zeros"], tails["calm"])


def test_only_the_count_is_read_beside_series_and_time(
    tmp_path: Path, rows_from_45: list[dict[str, str]]
) -> None:
    labelled = write(
        tmp_path / "more.csv", [f"{row},{place % 2},x" for place, row in enumerate(table())],
        "place,week,count,state,note",
    )  # fmt: skip
    assert run(labelled, tmp_path / "out2.csv", "--start", "45") == rows_from_45


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,51,-1", "line 102, column count: '-1' is not a count"),
        ("a,51,2.5", "line 102, column count: '2.5' is not a count"),
        ("a,51,nan", "line 102, column count: 'nan' is not a count"),
        ("a,51,inf", "line 102, column count: 'inf' is not a count"),
        ("a,51,", "line 102, column count: '' is not a count"),
        ("a,soon,1", "line 102, column week: 'soon' is neither a whole number nor an ISO date"),
        ("a,7,1", "line 102, column week: 7 of the same series stands in line 8 already"),
        ("a,51", "line 102: 2 columns, not 3"),
        ("a,900000000000,1", "column week: 2 series over 900000000000 steps are too many cells"),
    ],
)
def test_a_row_that_cannot_be_meant_is_named(tmp_path: Path, row: str, message: str) -> None:
    path = write(tmp_path / "in.csv", [*table(), row])
    with pytest.raises(CommandError) as refused:
        run(path, tmp_path / "out.csv")
    assert str(refused.value).startswith(f"{path}: {message}")


def test_a_time_between_the_steps_is_named(tmp_path: Path) -> None:
    rows = [f"a,{7 * week},1" for week in range(40)]
    with pytest.raises(CommandError, match="line 42, column week: 10 does not fall on the steps"):
        run(write(tmp_path / "in.csv", [*rows, "a,10,1"]), tmp_path / "out.csv")


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", table())
    with pytest.raises(CommandError, match="no column town; there are place, week, count"):
        run(path, tmp_path / "out.csv", series="place,town")


def test_a_file_that_is_not_there_or_empty_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        run(tmp_path / "nowhere.csv", tmp_path / "out.csv")
    with pytest.raises(CommandError, match="no rows below the header"):
        run(write(tmp_path / "in.csv", []), tmp_path / "out.csv")


@pytest.mark.parametrize("more", [("--period", "0"), ("--period", "nan"), ("--start", "soon")])
def test_an_argument_that_cannot_be_meant_is_named(tmp_path: Path, more: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=more[0]):
        run(write(tmp_path / "in.csv", table()), tmp_path / "out.csv", *more)
