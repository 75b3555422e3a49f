"""Tables of texts in CSV files, for the commands that train and classify."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from heed_shared.commands import CommandError, open_text

# The longest cell: a petition of a million characters, and room for more.
_LONGEST_CELL = 8_000_000


class TextTable:
    """A CSV file that is read row by row, with the columns that hold its text."""

    def __init__(self, path: Path, file: TextIO, columns: Sequence[str]) -> None:
        csv.field_size_limit(min(sys.maxsize, _LONGEST_CELL))
        self._path = path
        self._reader = csv.reader(file)
        self.header = next(self._reader, [])
        self._columns = [self.column(name) for name in columns]

    def column(self, name: str) -> int:
        """The place of a column.

        Raises:
            CommandError: There is none of this name.
        """
        if name not in self.header:
            known = ", ".join(self.header) or "nothing"
            raise CommandError(f"{self._path}: no column {name!r}; the header has {known}")
        return self.header.index(name)

    def rows(self) -> Iterator[tuple[list[str], str]]:
        """Every row, filled up to the header, with its text from the columns asked for.

        Raises:
            CommandError: The file is no CSV text from some row on.
        """
        while True:
            try:
                row = next(self._reader, None)
            except (csv.Error, UnicodeDecodeError, OSError, EOFError) as error:
                raise CommandError(
                    f"{self._path}: line {self._reader.line_num + 1}: {error}"
                ) from error
            if row is None:
                return
            if len(row) > len(self.header):
                raise CommandError(
                    f"{self._path}: line {self._reader.line_num}: {len(row)} cells, "
                    f"the header has {len(self.header)}"
                )
            if row:  # an empty line is no row
                yield row + [""] * (len(self.header) - len(row)), self._text(row)

    def _text(self, row: Sequence[str]) -> str:
        cells = [row[place] for place in self._columns if place < len(row)]
        return "\n".join(cell for cell in cells if cell.strip())


@contextmanager
def open_table(path: Path, text: str) -> Iterator[TextTable]:
    """Open a table whose text is in the columns ``text``, joined by commas."""
    with open_text(path) as file:
        try:
            table = TextTable(path, file, [name.strip() for name in text.split(",")])
        except (csv.Error, UnicodeDecodeError, OSError, EOFError) as error:
            raise CommandError(f"{path}: line 1: {error}") from error
        yield table
