"""Urgency (紧急程度), importance (重要程度) and hazard of a matter, by written rules.

All of it reads facts of the matter only (DOMAIN 3.5). Tone, history and repeat count have no way
in, and someone who needs protection can only make a matter more urgent, never less.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heed_classifier.domain.decision import Evidence
from heed_classifier.domain.nature import Importance, Urgency
from heed_classifier.domain.phrases import Hit, PhraseGroups, PhraseIndex
from heed_classifier.domain.rules import evidence_of
from heed_classifier.domain.text import Clauses, fold

# Buckets of the contract: 21-50 people are important, more than 100 are many.
_SOME_PEOPLE, _MANY_PEOPLE = 5, 7
_MOST_PHRASES = 6
_ADJACENT = 4
_LONGEST_WORD = 8
_CUES = "cues"
# Urgent together: wages owed with a holiday near, somebody who needs protection with a harm.
_TOGETHER = (("wages", "wages_when"), ("vulnerable", "harm"))
Words = Mapping[str, list[Hit]]
"""Phrases by their group; a group that was not found is empty."""
_SENTENCE_ENDS = re.compile("[。！？!?;；\n]")


@dataclass(frozen=True)
class Grades:
    """Urgency, importance and hazard with the phrases that raised them."""

    urgency: Urgency
    importance: Importance
    hazard: bool
    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...] = ()
    """The facts that decided the urgency, strongest first."""
    importance_reason: str = ""


class _Pair:
    """Two sets of words that mean danger where they stand near each other in a sentence."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.first, self.second = table["a"].split(), table["b"].split()
        self._window = int(table["window"])

    def find(self, ones: Sequence[Hit], others: Sequence[Hit], folded: str) -> Iterator[Hit]:
        """Stretches from each of the first words to the nearest of the others."""
        starts = [hit.start for hit in others]
        for one in ones:
            first = bisect_left(starts, one.start - self._window - _LONGEST_WORD)
            last = bisect_left(starts, one.end + self._window + 1)
            near = [hit for hit in others[first:last] if _gap(one, hit) <= self._window]
            for other in sorted(near, key=lambda hit: _gap(one, hit)):
                start, end = min(one.start, other.start), max(one.end, other.end)
                if not _SENTENCE_ENDS.search(folded, start, end):
                    yield Hit(folded[start:end], start, end)
                    break


