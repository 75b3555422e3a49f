"""The written rules of nature (性质), and of what makes a text an accusation."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from heed_classifier.domain.decision import Evidence
from heed_classifier.domain.nature import Nature
from heed_classifier.domain.phrases import Hit, PhraseIndex
from heed_classifier.domain.text import clauses, fold

_HEAD_CHARACTERS = 40
_MOST_PHRASES = 4


class NatureRules:
    """Cues of nature, and the test for an accusation."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._cues = {
            Nature.SUGGESTION: _index(table["suggestion"]["cues"]),
            Nature.ENQUIRY: _index(table["enquiry"]["cues"]),
            Nature.APPEAL_REQUEST: _index(table["appeal_request"]["cues"]),
        }
        opening = table["opening"]
        self._openings = {
            Nature.SUGGESTION: _index(opening["suggestion"]),
            Nature.ENQUIRY: _index(opening["enquiry"]),
        }
        self._opening_unless = _index(opening["unless"])
        accusation = table["accusation"]
        self._window = int(accusation["window"])
        self._persons = _index(accusation["persons"])
        self._misconduct = _index(accusation["misconduct"])
        self._alone = _index(accusation["alone"])

    def scores(self, text: str) -> dict[Nature, float]:
        """How many cues speak for each nature; those at the beginning count double."""
        folded = fold(text)
        return {
            nature: sum(2.0 if hit.start < _HEAD_CHARACTERS else 1.0 for hit in index.find(folded))
            for nature, index in self._cues.items()
        }

    def evidence(self, text: str, nature: Nature) -> tuple[Evidence, ...]:
        """The phrases that speak for a nature, strongest first; those of an accusation first."""
        if nature is Nature.ACCUSATION:
            hits = [(2.0, hit) for hit in self.accusation(text)]
        elif nature in self._cues:
            hits = [
                (2.0 if hit.start < _HEAD_CHARACTERS else 1.0, hit)
                for hit in self._cues[nature].find(fold(text))
            ]
        else:
            hits = []
        return evidence_of(text, hits)[:_MOST_PHRASES]

    def opening(self, text: str) -> Nature:
        """The nature that a text gives itself in its first clause; UNKNOWN when it gives none."""
        first = next((fold(clause) for _, clause in clauses(text) if len(clause.strip()) > 3), "")
        if any(self._opening_unless.find(first)):
            return Nature.UNKNOWN
        for nature, index in self._openings.items():
            if any(index.find(first)):
                return nature
        return Nature.UNKNOWN

    def accusation(self, text: str) -> tuple[Hit, ...]:
        """The phrases that make a text an accusation; empty when it is none by the rules."""
        folded = fold(text)
        alone = tuple(self._alone.find(folded))
        misconduct = list(self._misconduct.find(folded))
        persons = [hit for hit in self._persons.find(folded) if not _is_addressed(folded, hit)]
        starts = [person.start for person in persons]
        for wrong in misconduct:
            nearest = bisect_left(starts, wrong.start - self._window)
            if nearest < len(starts) and starts[nearest] <= wrong.start + self._window:
                return (persons[nearest], wrong)
        return alone if alone and misconduct else ()


def _is_addressed(folded: str, person: Hit) -> bool:
    """Whether an official is the one written to, and not the one written about."""
    before, after = folded[max(0, person.start - 6) : person.start], folded[person.end :]
    return "尊敬" in before or after.lstrip(" ,").startswith(
        ("您好", "你好", ":", "您 好", "同志:")
    )


def evidence_of(text: str, hits: Sequence[tuple[float, Hit]]) -> tuple[Evidence, ...]:
    """Weighed hits as evidence, strongest first, each phrase once."""
    found: dict[str, Evidence] = {}
    for weight, hit in sorted(hits, key=lambda item: (-item[0], item[1].start)):
        phrase = text[hit.start : hit.end]
        found.setdefault(phrase, Evidence(phrase, hit.start, hit.end, weight))
    return tuple(found.values())


def _index(words: str) -> PhraseIndex:
    return PhraseIndex(words.split())
