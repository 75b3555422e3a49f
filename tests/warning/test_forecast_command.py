"""heed forecast: quantiles from rolling origins, blind to the future, defined on odd input."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heed_shared.commands import CommandError, open_text
from heed_warning.commands import forecast
from tests.warning.heed_command import command

Row = tuple[str, str, str, object]
FIRST = date(2021, 1, 4)


def rows_of(
    weeks: int, *, series: int = 6, step: int = 7, seed: int = 3, level: float = 6.0
) -> list[Row]:
    rng = np.random.default_rng(seed)
    found: list[Row] = []
    for number in range(series):
        for place in range(weeks):
            season = 1.0 + 0.4 * np.sin(2 * np.pi * place * step / 365)
            day = FIRST + timedelta(days=place * step)
            found.append((f"A{number // 2}", f"k{number % 2}", day.isoformat(),
                          int(rng.poisson(level * season))))  # fmt: skip
    return found


def write(path: Path, rows: Iterable[Row]) -> Path:
    with open_text(path, "w") as file:
        csv.writer(file).writerows([("area", "nature", "date", "count"), *rows])
    return path


def run(source: Path, *arguments: str, **options: str) -> list[dict[str, str]]:
    out = source.parent / "out.csv"
    asked = {"series": "area,nature", "time": "date", "count": "count", "model": "classical"}
    asked |= options
    words = [str(source), "--out", str(out), *arguments]
    for name, value in asked.items():
        words += [f"--{name}", value]
    assert command(forecast, words) == 0
    with out.open() as file:
        return list(csv.DictReader(file))


def numbers(row: dict[str, str]) -> list[float]:
    return [float(row[f"q{level}0"]) for level in range(1, 10)]


def test_the_protocol_has_origins_a_horizon_apart_that_fill_the_end(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv.gz", rows_of(120))
    found = run(source, "--horizon", "4", "--origins", "3")
    assert list(found[0])[:5] == ["area", "nature", "ds", "cutoff", "model"]
    last = FIRST + timedelta(weeks=119)
    cutoffs = sorted({row["cutoff"] for row in found})
    assert cutoffs == [(last - timedelta(weeks=4 * ago)).isoformat() for ago in (3, 2, 1)]
    assert len(found) == 6 * 3 * 4
    known = {(area, nature, day): count for area, nature, day, count in rows_of(120)}
    for row in found:
        assert row["ds"] > row["cutoff"]
        assert int(row["y"]) == known[row["area"], row["nature"], row["ds"]]
        levels = numbers(row)
        assert levels == sorted(levels)
        assert 0 <= float(row["lo90"]) <= levels[0]
        assert levels[-1] <= float(row["hi90"])


def test_without_origins_it_forecasts_beyond_the_end(tmp_path: Path) -> None:
    found = run(write(tmp_path / "in.csv", rows_of(60)), "--horizon", "2")
    last = FIRST + timedelta(weeks=59)
    assert {row["cutoff"] for row in found} == {last.isoformat()}
    days = sorted({row["ds"] for row in found})
    assert days == [(last + timedelta(weeks=ahead)).isoformat() for ahead in (1, 2)]
    assert {row["y"] for row in found} == {""}


@pytest.mark.parametrize("model", ["classical", "regression"])
def test_no_step_after_an_origin_changes_what_is_forecast_there(tmp_path: Path, model: str) -> None:
    rows = rows_of(110)
    cut = (FIRST + timedelta(weeks=101)).isoformat()
    changed = [
        (area, nature, day, count if day <= cut else 10 * int(str(count)) + 7)
        for area, nature, day, count in rows
    ]
    asked = ("--horizon", "4", "--origins", "2")
    first, second = (
        [row for row in run(write(tmp_path / "in.csv", table), *asked, model=model)
         if row["cutoff"] <= cut]
        for table in (rows, changed)
    )  # fmt: skip
    assert len(first) == 24
    for one, two in zip(first, second, strict=True):
        assert numbers(one) == numbers(two)
        assert (one["lo90"], one["hi90"]) == (two["lo90"], two["hi90"])


def test_days_are_told_from_weeks_and_weekdays_are_learned(tmp_path: Path) -> None:
    days = [FIRST + timedelta(days=number) for number in range(200)]
    rows = [("A", kind, day.isoformat(), 2 if day.weekday() > 4 else 20)
            for kind in ("k", "l", "m") for day in days]  # fmt: skip
    found = run(write(tmp_path / "in.csv", rows), "--horizon", "14")
    for row in found:
        weekend = date.fromisoformat(row["ds"]).weekday() > 4
        assert float(row["q50"]) == pytest.approx(2 if weekend else 20, abs=3)


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    rows = rows_of(60)
    mixed = [rows[place] for place in np.random.default_rng(1).permutation(len(rows))]
    first = run(write(tmp_path / "in.csv", rows))
    second = run(write(tmp_path / "in.csv", mixed))

    def known(found: list[dict[str, str]]) -> set[tuple[str, ...]]:
        return {tuple(row.values()) for row in found}

    assert len(known(first)) == len(first)
    # Sums of floating-point numbers in another order differ in their last digits only.
    assert {row[:4] for row in known(first)} == {row[:4] for row in known(second)}
    assert np.mean([row in known(first) for row in known(second)]) > 0.95


@pytest.mark.parametrize(
    ("place", "row", "message"),
    [
        (3, ("A0", "k0", "2021-01-18", -1), "line 5, column count"),
        (3, ("A0", "k0", "2021-01-18", 1.5), "line 5, column count"),
        (3, ("A0", "k0", "2021-01-18", "nan"), "line 5, column count"),
        (3, ("A0", "k0", "yesterday", 1), "line 5, column date"),
        (3, ("A0", "k0", "20", 1), "line 5, column date"),
        (3, ("A0", "k0", "2021-01-11", 1), "line 5, column date"),
    ],
    ids=["negative", "fractional", "no number", "no date", "a number for a date", "duplicate"],
)
def test_a_row_that_cannot_be_meant_is_named(
    tmp_path: Path, place: int, row: Row, message: str
) -> None:
    rows = [*rows_of(60)[:place], row]
    with pytest.raises(CommandError, match=message):
        run(write(tmp_path / "in.csv", rows))


def test_rows_of_a_clock_in_the_future_are_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = [("A0", "k0", "2999-01-07", 5)]
    found = run(write(tmp_path / "in.csv", [*rows_of(60), *later]), "--horizon", "1")
    assert "1 rows after today are left out" in capsys.readouterr().err
    last = FIRST + timedelta(weeks=59)
    assert {row["cutoff"] for row in found} == {last.isoformat()}, "from the last row that is left"


ODD: dict[str, list[Any]] = {
    "zeros": [0] * 60,
    "one long ago": [1] + [0] * 59,
    "spike now": [3] * 59 + [1_000_000],
    "spike before": [3] * 40 + [1_000_000] + [3] * 19,
    "huge": [1_000_000] * 60,
    "ended": [9] * 40 + [0] * 20,
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("model", ["classical", "regression"])
def test_odd_series_give_finite_quantiles(tmp_path: Path, name: str, model: str) -> None:
    odd = [("B", "k0", (FIRST + timedelta(weeks=place)).isoformat(), count)
           for place, count in enumerate(ODD[name])]  # fmt: skip
    found = run(write(tmp_path / "in.csv", [*rows_of(60), *odd]), "--horizon", "4", model=model)
    mine = [row for row in found if row["area"] == "B"]
    assert len(mine) == 4
    for row in mine:
        assert np.isfinite(numbers(row)).all()
    if name.startswith("spike"):
        assert float(mine[0]["q50"]) < 30, "a spike of a million does not carry over"
    if name == "ended":
        assert float(mine[0]["q50"]) <= 3


def test_a_series_of_one_point_gets_an_answer_without_numbers(tmp_path: Path) -> None:
    alone = [("B", "k9", (FIRST + timedelta(weeks=59)).isoformat(), 4)]
    found = run(write(tmp_path / "in.csv", [*rows_of(60), *alone]), "--horizon", "2")
    mine = [row for row in found if row["area"] == "B"]
    assert [row["model"] for row in mine] == ["INSUFFICIENT_HISTORY"] * 2
    assert {row["q50"] for row in mine} == {""}


def test_a_missing_row_is_unknown_where_zeros_are_written_and_zero_where_they_are_not(
    tmp_path: Path,
) -> None:
    busy = rows_of(80, level=30.0)
    gaps = [("B", "k0", (FIRST + timedelta(weeks=place)).isoformat(), 20)
            for place in range(0, 80, 2)]  # fmt: skip
    left_out = run(write(tmp_path / "in.csv", [*busy, *gaps]), "--horizon", "1")
    zero = [("C", "k0", FIRST.isoformat(), 0)]
    written = run(write(tmp_path / "in.csv", [*busy, *gaps, *zero]), "--horizon", "1")
    medians = [
        next(float(row["q50"]) for row in found if row["area"] == "B")
        for found in (left_out, written)
    ]
    assert medians[0] < 15
    assert medians[1] == pytest.approx(20, abs=3)


def test_pictures_are_written_for_the_largest_series(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    run(
        write(tmp_path / "in.csv", rows_of(60)), "--plot", str(tmp_path / "plots"), "--origins", "2"
    )
    pictures = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert len(pictures) == 6
    assert pictures[0].startswith("01-")
    assert (tmp_path / "plots" / pictures[0]).read_bytes()[:4] == b"\x89PNG"
