"""``heed train classifier DATA``: learn the labels of a file; any label set, any number of them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from heed_classifier.adapters.data_files import content_book
from heed_classifier.commands.labelled_table import open_table
from heed_classifier.learning.examples import BadExamplesError, Example
from heed_classifier.learning.knowledge import Knowledge
from heed_classifier.learning.label_calibration import AxisReport
from heed_classifier.learning.model_folder import save_model
from heed_classifier.learning.stored_model import from_bytes, to_bytes
from heed_classifier.learning.text_training import TextRecipe, train
from heed_classifier.learning.train import Recipe, train_starter
from heed_shared.commands import CommandError, progress


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("file", type=Path, help="有标签的 CSV，可为 .gz；labelled texts")
    parser.add_argument("--text", default="text", help="正文列，以逗号分隔 columns of the text")
    parser.add_argument("--label", default="label", help="标签列 column of the label")
    parser.add_argument("--out", type=Path, required=True, help="模型目录 folder of the model")
    parser.add_argument("--seed", type=int, default=TextRecipe.seed, help="随机种子 seed")
    parser.add_argument(
        "--examples-alone",
        action="store_true",
        help="不用自带的信访知识 without what Heed knows of petitions: quicker, for other texts",
    )


def run(options: argparse.Namespace) -> int:
    """Train, write the folder and say how good the model is on texts that it did not see.

    Raises:
        CommandError: The file cannot be read, or there is nothing to learn from it.
    """
    if options.out.exists() and not options.out.is_dir():
        raise CommandError(f"{options.out}: is no folder")
    examples, left_out = _read(options)
    with progress() as bars:
        bar = bars.add_task("training", total=1.0)

        def say(share: float, what: str) -> None:
            bars.update(bar, completed=share, description=what)

        say(0.0, "what is known beforehand")
        knowledge = None if options.examples_alone else _knowledge()
        try:
            model = train(examples, seed=options.seed, progress=say, knowledge=knowledge)
        except BadExamplesError as error:
            raise CommandError(f"{options.file}: {error}") from error
    try:
        save_model(model, options.out)
    except OSError as error:
        raise CommandError(f"{options.out}: {error.strerror}") from error
    _print(model.report[options.label], len(examples), left_out)
    return 0


def _read(options: argparse.Namespace) -> tuple[list[Example], int]:
    """The labelled rows that say something, and how many do not."""
    examples, left_out = [], 0
    with open_table(options.file, options.text) as table:
        place = table.column(options.label)
        for row, text in table.rows():
            label = row[place].strip()
            if label and text:
                examples.append(Example(text, {options.label: label}))
            else:
                left_out += 1
    if not examples:
        raise CommandError(f"{options.file}: no row has both a text and a label")
    return examples, left_out


def _knowledge() -> Knowledge:
    book = content_book()
    return Knowledge(from_bytes(to_bytes(train_starter(book, Recipe()))), book)


def _print(report: AxisReport, examples: int, left_out: int) -> None:
    console = Console(file=sys.stdout)
    table = Table(title="留出检验 on texts that were held out", title_justify="left")
    for name in ("标签 label", "精确率 precision", "召回率 recall", "F1", "件数 texts"):
        table.add_column(name, justify="left" if name.startswith("标签") else "right")
    for label in report.labels:
        shown = (f"{value:.3f}" for value in (label.precision, label.recall, label.f1))
        table.add_row(label.label, *shown, str(label.support))
    console.print(table)
    console.print(
        f"macro-F1 {report.macro_f1:.3f} · 正确率 accuracy {report.accuracy:.3f} · "
        f"校准误差 ECE {report.calibration_error:.3f}\n"
        f"AUTO {report.auto_share:.1%}，其中正确 of these right {report.auto_precision:.1%}\n"
        f"学习 learned from {examples}，略过 left out (no text or label) {left_out}",
        highlight=False,
    )
