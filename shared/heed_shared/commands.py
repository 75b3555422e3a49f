"""What the offline commands of the services share: errors in one line, files by name, progress.

A service adds a command to the `heed` command line by an entry point of the group `heed.commands`
whose name is the words of the command joined by dots (`train.classifier` is `heed train
classifier`) and whose value is a module with `configure(parser)` and `run(options) -> int`.
"""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path
from typing import IO, TextIO, cast

from rich.console import Console
from rich.progress import Progress


class CommandError(Exception):
    """A bad argument or file; the message is one line that names the file, row and column."""


def open_text(path: Path, mode: str = "r") -> TextIO:
    """Open a UTF-8 text file, compressed when its name ends in .gz.

    `mode` is "r" or "w". A leading byte order mark is skipped on reading, and newlines are left to
    the csv module. Raises CommandError when the file cannot be opened.
    """
    encoding = "utf-8-sig" if mode == "r" else "utf-8"
    try:
        file = gzip.open(path, f"{mode}b") if path.suffix == ".gz" else path.open(f"{mode}b")  # noqa: SIM115
        return io.TextIOWrapper(cast("IO[bytes]", file), encoding=encoding, newline="")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


def progress() -> Progress:
    """Return a progress display on stderr; it shows nothing where stderr is no terminal."""
    return Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty())