class _Danger:
    """One group of U0 cues with what takes them back: feared, past, usual, a drill."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._pairs = {str(place): _Pair(pair) for place, pair in enumerate(table["pair"])}
        first = {place: pair.first for place, pair in self._pairs.items()}
        self._words = PhraseGroups({_CUES: table["cues"], **first})
        self._others = PhraseGroups({place: pair.second for place, pair in self._pairs.items()})
        self._unless = _index(table["unless"])
        self._around, self._usual = _index(table["around"]), _index(table["usual"])
        self._now = _index(table["now"])
        self._dates = re.compile(table["dates"]) if "dates" in table else None

    def find(self, folded: str) -> list[Hit]:
        """The cues and pairs of a folded text that count in their clauses."""
        words = self._words.find(folded)
        hits = words.pop(_CUES, [])
        others = self._others.find(folded) if words else {}
        for place in words.keys() & others.keys():
            hits += self._pairs[place].find(words[place], others[place], folded)
        if not hits:
            return []
        around = Clauses(folded).around
        counted: dict[tuple[int, int], bool] = {}
        found: list[Hit] = []
        for hit in hits:
            bounds = around(hit.start)[0], around(hit.end - 1)[1]
            if bounds not in counted:
                counted[bounds] = self._counts(folded[slice(*bounds)])
            if counted[bounds] and not self._denied(folded, hit, bounds):
                found.append(hit)
        return found

    def _counts(self, clause: str) -> bool:
        if any(self._now.find(clause)):
            return True
        past = self._dates is not None and self._dates.search(clause) is not None
        return not past and not any(self._unless.find(clause)) and not any(self._usual.find(clause))

    def _denied(self, folded: str, hit: Hit, bounds: tuple[int, int]) -> bool:
        before = folded[max(bounds[0], hit.start - _ADJACENT) : hit.start]
        return any(found.end == len(before) for found in self._around.find(before))


class GradeRules:
    """Urgency, importance and hazard."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        history = table["history"]
        told = _alternatives(history["told"])
        self._history = re.compile(f"{history['before']}{told}|{told}{history['counted']}")
        self._harmless = re.compile(_alternatives(table["harmless"]["words"]))
        self._dangers = (_Danger(table["u0"]), _Danger(table["u0_self"]))
        self._u3_least = int(table["u3"]["least"])
        self._words = PhraseGroups(
            {
                "urgent": table["u1"]["cues"].split(),
                **{name: table["u1"][name].split() for pair in _TOGETHER for name in pair},
                "complicated": table["u3"]["cues"].split(),
                "hazard": table["hazard"]["cues"].split(),
                "many": table["importance"]["many"].split(),
                "some": table["importance"]["some"].split(),
            }
        )

    def danger(self, text: str) -> tuple[Hit, ...]:
        """The U0 phrases of a text: danger to life now. Runs before any model."""
        folded = _blanked(self._harmless, self._facts(text))
        found = [hit for danger in self._dangers for hit in danger.find(folded)]
        return tuple(sorted(found, key=lambda hit: (hit.start, -hit.end)))

    def grade(self, text: str, people_bucket: int) -> Grades:
        """Grade a matter by its facts."""
        danger = self.danger(text)
        words = self._words.find(self._facts(text))
        urgent = _urgent(words)
        hazard, complicated = tuple(words["hazard"]), words["complicated"]
        if danger:
            urgency = Urgency.U0
        elif urgent:
            urgency = Urgency.U1
        elif len({hit.phrase for hit in complicated}) >= self._u3_least:
            urgency = Urgency.U3
        else:
            urgency = Urgency.U2
        importance, reason = _importance(words, people_bucket, danger=bool(danger))
        facts = [(3.0, hit) for hit in danger] + [(2.0, hit) for hit in urgent]
        if urgency is Urgency.U3:
            facts += [(1.0, hit) for hit in complicated]
        return Grades(
            urgency,
            importance,
            bool(hazard or danger),
            danger + urgent + hazard,
            evidence_of(text, facts)[:_MOST_PHRASES],
            reason,
        )

    def _facts(self, text: str) -> str:
        """The folded text without what it tells of earlier complaints; the length stays."""
        return _blanked(self._history, fold(text))


def _urgent(words: Words) -> tuple[Hit, ...]:
    urgent = tuple(words["urgent"])
    for one, other in _TOGETHER:
        if words[one] and words[other]:
            urgent += (words[one][0], words[other][0])
    return urgent


def _importance(words: Words, people_bucket: int, *, danger: bool) -> tuple[Importance, str]:
    hazard = bool(words["hazard"])
    many = people_bucket >= _MANY_PEOPLE or bool(words["many"])
    some = many or people_bucket >= _SOME_PEOPLE or bool(words["some"])
    facts = [
        what
        for holds, what in (
            (danger, "危及生命安全"),
            (hazard, "存在安全隐患"),
            (many, "涉及人数众多"),
            (some and not many, "涉及数十人以上"),
        )
        if holds
    ]
    reason = "、".join(facts) or "未见安全隐患，未见涉及多人"
    if danger or (many and hazard):
        return Importance.MAJOR, reason
    return (Importance.IMPORTANT if some or hazard else Importance.ORDINARY), reason


def _alternatives(words: str) -> str:
    return f"(?:{'|'.join(sorted(words.split(), key=len, reverse=True))})"


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    """The text with blanks where the pattern was; the length stays."""
    return pattern.sub(lambda found: " " * len(found.group()), text)


def _gap(one: Hit, other: Hit) -> int:
    return max(one.start, other.start) - min(one.end, other.end)


def _index(words: str) -> PhraseIndex:
    return PhraseIndex(words.split())
