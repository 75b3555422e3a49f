"""`heed backtest` and `heed thresholds` on tables of any columns; bad rows and keys are named."""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from heed_shared.commands import CommandError
from heed_warning.commands import backtest, thresholds
from tests.warning.heed_command import command

DAYS = 300
START = date(2024, 1, 1)


def table(
    folder: Path, *, weekly: bool = False, numbers: bool = False, name: str = "counts.csv"
) -> Path:
    """Two areas with two kinds each, by day or week, by date or number."""
    rng = np.random.default_rng(1)
    path, step = folder / name, 7 if weekly else 1
    lines = ["area,kind,when,n"]
    for area in ("east", "west"):
        for kind in ("a", "b"):
            for number, count in enumerate(rng.poisson(1.4 * step, DAYS // step * (step > 1 or 1))):
                day = (START + timedelta(days=number * step)).isoformat()
                lines.append(f"{area},{kind},{number if numbers else day},{count}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def words(path: Path, out: Path, *more: str) -> list[str]:
    return [
        str(path), "--series", "area,kind", "--time", "when", "--count", "n", "--out", str(out),
        *more,
    ]  # fmt: skip


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("weekly", "numbers"), [(False, False), (True, False), (False, True)])
def test_a_backtest_has_a_row_for_each_series(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, weekly: bool, numbers: bool
) -> None:
    out = tmp_path / "report.csv"
    given = table(tmp_path, weekly=weekly, numbers=numbers)
    assert command(backtest, words(given, out)) == 0
    found = rows(out)
    assert [(row["area"], row["kind"]) for row in found] == [
        ("east", "a"), ("east", "b"), ("west", "a"), ("west", "b"),
    ]  # fmt: skip
    assert {row["surges"] for row in found} != {"0"}
    total = sum(int(row["surges"]) for row in found)
    assert capsys.readouterr().out.startswith(f"增量{total}次,发现")


def test_a_policy_file_and_a_start_are_obeyed(tmp_path: Path) -> None:
    given, policy = table(tmp_path), tmp_path / "policy.toml"
    policy.write_text('strategy = "fixed"\nmin_count = 1\n[levels]\nblue = 1000\n', "utf-8")
    start = (START + timedelta(days=200)).isoformat()
    out = tmp_path / "report.csv.gz"
    command(backtest, words(given, out, "--policy", str(policy), "--start", start))
    assert {(row["days"], row["warnings"], row["found"]) for row in rows(out)} == {
        (str(DAYS - 200), "0", "0")
    }


@pytest.mark.parametrize(
    "aim", [["--budget", "1"], ["--cost-ratio", "10"], ["--budget", "1", "--strategy", "fixed"]]
)
def test_thresholds_write_a_curve_with_one_choice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], aim: Sequence[str]
) -> None:
    out = tmp_path / "trade.csv"
    assert command(thresholds, words(table(tmp_path), out, *aim)) == 0
    found = rows(out)
    chosen = [row for row in found if row["chosen"] == "1"]
    assert len(chosen) == 1
    if aim[:2] == ["--budget", "1"]:
        assert float(chosen[0]["warnings_per_county_month"]) <= 1.0
    told = capsys.readouterr().out
    assert f"blue {float(chosen[0]['limit']):.10g}" in told
    assert "序列4个" in told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("east,a,2024-01-05,-3", "line 1202, column n"),
        ("east,a,2024-01-05,1.5", "line 1202, column n"),
        ("east,a,2024-13-05,1", "line 1202, column when"),
        ("east,a,2024-01-05,1", "line 1202, column when"),
        ("east,a,2024-01-05", "line 1202"),
    ],
    ids=["negative", "fractional", "no day", "twice", "short"],
)
def test_a_bad_row_is_named(tmp_path: Path, line: str, told: str) -> None:
    given = table(tmp_path)
    given.write_text(given.read_text("utf-8") + line + "\n", "utf-8")
    for module, more in ((backtest, []), (thresholds, ["--budget", "1"])):
        with pytest.raises(CommandError, match=told):
            command(module, words(given, tmp_path / "out.csv", *more))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("strategy = 'magic'", "strategy magic"),
        ("window_days = 57", "key window_days"),
        ("min_count = 0", "key min_count"),
        ("window = 7", "key window: there is no such key"),
        ("[levels]\nblue = 2.0", "key levels: a limit of this strategy is a probability"),
        ("[levels]\ngreen = 0.9", "key levels: must name some of"),
        ("[levels]\nblue = '1'", "key levels.blue"),
        ("[levels", "policy.toml"),
    ],
)
def test_a_wrong_policy_file_is_named_by_key(tmp_path: Path, text: str, told: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(text, "utf-8")
    with pytest.raises(CommandError, match=told):
        command(backtest, words(table(tmp_path), tmp_path / "o.csv", "--policy", str(policy)))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--start", "soon"], "--start soon"),
        (["--start", "2030-01-01"], "lies after the last row"),
    ],
)
def test_a_wrong_start_is_refused(tmp_path: Path, more: list[str], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        command(backtest, words(table(tmp_path), tmp_path / "o.csv", *more))


def test_a_table_without_history_recommends_nothing(tmp_path: Path) -> None:
    given = tmp_path / "short.csv"
    given.write_text("area,kind,when,n\neast,a,2024-01-01,3\n", "utf-8")
    with pytest.raises(CommandError, match="history"):
        command(thresholds, words(given, tmp_path / "o.csv", "--budget", "1"))
    assert command(backtest, words(given, tmp_path / "o.csv")) == 0
    assert rows(tmp_path / "o.csv")[0]["warnings"] == "0"


def test_unknown_days_neither_lower_the_level_nor_end_in_alarms(tmp_path: Path) -> None:
    given = table(tmp_path)
    lines = given.read_text("utf-8").splitlines()
    gone = {(START + timedelta(days=day)).isoformat() for day in range(150, 210)}
    kept = [line for line in lines
            if not (line.startswith("east,a,") and line.split(",")[2] in gone)]  # fmt: skip
    given.write_text("\n".join(kept) + "\n", "utf-8")
    start = (START + timedelta(days=120)).isoformat()
    command(backtest, words(given, tmp_path / "o.csv", "--start", start))
    row = rows(tmp_path / "o.csv")[0]
    assert (row["area"], row["kind"]) == ("east", "a")
    assert int(row["warnings"]) <= 1


def odd_table(folder: Path, *, shuffled: bool) -> Path:
    """The usual table with a series of zeros, a millionfold spike and rows of a clock ahead."""
    lines = table(folder, name="usual.csv").read_text("utf-8").splitlines()
    for number in range(DAYS):
        day = (START + timedelta(days=number)).isoformat()
        lines.append(f"north,zeros,{day},0")
        lines.append(f"north,spike,{day},{10**6 if number == DAYS - 40 else 2}")
    lines += ["north,spike,2999-01-01,5", "north,ahead,2999-01-01,5"]
    if shuffled:
        lines[1:] = random.Random(4).sample(lines[1:], len(lines) - 1)
    path = folder / f"odd{shuffled:d}.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_odd_series_are_replayed_by_their_rules_in_any_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = []
    for shuffled in (False, True):
        given, out = odd_table(tmp_path, shuffled=shuffled), tmp_path / "odd-out.csv"
        assert command(backtest, words(given, out)) == 0
        assert "2 rows after today are left out" in capsys.readouterr().err
        reports.append(rows(out))
        assert command(thresholds, words(given, out, "--budget", "1")) == 0
        reports.append(rows(out))
    assert reports[:2] == reports[2:], "the order of rows does not matter"
    found = {row["kind"]: row for row in reports[0] if row["area"] == "north"}
    assert set(found) == {"zeros", "spike"}, "a series that only begins tomorrow is none yet"
    assert int(found["zeros"]["false_warnings"]) == 0
    assert 1 <= int(found["spike"]["warnings"]) <= 1 + int(found["spike"]["surges"])
    assert all(float(trade["limit"]) < 1 for trade in reports[1])


def test_a_table_of_days_to_come_alone_is_refused(tmp_path: Path) -> None:
    given = tmp_path / "later.csv"
    given.write_text("area,kind,when,n\neast,a,2999-01-01,3\n", "utf-8")
    with pytest.raises(CommandError, match="column when: every row is dated after today"):
        command(backtest, words(given, tmp_path / "o.csv"))
