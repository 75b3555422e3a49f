"""Offline commands that the services bring along by the entry-point group `heed.commands`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    Parsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001

GROUP: Final = "heed.commands"
_TEXTS: Final = {
    "backtest": "回测阈值策略 replay a table of counts under a threshold policy",
    "classify": "分类 sort the texts of a file with a trained model",
    "detect": "探测异常 score a table of counts for outbreaks",
    "forecast": "预测 forecast a table of counts with uncertainty",
    "thresholds": "推荐阈值 thresholds for an alert budget or a cost ratio",
    "train": "训练模型 train a model on a file",
    "train.classifier": "训练文本分类模型 train a text model for any label set",
}
"""What the known commands do; a command is not imported to be listed."""


def add_service_commands(commands: Parsers, words: Sequence[str]) -> None:
    """Add every installed command below `commands`.

    A command's module is imported only when `words`, the arguments of this run, name it: those
    that bring torch along take seconds to import. A command whose name is taken by one that asks
    the running suite shares its parser, and works offline when a file is given.
    """
    groups: dict[str, Parsers] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda found: found.name):
        first, _, second = entry.name.partition(".")
        if not second:
            _add(commands, entry, first, words)
            continue
        if first not in groups:
            group = commands.add_parser(first, help=_TEXTS.get(first))
            groups[first] = group.add_subparsers(required=True, metavar="WHAT")
        _add(groups[first], entry, second, words)


def _add(parent: Parsers, entry: EntryPoint, name: str, words: Sequence[str]) -> None:
    asking = parent.choices.get(name)
    parser = asking or parent.add_parser(name, help=_TEXTS.get(entry.name))
    if name not in words:
        return
    module = entry.load()
    module.configure(parser)
    if asking is None:
        parser.set_defaults(run=module.run)
    else:
        parser.set_defaults(run=_either(asking.get_default("run"), module.run))


def _either(
    ask: Callable[[argparse.Namespace], int], work: Callable[[argparse.Namespace], int]
) -> Callable[[argparse.Namespace], int]:
    return lambda options: (ask if options.file is None else work)(options)
