"""The written rules of nature (性质), and of what makes a text an accusation."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from heed_classifier.domain.decision import Evidence
from heed_classifier.domain.nature import Nature
from heed_classifier.domain.phrases import Hit, PhraseGroups
from heed_classifier.domain.text import clauses, fold

_HEAD_CHARACTERS = 40
_STRONG, _WEAK = 2.0, 1.0
_WORD_AND_GAP = 16
# Tried with 2 to 8 on the written sentences: from 4 on the answers hardly change.
_WORDS, _RESERVE = 5.0, 1.0
_ADDRESSED_BEFORE = ("尊敬", "敬爱", "求求")
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


_NATURES = (Nature.SUGGESTION, Nature.ENQUIRY, Nature.APPEAL_REQUEST)
_WEIGHTS = {"strong": _STRONG, "weak": _WEAK}
Weighed = tuple[float, Hit]


class NatureRules:
    """Cues of nature, and the test for an accusation."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        tables = {nature: table[nature.name.lower()] for nature in _NATURES}
        self._words = PhraseGroups(
            {
                f"{nature.name} {strength}": words[strength].split()
                for nature, words in tables.items()
                for strength in _WEIGHTS
            }
        )
        self._patterns = {
            nature: [re.compile(pattern) for pattern in words["patterns"]]
            for nature, words in tables.items()
        }
        self._openings = PhraseGroups(
            {name: words.split() for name, words in table["opening"].items()}
        )
        self._office = _Office(table["accusation"])

    def scores(self, text: str) -> dict[Nature, float]:
        """How much speaks for each nature."""
        return {n: sum(weight for weight, _ in cues) for n, cues in self.cues(text).items()}

    def cues(self, text: str) -> dict[Nature, list[Weighed]]:
        """What speaks for each nature, with its weight; the head says what a text is for."""
        folded = fold(text)
        words = self._words.find(folded)
        found: dict[Nature, list[Weighed]] = {}
        for nature, patterns in self._patterns.items():
            weighed = [
                (weight, hit)
                for strength, weight in _WEIGHTS.items()
                for hit in words[f"{nature.name} {strength}"]
            ]
            for pattern in patterns:
                weighed += [
                    (_STRONG, Hit(match.group(), *match.span()))
                    for match in pattern.finditer(folded)
                ]
            found[nature] = [
                (2 * weight if hit.start < _HEAD_CHARACTERS else weight, hit)
                for weight, hit in weighed
            ]
        return found

    def steadied(
        self,
        text: str,
        opinion: Mapping[Nature, float],
        cues: Mapping[Nature, list[Weighed]] | None = None,
    ) -> dict[Nature, float]:
        """Weights of the natures but accusation: an opinion, steadied by what the words say.

        The starter has seen few ways to ask; the words know more of them, so they weigh more.
        """
        found = self.cues(text) if cues is None else cues
        scores = {nature: sum(weight for weight, _ in hits) for nature, hits in found.items()}
        opening = self.opening(text)
        if opening in scores:
            scores[opening] += sum(scores.values())
        total = sum(scores.values()) + _RESERVE
        return {
            nature: math.sqrt(opinion.get(nature, 0.0)) * math.exp(_WORDS * score / total)
            for nature, score in scores.items()
        }

    def opening(self, text: str) -> Nature:
        """The nature that a text gives itself in its first clause; UNKNOWN when it gives none."""
        first = next((fold(clause) for _, clause in clauses(text) if len(clause.strip()) > 3), "")
        found = self._openings.find(first)
        if found["unless"]:
            return Nature.UNKNOWN
        if found["suggestion"]:
            return Nature.SUGGESTION
        return Nature.ENQUIRY if found["enquiry"] else Nature.UNKNOWN

    def accusation(self, text: str) -> tuple[Hit, ...]:
        """The phrases that make a text an accusation; empty when it is none by the rules."""
        return self._office.misused(fold(text))


class _Office:
    """Who holds an office, and what it was misused for."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        groups = ("persons", "misconduct", "officials", "informal", "not_officials", "alone")
        self._words = PhraseGroups({name: table[name].split() for name in groups})
        self._window, self._near = int(table["window"]), int(table["near"])
        self._patterns = [re.compile(pattern) for pattern in table["patterns"]]
        self._receivers = frozenset(table["receivers"].split())
        self._reported = re.compile(table["reported"])

    def misused(self, folded: str) -> tuple[Hit, ...]:
        """An office and what it was misused for, or how the text calls itself; empty if neither."""
        words = self._words.find(folded)
        officials = _holders(words["officials"], words["not_officials"], folded)
        if words["misconduct"]:
            persons = _holders(words["persons"], words["not_officials"], folded)
            held = sorted([*persons, *officials], key=lambda hit: hit.start)
            found = _together(held, words["misconduct"], self._window)
            if found:
                return found
        if officials:
            wrongs = words["informal"] + [
                Hit(match.group(), *match.span())
                for pattern in self._patterns
                for match in pattern.finditer(folded)
            ]
            found = _together(officials, wrongs, self._near) or self._named(officials, folded)
            if found:
                return found
        return tuple(words["alone"]) if words["misconduct"] else ()

    def _named(self, officials: Sequence[Hit], folded: str) -> tuple[Hit, ...]:
        """An official whom the text says that it reports."""
        for person in officials:
            verb = self._reported.search(folded, max(0, person.start - _WORD_AND_GAP), person.start)
            if verb is not None and person.phrase not in self._receivers:
                return (Hit(verb.group()[:2], verb.start(), verb.start() + 2), person)
        return ()


def _together(held: Sequence[Hit], wrongs: Sequence[Hit], window: int) -> tuple[Hit, ...]:
    """The first office and misconduct that begin within so many characters of each other."""
    starts = [person.start for person in held]
    for wrong in wrongs:
        nearest = bisect_left(starts, wrong.start - window)
        if nearest < len(starts) and starts[nearest] <= wrong.start + window:
            return (held[nearest], wrong)
    return ()


def _holders(persons: Sequence[Hit], others: Sequence[Hit], folded: str) -> list[Hit]:
    """Who holds an office and is written about, not written to."""
    spans = [(hit.start, hit.end) for hit in others]
    return [
        person
        for person in persons
        if not _is_addressed(folded, person)
        and not any(start <= person.start and person.end <= end for start, end in spans)
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
