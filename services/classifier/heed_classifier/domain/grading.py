"""Urgency (紧急程度), importance (重要程度) and hazard of a matter, by written rules.

All of it reads facts of the matter only (DOMAIN 3.5). Tone, history and repeat count have no way
in, and someone who needs protection can only make a matter more urgent, never less.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from heed_classifier.domain.decision import Evidence
from heed_classifier.domain.nature import Importance, Urgency
from heed_classifier.domain.phrases import Hit, PhraseIndex
from heed_classifier.domain.rules import evidence_of
from heed_classifier.domain.text import Clauses, fold

# Buckets of the contract: 21-50 people are important, more than 100 are many.
_SOME_PEOPLE, _MANY_PEOPLE = 5, 7
_MOST_PHRASES = 6
_ADJACENT = 4
_LONGEST_WORD = 8
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
        self._one, self._other = _index(table["a"]), _index(table["b"])
        self._window = int(table["window"])

    def find(self, folded: str) -> Iterator[Hit]:
        """Stretches from one word to the other; the nearest for each first word."""
        ones = list(self._one.find(folded))
        if not ones:
            return
        others = list(self._other.find(folded))
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
        self._cues = PhraseIndex(table["cues"])
        self._pairs = [_Pair(pair) for pair in table.get("pair", ())]
        self._unless = _index(table["unless"])
        self._around, self._usual = _index(table["around"]), _index(table["usual"])
        self._now = _index(table["now"])
        self._dates = re.compile(table["dates"]) if "dates" in table else None

    def find(self, folded: str) -> list[Hit]:
        """The cues and pairs of a folded text that count in their clauses."""
        hits = list(self._cues.find(folded))
        for pair in self._pairs:
            hits += pair.find(folded)
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
        self._u1 = _index(table["u1"]["cues"])
        self._wages, self._wages_when = (
            _index(table["u1"]["wages"]),
            _index(table["u1"]["wages_when"]),
        )
        self._vulnerable, self._harm = (
            _index(table["u1"]["vulnerable"]),
            _index(table["u1"]["harm"]),
        )
        self._u3, self._u3_least = _index(table["u3"]["cues"]), int(table["u3"]["least"])
        self._hazard = _index(table["hazard"]["cues"])
        self._many, self._some = (
            _index(table["importance"]["many"]),
            _index(table["importance"]["some"]),
        )

    def danger(self, text: str) -> tuple[Hit, ...]:
        """The U0 phrases of a text: danger to life now. Runs before any model."""
        folded = _blanked(self._harmless, self._facts(text))
        found = [hit for danger in self._dangers for hit in danger.find(folded)]
        return tuple(sorted(found, key=lambda hit: (hit.start, -hit.end)))

    def grade(self, text: str, people_bucket: int) -> Grades:
        """Grade a matter by its facts."""
        folded = self._facts(text)
        danger = self.danger(text)
        urgent = self._urgent(folded)
        hazard = tuple(self._hazard.find(folded))
        complicated = list(self._u3.find(folded))
        if danger:
            urgency = Urgency.U0
        elif urgent:
            urgency = Urgency.U1
        elif len({hit.phrase for hit in complicated}) >= self._u3_least:
            urgency = Urgency.U3
        else:
            urgency = Urgency.U2
        importance, reason = self._importance(
            folded, people_bucket, danger=bool(danger), hazard=bool(hazard)
        )
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

    def _urgent(self, folded: str) -> tuple[Hit, ...]:
        urgent = tuple(self._u1.find(folded))
        for first, second in ((self._wages, self._wages_when), (self._vulnerable, self._harm)):
            one, other = list(first.find(folded)), list(second.find(folded))
            if one and other:
                urgent += (one[0], other[0])
        return urgent

    def _importance(
        self,
        folded: str,
        people_bucket: int,
        *,
        danger: bool,
        hazard: bool,
    ) -> tuple[Importance, str]:
        many = people_bucket >= _MANY_PEOPLE or any(self._many.find(folded))
        some = many or people_bucket >= _SOME_PEOPLE or any(self._some.find(folded))
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
