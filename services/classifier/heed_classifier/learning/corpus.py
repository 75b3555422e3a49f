"""The starter corpus: petitions that the project writes itself, to train a first model on.

Sentences and words come from the phrase banks in ``content/``, names are made up from characters.
No text of a real petition is in here. A corpus is a pure function of banks, size and seed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from heed_classifier.domain.content import ContentBook, ContentEntry
from heed_classifier.domain.nature import Nature
from heed_classifier.learning import frames

_CHOICE = re.compile(r"\{([^{}]*)\}")

# How often a first-level category occurs: the few big ones of public statistics first.
_WEIGHTS: Mapping[str, float] = {
    "01": 0.20, "03": 0.17, "07": 0.13, "05": 0.09, "08": 0.09, "06": 0.08, "11": 0.09,
    "12": 0.05,
}  # fmt: skip
_OTHER_WEIGHT = 0.012


@dataclass(frozen=True)
class Sample:
    """One written petition with the truth about it."""

    text: str
    code: str
    nature: Nature


class CorpusWriter:
    """Writes petitions from the phrase banks."""

    def __init__(self, book: ContentBook, seed: int, mixed: float = 0.0) -> None:
        """Build it; ``mixed`` is the share of petitions that also touch on another category."""
        self._mixed = mixed
        self._random = random.Random(seed)  # noqa: S311 - a seeded corpus, no secret
        self._entries = [entry for entry in book.entries if entry.facts]
        self._by_parent: dict[str, list[ContentEntry]] = {}
        for entry in self._entries:
            self._by_parent.setdefault(entry.code[:2], []).append(entry)

    def write(self, count: int) -> list[Sample]:
        """Write ``count`` petitions, categories in the shares above."""
        parents = sorted(self._by_parent)
        weights = [_WEIGHTS.get(parent, _OTHER_WEIGHT) for parent in parents]
        return [self._petition(self._random.choices(parents, weights)[0]) for _ in range(count)]

    def _petition(self, parent: str) -> Sample:
        pick = self._random
        siblings = self._by_parent[parent]
        entry = pick.choices(siblings, [len(e.facts) + len(e.strong) / 6 for e in siblings])[0]
        nature = self._nature(parent)
        parts: list[str] = []
        if pick.random() < 0.85:
            parts.append(self._frame(frames.TITLES[nature], entry))
        if pick.random() < 0.6:
            parts.append(pick.choice(frames.GREETINGS))
        parts.extend(self._body(entry, nature))
        if pick.random() < 0.5:
            parts.append(self.fill(pick.choice(frames.HISTORY)))
        if entry.asks and nature is Nature.APPEAL_REQUEST and pick.random() < 0.5:
            parts.append(self.fill(pick.choice(entry.asks)))
        if pick.random() < 0.7:
            parts.append(self.fill(pick.choice(frames.CLOSINGS[nature])))
        text = self._join(parts)
        return Sample(text, entry.code, nature)

    def _nature(self, parent: str) -> Nature:
        if parent == "14":
            return Nature.ACCUSATION
        draw = self._random.random()
        if draw < 0.62:
            return Nature.APPEAL_REQUEST
        if draw < 0.82:
            return Nature.ENQUIRY
        if draw < 0.96:
            return Nature.SUGGESTION
        return Nature.ACCUSATION

    def _body(self, entry: ContentEntry, nature: Nature) -> list[str]:
        pick = self._random
        facts = [fact for fact in entry.facts if _nature_of(fact) in (None, nature)] or list(
            entry.facts
        )
        count = min(len(facts), pick.choices((0, 1, 2, 3), (0.15, 0.5, 0.25, 0.1))[0])
        body = [self.fill(fact) for fact in pick.sample(facts, count)]
        more = pick.choices((0, 1, 2), (0.25, 0.45, 0.3))[0] + (count == 0)
        body += [self._frame(frames.SENTENCES[nature], entry) for _ in range(more)]
        if nature is Nature.ACCUSATION and entry.code[:2] != "14":
            accusation = pick.choice(self._by_parent["14"]) if "14" in self._by_parent else entry
            body.append(self.fill(pick.choice(accusation.facts)))
        if pick.random() < self._mixed:
            other = pick.choice(self._entries)
            body.append(self._frame(frames.SENTENCES[nature], other))
            body.append(self.fill(pick.choice(other.facts)))
        pick.shuffle(body)
        return body

    def _frame(self, bank: tuple[str, ...], entry: ContentEntry) -> str:
        pick = self._random
        frame = pick.choice(bank)
        frame = frame.replace("<fact>", _first_clause(pick.choice(entry.facts)))
        while "<kw>" in frame:
            words = entry.strong if pick.random() < 0.75 or not entry.weak else entry.weak
            frame = frame.replace("<kw>", pick.choice(words), 1)
        while "<weak>" in frame:
            frame = frame.replace("<weak>", pick.choice(entry.weak or entry.strong), 1)
        return self.fill(frame)

    def fill(self, phrase: str) -> str:
        """Make the choices of a phrase and fill its slots."""
        previous = ""
        while previous != phrase:
            previous = phrase
            phrase = _CHOICE.sub(self._slot, phrase)
        return phrase

    def _slot(self, match: re.Match[str]) -> str:
        inner: str = match.group(1)
        if "|" in inner:
            return self._random.choice(inner.split("|"))
        bank = frames.SLOTS.get(inner)
        return frames.made_up(inner, bank, self._random) if bank is not None else inner

    def _join(self, parts: list[str]) -> str:
        pick = self._random
        text = ""
        for part in parts:
            end = "" if part[-1] in "。！？：，" else pick.choice(("。", "。", "，", "！", " "))
            text += part + end
        return text.strip(" ，")


def _nature_of(fact: str) -> Nature | None:
    if fact.startswith(("请问", "想咨询")):
        return Nature.ENQUIRY
    if fact.startswith(("建议", "希望")):
        return Nature.SUGGESTION
    return None


def _first_clause(fact: str) -> str:
    depth = 0
    for position, character in enumerate(fact):
        depth += (character == "{") - (character == "}")
        if character == "，" and depth == 0 and position > 6:
            return fact[:position]
    return fact
