"""Runs an offline command as the `heed` command line does, without a process of its own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Protocol


class Command(Protocol):
    """What a module of an offline command offers."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""

    def run(self, options: argparse.Namespace) -> int:
        """Do the work and return the exit code."""


def command(module: Command, words: Sequence[str]) -> int:
    """Return the exit code of a command with these words."""
    parser = argparse.ArgumentParser()
    module.configure(parser)
    return module.run(parser.parse_args(words))
