"""What people corrected, with the texts as intake lets them be read at that moment.

The schema has the labels only. A text is asked of intake for each training anew and kept nowhere,
so one that was sealed or erased since is left out by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from heed_classifier.application.models import Window
from heed_classifier.application.ports import Texts
from heed_classifier.domain.models import CorrectedText, LabelledText
from heed_classifier.domain.nature import Nature
from heed_classifier.domain.records import PetitionKey
from heed_shared.clock import day_end, day_start, local_day
from heed_shared.database import Database, raw

MOST_CORRECTIONS = 10_000
"""Most corrections that one training takes, the newest."""
LONGEST_TEXT = 4000
"""Characters of a text that are learned from; no model reads on behind them."""
_AT_A_TIME = 200
_CORRECTED = """
SELECT * FROM (
    SELECT DISTINCT ON (c.region, c.uid, c.k)
        c.id, c.region, c.uid, c.corrected_at, c.after, m.spans
    FROM correction c JOIN matter m USING (region, uid, k)
    WHERE ($1::timestamptz IS NULL OR c.corrected_at >= $1)
      AND ($2::timestamptz IS NULL OR c.corrected_at < $2)
      AND c.id > $3
    ORDER BY c.region, c.uid, c.k, c.id DESC
) latest
ORDER BY id DESC LIMIT $4
"""


@dataclass(frozen=True)
class CorrectedMatter:
    """The latest correction of one matter: its label, and of which part of which text."""

    id: int
    petition: PetitionKey
    corrected_at: datetime
    category_code: str
    subcategory_code: str
    nature: Nature
    spans: tuple[tuple[int, int], ...]


class PostgresCorrected:
    """Implements the port Corrected: labels from the schema, texts from intake."""

    def __init__(self, database: Database, texts: Texts) -> None:
        self._database = database
        self._texts = texts

    async def read(self, window: Window, after: int = 0) -> tuple[list[CorrectedText], int]:
        """Corrected texts, oldest first, of a matter the latest; and the number of the last."""
        matters = await self._matters(window, after)
        found = []
        for start in range(0, len(matters), _AT_A_TIME):
            part = matters[start : start + _AT_A_TIME]
            readable = await self._texts.read(list({matter.petition for matter in part}))
            for matter in part:
                petition = readable.get(matter.petition)
                if petition is not None:
                    found.append(_corrected(petition.text.joined, matter))
        return found, max((matter.id for matter in matters), default=after)

    async def _matters(self, window: Window, after: int) -> list[CorrectedMatter]:
        async with self._database.read() as connection:
            rows = await (await raw(connection)).fetch(
                _CORRECTED,
                day_start(window.first) if window.first else None,
                day_end(window.last) if window.last else None,
                after,
                MOST_CORRECTIONS,
            )
        return [_matter(row) for row in reversed(rows)]


def _matter(row: asyncpg.Record) -> CorrectedMatter:
    after = row["after"]
    return CorrectedMatter(
        row["id"],
        PetitionKey(row["region"], row["uid"]),
        row["corrected_at"],
        after["category_code"],
        after["subcategory_code"],
        Nature(after["nature"]),
        tuple((start, end) for start, end in row["spans"]),
    )


def _corrected(joined: str, matter: CorrectedMatter) -> CorrectedText:
    parts = [joined[start:end] for start, end in matter.spans]
    text = "\n".join(parts) if parts else joined
    code = matter.subcategory_code or matter.category_code
    return CorrectedText(
        LabelledText(text[:LONGEST_TEXT], code, matter.nature), local_day(matter.corrected_at)
    )
