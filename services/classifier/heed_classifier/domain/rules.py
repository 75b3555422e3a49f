"""The written rules of nature (性质), and of what makes a text an accusation."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from heed_classifier.domain.decision import Evidence
from heed_classifier.domain.nature import Nature
from heed_classifier.domain.phrases import Hit, PhraseIndex
from heed_classifier.domain.text import clauses, fold

_HEAD_CHARACTERS = 40
_MOST_PHRASES = 4
_STRONG, _WEAK = 2.0, 1.0
_WORD_AND_GAP = 16
# Tried with 2 to 8 on the written sentences: from 4 on the answers hardly change.
_WORDS, _RESERVE = 5.0, 1.0
_ADDRESSED_BEFORE = ("尊敬", "敬爱", "恳请", "请求", "求求", "致")
_ADDRESSED_AFTER = (
    "您好",
    "你好",
    ":",
    "您 好",
    "同志:",
    "您",
    "为我们做主",
    "为民做主",
    "信箱",
    "热线",
    "留言",
)
# "Please look into it, secretary Yang": at most a surname stands between.
_ASKED = re.compile("(?:请|望|恳求|拜托)[^查处抓管，。]{0,2}$")
# 县长虹, 区长期: the character belongs to the next word.
_OTHER_WORDS = ("期", "途", "虹", "沙", "江", "久", "远", "房")


class _Cues:
    """What speaks for one nature: strong words, weak words and patterns."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._strong, self._weak = _index(table["strong"]), _index(table["weak"])
        self._patterns = [re.compile(pattern) for pattern in table["patterns"]]

    def find(self, folded: str) -> list[tuple[float, Hit]]:
        """Cues with their weights; the head of a text says what it is for."""
        found = [(_STRONG, hit) for hit in self._strong.find(folded)]
        found += [(_WEAK, hit) for hit in self._weak.find(folded)]
        for pattern in self._patterns:
            found += [
                (_STRONG, Hit(match.group(), *match.span())) for match in pattern.finditer(folded)
            ]
        return [
            (2 * weight if hit.start < _HEAD_CHARACTERS else weight, hit) for weight, hit in found
        ]


class NatureRules:
    """Cues of nature, and the test for an accusation."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._cues = {
            nature: _Cues(table[nature.name.lower()])
            for nature in (Nature.SUGGESTION, Nature.ENQUIRY, Nature.APPEAL_REQUEST)
        }
        opening = table["opening"]
        self._openings = {
            Nature.SUGGESTION: _index(opening["suggestion"]),
            Nature.ENQUIRY: _index(opening["enquiry"]),
        }
        self._opening_unless = _index(opening["unless"])
        accusation = table["accusation"]
        self._pairs = (
            (
                _index(f"{accusation['persons']} {accusation['officials']}"),
                _index(accusation["misconduct"]),
                accusation["window"],
            ),
            (_index(accusation["officials"]), _index(accusation["informal"]), accusation["near"]),
        )
        self._not_officials = _index(accusation["not_officials"])
        self._patterns = [re.compile(pattern) for pattern in accusation["patterns"]]
        self._receivers = frozenset(accusation["receivers"].split())
        self._reported = re.compile(accusation["reported"])
        self._alone = _index(accusation["alone"])
        self._misconduct = self._pairs[0][1]

    def scores(self, text: str) -> dict[Nature, float]:
        """How much speaks for each nature."""
        folded = fold(text)
        return {
            nature: sum(weight for weight, _ in cues.find(folded))
            for nature, cues in self._cues.items()
        }

    def steadied(self, text: str, opinion: Mapping[Nature, float]) -> dict[Nature, float]:
        """Weights of the natures but accusation: an opinion, steadied by what the words say.

        The starter has seen few ways to ask; the words know more of them, so they weigh more.
        """
        cues = self.scores(text)
        opening = self.opening(text)
        if opening in cues:
            cues[opening] += sum(cues.values())
        total = sum(cues.values()) + _RESERVE
        return {
            nature: math.sqrt(opinion.get(nature, 0.0)) * math.exp(_WORDS * score / total)
            for nature, score in cues.items()
        }

    def evidence(self, text: str, nature: Nature) -> tuple[Evidence, ...]:
        """The phrases that speak for a nature, strongest first; those of an accusation first."""
        if nature is Nature.ACCUSATION:
            hits = [(2.0, hit) for hit in self.accusation(text)]
        elif nature in self._cues:
            hits = self._cues[nature].find(fold(text))
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
        for persons, misconduct, window in self._pairs:
            wrongs = list(misconduct.find(folded))
            if persons is self._pairs[1][0]:
                wrongs += [
                    Hit(found.group(), *found.span())
                    for pattern in self._patterns
                    for found in pattern.finditer(folded)
                ]
            held = self._holders(persons, folded) if wrongs else []
            starts = [person.start for person in held]
            for wrong in wrongs:
                nearest = bisect_left(starts, wrong.start - window)
                if nearest < len(starts) and starts[nearest] <= wrong.start + window:
                    return (held[nearest], wrong)
        for person in self._holders(self._pairs[1][0], folded):
            verb = self._reported.search(folded, max(0, person.start - _WORD_AND_GAP), person.start)
            if verb is not None and person.phrase not in self._receivers:
                return (Hit(verb.group()[:2], verb.start(), verb.start() + 2), person)
        alone = tuple(self._alone.find(folded))
        return alone if alone and any(self._misconduct.find(folded)) else ()

    def _holders(self, persons: PhraseIndex, folded: str) -> list[Hit]:
        """Who holds an office and is written about, not written to."""
        others = [(hit.start, hit.end) for hit in self._not_officials.find(folded)]
        return [
            person
            for person in persons.find(folded)
            if not _is_addressed(folded, person)
            and not any(start <= person.start and person.end <= end for start, end in others)
        ]


def _is_addressed(folded: str, person: Hit) -> bool:
    """Whether an official is the one written to, and not the one written about."""
    before, after = folded[max(0, person.start - 6) : person.start], folded[person.end :]
    return (
        any(word in before for word in _ADDRESSED_BEFORE)
        or _ASKED.search(before) is not None
        or after.lstrip(" ,").startswith(_ADDRESSED_AFTER)
        or (person.phrase[-1] == "长" and after.startswith(_OTHER_WORDS))
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
