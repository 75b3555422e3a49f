"""Sentences that the project wrote to test its rules on; none of them stands in a real petition.

They lie beside this file as tables with a heading, one text a line, columns parted by tabs.
"""

from __future__ import annotations

import csv
from pathlib import Path


def written(name: str) -> list[dict[str, str]]:
    """The rows of one table."""
    path = Path(__file__).with_name(f"{name}.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
