"""``heed train classifier`` and ``heed classify``: any table, every row kept, one-line errors."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from heed_classifier.adapters.data_files import content_book
from heed_classifier.commands.classify import ADDED, NO_TEXT
from heed_classifier.learning.corpus import CorpusWriter
from heed_local.cli import main
from heed_shared.commands import open_text

LABELS = {"01": "城建", "03": "劳动", "08": "环保"}
COLUMNS = ("uid", "subject", "detail", "label")
Row = tuple[str, str, str, str]


def write(path: Path, rows: Sequence[Sequence[str]], columns: Sequence[str] = COLUMNS) -> Path:
    with open_text(path, "w") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def read(path: Path) -> list[list[str]]:
    with open_text(path) as file:
        return list(csv.reader(file))


def labelled(count: int, seed: int) -> list[Row]:
    samples = CorpusWriter(content_book(), seed).write(count)
    return [
        (f"u{n}", sample.text[:20], sample.text[20:], LABELS[sample.code[:2]])
        for n, sample in enumerate(samples)
        if sample.code[:2] in LABELS
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a packed table whose text is in two columns."""
    place = tmp_path_factory.mktemp("offline")
    table = write(place / "data.csv.gz", labelled(500, 1))
    words = ["--text", "subject,detail", "--label", "label", "--out", str(place / "model")]
    assert main(["train", "classifier", str(table), *words, "--examples-alone"]) == 0
    return place / "model"


def classify(table: Path, folder: Path, out: Path, *words: str) -> list[list[str]]:
    wanted = ["--model", str(folder), "--text", "subject,detail", "--out", str(out), *words]
    assert main(["classify", str(table), *wanted]) == 0
    return read(out)


def test_the_figures_of_held_out_texts_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write(
        tmp_path / "d.csv", [*labelled(200, 2), ("x", "", "", "城建"), ("y", "a", "b", "")]
    )
    words = ["--text", "subject,detail", "--out", str(tmp_path / "m"), "--examples-alone"]

    assert main(["train", "classifier", str(table), *words]) == 0

    said = capsys.readouterr().out
    assert all(label in said for label in LABELS.values())
    assert "macro-F1" in said
    assert "ECE" in said
    assert "AUTO" in said
    assert "left out (no text or label) 2" in said
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [
        "model.safetensors", "report.json",
    ]  # fmt: skip


def test_every_row_and_column_is_kept_in_order(folder: Path, tmp_path: Path) -> None:
    rows: list[Row] = [
        *labelled(60, 5),
        ("empty", "", "", ""),
        ("blank", " \t", "\n", ""),
        ("noise", "饕餮魑魅魍魉", "qwxz 0000 ，，，", ""),
        ("quoted", '路灯"坏"了,\n三天', "没有人修", ""),
        ("long", "停水", "小区停水" * 20_000, ""),
    ]
    found = classify(write(tmp_path / "in.csv", rows), folder, tmp_path / "out.csv.gz")

    assert found[0] == [*COLUMNS, *ADDED]
    assert [tuple(row[:4]) for row in found[1:]] == rows
    bands = {row[0]: row[-2] for row in found[1:]}
    by_name = {row[0]: row[4:] for row in found[1:]}
    assert by_name["empty"] == by_name["blank"] == ["", "", "UNCERTAIN", NO_TEXT]
    assert bands["noise"] == "UNCERTAIN"
    assert set(bands.values()) <= {"AUTO", "REVIEW", "UNCERTAIN"}
    right = [row[4] == row[3] for row in found[1:] if row[3]]
    assert sum(right) / len(right) > 0.8


def test_reasons_are_the_texts_own_words(folder: Path, tmp_path: Path) -> None:
    rows = labelled(40, 6)
    found = classify(write(tmp_path / "in.csv", rows), folder, tmp_path / "out.csv")

    for _, subject, detail, _, _, probability, _, reasons in found[1:]:
        assert 0 < float(probability) <= 1
        assert reasons
        joined = " ".join(f"{subject}\n{detail}".split())
        assert all(reason in joined for reason in reasons.split("，"))


def test_reasons_can_be_left_out(folder: Path, tmp_path: Path) -> None:
    rows = labelled(10, 6)
    table = write(tmp_path / "in.csv", rows)
    with_reasons = classify(table, folder, tmp_path / "a.csv")
    without = classify(table, folder, tmp_path / "b.csv", "--no-reasons")

    assert [row[:-1] for row in without] == [row[:-1] for row in with_reasons]
    assert {row[-1] for row in without[1:]} == {""}


def test_the_answers_of_a_row_do_not_hang_on_the_others(folder: Path, tmp_path: Path) -> None:
    rows = labelled(30, 8)
    together = classify(write(tmp_path / "a.csv", rows), folder, tmp_path / "ao.csv")
    apart = classify(write(tmp_path / "b.csv", rows[7:9]), folder, tmp_path / "bo.csv")

    assert [row[:5] for row in apart[1:]] == [row[:5] for row in together[8:10]]


@pytest.mark.parametrize(
    ("rows", "columns", "words", "said"),
    [
        ([("1", "a", "b", "x")], COLUMNS, ["--label", "kind"], "no column 'kind'"),
        ([("1", "a", "b", "x")], COLUMNS, ["--text", "body"], "no column 'body'"),
        ([("1", "a", "b", "x")], COLUMNS, [], "at least two labels"),
        ([], COLUMNS, [], "no row has both"),
        ([("1", "a", "b", "x", "y")], COLUMNS, [], "line 2: 5 cells, the header has 4"),
    ],
    ids=["label column", "text column", "one label", "no rows", "long row"],
)
def test_what_cannot_be_learned_from_is_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rows: Sequence[Sequence[str]],
    columns: Sequence[str],
    words: list[str],
    said: str,
) -> None:
    table = write(tmp_path / "d.csv", rows, columns)
    asked = ["--text", "subject,detail", "--out", str(tmp_path / "m"), "--examples-alone", *words]

    assert main(["train", "classifier", str(table), *asked]) == 2

    error = capsys.readouterr().err
    assert said in error
    assert str(table) in error
    assert error.count("\n") == 1
    assert not (tmp_path / "m").exists()


def test_what_cannot_be_classified_is_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write(tmp_path / "d.csv", labelled(20, 3))
    answered = write(tmp_path / "e.csv", [("1", "a", "AUTO")], ("uid", "text", "band"))
    late = write(tmp_path / "late.csv", [*labelled(60, 3)[:20], ("1", "a", "b", "c", "d")])
    packed = tmp_path / "broken.csv.gz"
    packed.write_bytes(b"uid,text\n1,a\n")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "model.safetensors").write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")
    out = ["--out", str(tmp_path / "out.csv")]
    for file, model, words, said in (
        (tmp_path / "none.csv", folder, [], "none.csv: No such file"),
        (table, folder, [], "no column 'text'"),
        (answered, folder, [], "a column 'band' already"),
        (packed, folder, [], "broken.csv.gz: line 1"),
        (table, foreign, [], "no model of heed train classifier"),
        (table, tmp_path / "nowhere", [], "no model can be read"),
        (table, folder, ["--out", str(table)], "is the file that is read"),
        (late, folder, ["--text", "subject"], "line 22: 5 cells"),
    ):
        assert main(["classify", str(file), "--model", str(model), *out, *words]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
    assert len(read(table)) > 1
    assert [path.name for path in tmp_path.iterdir() if "out.csv" in path.name] == []
