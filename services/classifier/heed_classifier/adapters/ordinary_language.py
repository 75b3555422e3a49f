"""The ordinary language of petitions, so that what is left over in a text names something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from heed_classifier.adapters.data_files import content_book
from heed_classifier.domain.incident_terms import TermReader
from heed_classifier.learning import frames

# Policies and kinds of things that are talked of all over a city: they name no place and no firm.
_KINDS = "普惠性 普惠制 公办 民办 一卡通 网约车 共享单车 一号线 二号线 三号线 四号线 五号线 六号线"
_SLOT = re.compile(r"\{[a-z]+\}|<[a-z]+>")


@cache
def term_reader() -> TermReader:
    """The reader of incident terms over the shipped phrase banks."""
    return TermReader(content_book(), _phrases())


def _phrases() -> Iterator[str]:
    for entry in content_book().entries:
        yield from (*entry.strong, *entry.weak)
        for phrase in (*entry.facts, *entry.asks):
            yield _SLOT.sub(" ", phrase)
    for bank in (frames.TITLES, frames.SENTENCES, frames.CLOSINGS):
        for phrases in bank.values():
            for phrase in phrases:
                yield _SLOT.sub(" ", phrase)
    yield from (*frames.HISTORY, *frames.GREETINGS, *_KINDS.split())
