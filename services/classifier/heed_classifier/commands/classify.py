"""``heed classify FILE``: answer every row of a file by a model that was trained before.

All columns and rows are kept in their order; four columns are added.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

from heed_classifier.commands.labelled_table import TextTable, open_table
from heed_classifier.domain.nature import Band
from heed_classifier.learning.model_folder import load_model
from heed_classifier.learning.stored_model import BadModelError
from heed_classifier.learning.text_model import Answer, TrainedModel
from heed_shared.commands import CommandError, open_text, progress

ADDED: Final = ("predicted_label", "probability", "band", "reasons")
NO_TEXT: Final = "没有正文"
_BATCH = 500
_SEPARATOR = "，"

Rows = list[tuple[list[str], str]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("file", type=Path, help="待分类的 CSV，可为 .gz；texts to classify")
    parser.add_argument(
        "--model", type=Path, required=True, help="模型目录 folder of heed train classifier"
    )
    parser.add_argument("--text", default="text", help="正文列，以逗号分隔 columns of the text")
    parser.add_argument("--out", type=Path, required=True, help="输出 CSV，可为 .gz；the answers")
    parser.add_argument(
        "--no-reasons", action="store_true", help="不写理由 leave the reasons out: quicker"
    )


def run(options: argparse.Namespace) -> int:
    """Classify the file.

    Raises:
        CommandError: The file, a column or the model cannot be read.
    """
    model = _load(options.model)
    if options.out.exists() and options.out.samefile(options.file):
        raise CommandError(f"{options.out}: is the file that is read")
    with open_table(options.file, options.text) as table:
        taken = [name for name in ADDED if name in table.header]
        if taken:
            raise CommandError(f"{options.file}: has a column {taken[0]!r} already")
        # Written beside and renamed: what stands under the name is always whole.
        unfinished = options.out.with_name(f".unfinished-{options.out.name}")
        try:
            with open_text(unfinished, "w") as file:
                _write(file, table, model, reasons=not options.no_reasons)
            unfinished.replace(options.out)
        finally:
            unfinished.unlink(missing_ok=True)
    return 0


def _write(file: TextIO, table: TextTable, model: TrainedModel, *, reasons: bool) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*table.header, *ADDED])
    with progress() as bars:
        bar = bars.add_task("classifying", total=None)
        for rows in _batches(table):
            added = _added(model, rows, reasons=reasons)
            writer.writerows([*row, *new] for (row, _), new in zip(rows, added, strict=True))
            bars.advance(bar, len(rows))


def _load(folder: Path) -> TrainedModel:
    try:
        return load_model(folder)
    except BadModelError as error:
        raise CommandError(f"{folder}: no model of heed train classifier: {error}") from error
    except OSError as error:
        raise CommandError(f"{folder}: no model can be read: {error.strerror}") from error


def _batches(table: TextTable) -> Iterator[Rows]:
    rows = table.rows()
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _added(model: TrainedModel, rows: Rows, *, reasons: bool) -> list[tuple[str, ...]]:
    """The four new cells of each row; a row without text has no label."""
    answers = iter(model.answers([text for _, text in rows if text], reasons=reasons))
    return [
        _cells(next(answers)) if text else ("", "", Band.UNCERTAIN.name, NO_TEXT)
        for _, text in rows
    ]


def _cells(answer: Answer) -> tuple[str, ...]:
    return (
        answer.label,
        f"{answer.probability:.4f}",
        answer.band.name,
        _SEPARATOR.join(" ".join(reason.phrase.split()) for reason in answer.reasons),
    )
