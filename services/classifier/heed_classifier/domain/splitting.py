"""One text, several matters (一信多事): where a text clearly speaks of more than one thing.

The structure of the text proposes (numbered points, "另外"), the words of the content book have to
agree that the points belong to different first-level categories, and an opinion on each part has
to say the same. Whatever is less clear stays one matter: a clerk can see two things in one matter,
but two cases of one thing would be answered twice.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from heed_classifier.domain.content import ContentBook
from heed_classifier.domain.decision import (
    SEALED_CATEGORY,
    Evidence,
    Opinion,
    Span,
    first_level,
    open_category,
)
from heed_classifier.domain.rules import NatureRules
from heed_classifier.domain.text import PetitionText

_START = r"(?:(?<=[。！？；：，,!?;:\s])|^)"
_NUMERALS = {numeral: value for value, numeral in enumerate("一二三四五六七八九十", 1)}
_NUMERALS |= {numeral: value for value, numeral in enumerate("①②③④⑤⑥⑦⑧⑨⑩", 1)}
# Each style of numbered points; the numbers of one style have to run 1, 2, 3.
_STYLES = tuple(
    re.compile(_START + style)
    for style in (
        r"([一二三四五六七八九十])\s*、",
        r"([0-9]{1,2})\s*[、.．](?![0-9])",
        r"[（(]\s*([一二三四五六七八九十]|[0-9]{1,2})\s*[)）][、.]?",
        r"([①②③④⑤⑥⑦⑧⑨⑩])",
        r"第\s*([一二三四五六])(?:个问题|件事|件事情|点)?\s*[，,、:：是]",
        r"([一二三四五六])(?:是|来)[，,]?",
    )
)
_SHIFT = re.compile(
    r"(?:(?<=[。！？；!?;\n])|(?<=[，,]))\s*"
    r"(?:另外|此外|除此之外|再就是|还有就是|还有一(?:件|个|点)|另一(?:件|个)|另有一|顺便(?:再)?(?:反映|说|问)"
    r"|还要反映|还想反映|同时(?:还|再)?反映|另[，,:：]|还有[，,:：]|另反映|再有|再反映)"
    r"(?:事|问题|情况)?[，,:：]?"
)
_CLOSING = re.compile(r"(?<=[。！？；!?;\n])\s*(?:以上|综上|上述|总之|请(?:领导|政府)对?以上)")
_LEAST_CHARACTERS = 16
_MOST_MATTERS = 5
# A long story before the points is the matter itself, and the points are what it asks for.
_LONGEST_LEAD = 80
# How much the words of a part must say: several phrases, and clearly more than of another category.
# A single one is as often a consequence ("went to hospital") as a matter of its own.
_LEAST_PHRASES = 2
_LEAST_SCORE = 3.0
_LEAST_RATIO = 2.0
_LEAST_PROBABILITY = 0.5
# A title that names one thing says that the points below it are about that thing.
_TITLE_SCORE = 2.0
_TITLE_RATIO = 2.0


@dataclass(frozen=True)
class Part:
    """A part of the joined text that may be a matter of its own."""

    spans: tuple[Span, ...]
    category: str
    accusing: bool = False

    def text(self, joined: str) -> str:
        """Its pieces, one a line."""
        return "\n".join(joined[start:end] for start, end in self.spans)

    def place(self, offset: int) -> int:
        """The place in the joined text of a place in ``text``."""
        begins = [0]
        for start, end in self.spans:
            begins.append(begins[-1] + end - start + 1)
        piece = min(bisect_right(begins, offset) - 1, len(self.spans) - 1)
        return self.spans[piece][0] + offset - begins[piece]

    def placed(self, found: Sequence[Evidence]) -> tuple[Evidence, ...]:
        """Evidence of ``text`` with its places in the joined text."""
        return tuple(
            replace(e, start=self.place(e.start), end=self.place(e.end - 1) + 1) for e in found
        )


def matter_text(text: PetitionText, spans: Sequence[Span]) -> PetitionText:
    """The text of one matter: its own part of the request and of the facts."""
    if not spans:
        return text
    border = len(text.request)
    joined = text.joined
    request = [joined[start : min(end, border)] for start, end in spans if start < border]
    facts = [joined[max(start, border + 1) : end] for start, end in spans if end > border + 1]
    return PetitionText("\n".join(request), "\n".join(facts))


class Splitter:
    """Finds the parts of a text that are matters of their own."""

    def __init__(self, book: ContentBook, nature_rules: NatureRules) -> None:
        self._book = book
        self._nature_rules = nature_rules

    def propose(self, text: PetitionText) -> tuple[Part, ...]:
        """Parts of different categories by structure and words; empty for one matter."""
        joined = text.joined
        pieces = _numbered(joined, len(text.request)) or _shifted(joined)
        if not pieces or self._topic(text.request, _TITLE_SCORE, _TITLE_RATIO):
            return ()
        parts = self._merge(joined, pieces)
        return tuple(parts) if 2 <= len(parts) <= _MOST_MATTERS else ()

    def _merge(self, joined: str, pieces: Sequence[Span]) -> list[Part]:
        """Join pieces of one category; a piece that says too little joins the one before."""
        parts: dict[str, Part] = {}
        last = ""
        for start, end in pieces:
            piece = joined[start:end]
            accusing = bool(self._nature_rules.accusation(piece))
            key = SEALED_CATEGORY if accusing else self._category(piece) or last
            if not key:
                return []
            known = parts.get(key, Part((), key, accusing))
            parts[key] = replace(known, spans=(*known.spans, (start, end)))
            last = key
        return list(parts.values())

    def _category(self, piece: str) -> str:
        """The first level that the words of a piece clearly speak of; empty when none does."""
        if len(piece.strip()) < _LEAST_CHARACTERS:
            return ""
        return self._topic(piece, _LEAST_SCORE, _LEAST_RATIO, _LEAST_PHRASES)

    def _topic(self, text: str, least: float, ratio: float, phrases: int = 1) -> str:
        hits = self._book.hits(text)
        ranked = first_level(self._book.scores(hits))
        ranked = [(code, score) for code, score in ranked if code != SEALED_CATEGORY]
        if not ranked or ranked[0][1] < least:
            return ""
        best = ranked[0][0]
        speaking = {hit.hit.phrase for hit in hits if any(c[:2] == best for c in hit.weights)}
        other = ranked[1][1] if len(ranked) > 1 else 0.0
        clear = len(speaking) >= phrases and ranked[0][1] >= ratio * other
        return best if clear else ""


def confirmed(parts: Sequence[Part], opinions: Sequence[Opinion]) -> bool:
    """Whether an opinion on every part names the category that its words speak of."""
    return all(
        part.accusing
        or (
            open_category(opinion.content) == part.category
            and dict(first_level(opinion.content))[part.category] >= _LEAST_PROBABILITY
        )
        for part, opinion in zip(parts, opinions, strict=True)
    )


def shared_text(joined: str, parts: Sequence[Part]) -> str:
    """What of the joined text belongs to none of the parts: it is said of all of them."""
    taken = sorted(span for part in parts for span in part.spans)
    ends = [0, *(end for _, end in taken)]
    starts = [*(start for start, _ in taken), len(joined)]
    return "\n".join(joined[a:b] for a, b in zip(ends, starts, strict=True) if a < b)


def _numbered(joined: str, request_end: int) -> list[Span]:
    """The points of a numbered list, without their numbers; empty when there is none."""
    runs = [run for style in _STYLES if len(run := _run(style, joined)) >= 2]
    if not runs:
        return []
    first = min(runs, key=lambda run: run[0].start())
    if first[0].start() - request_end > _LONGEST_LEAD:
        return []
    closing = _CLOSING.search(joined, first[-1].end())
    ends = [*(mark.start() for mark in first[1:]), closing.start() if closing else len(joined)]
    return [(mark.end(), end) for mark, end in zip(first, ends, strict=True)]


def _run(style: re.Pattern[str], joined: str) -> list[re.Match[str]]:
    """The marks of one style as far as their numbers go 1, 2, 3."""
    run: list[re.Match[str]] = []
    for mark in style.finditer(joined):
        if _value(mark.group(1)) == len(run) + 1:
            run.append(mark)
    return run


def _value(numeral: str) -> int:
    return _NUMERALS[numeral] if numeral in _NUMERALS else int(numeral)


def _shifted(joined: str) -> list[Span]:
    """The text before the first turn to another thing, and what follows each turn."""
    marks = list(_SHIFT.finditer(joined))
    if not marks:
        return []
    starts = [0, *(mark.end() for mark in marks)]
    ends = [*(mark.start() for mark in marks), len(joined)]
    return list(zip(starts, ends, strict=True))
