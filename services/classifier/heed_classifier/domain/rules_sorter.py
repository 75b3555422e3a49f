"""Sorting by the written rules alone: what answers when no model is loaded, or when it fails."""

from __future__ import annotations

from collections.abc import Sequence

from heed_classifier.domain.content import ContentBook
from heed_classifier.domain.decision import (
    Cutoffs,
    Evidence,
    Opinion,
    open_category,
    rules_alone,
)
from heed_classifier.domain.nature import Nature
from heed_classifier.domain.rules import NatureRules

RULES_VERSION = "rules-1"
_MOST_PHRASES = 6
# Most of what is written to a petition office asks for something to be done.
_NATURES = {Nature.SUGGESTION: 0.25, Nature.ENQUIRY: 0.25, Nature.APPEAL_REQUEST: 0.5}


class RulesSorter:
    """Sorts texts by phrase weights. It is never sure enough for AUTO."""

    name = RULES_VERSION
    cutoffs = Cutoffs(auto=1.01, review=0.5)

    def __init__(self, book: ContentBook, nature_rules: NatureRules) -> None:
        self._book = book
        self._nature_rules = nature_rules

    def opinions(self, texts: Sequence[str]) -> list[Opinion]:
        """Sort a batch of texts."""
        return [self._opinion(text) for text in texts]

    def _opinion(self, text: str) -> Opinion:
        hits = self._book.hits(text)
        content = rules_alone(self._book.scores(hits))
        evidence: list[Evidence] = []
        if content:
            best = open_category(content)
            for found in hits:
                weight = max((w for c, w in found.weights.items() if c[:2] == best), default=0.0)
                if weight > 0 and all(found.hit.phrase != e.phrase.lower() for e in evidence):
                    start, end = found.hit.start, found.hit.end
                    evidence.append(Evidence(text[start:end], start, end, round(weight, 4)))
        evidence.sort(key=lambda item: (-item.weight, item.start))
        return Opinion(content, self._nature(text), tuple(evidence[:_MOST_PHRASES]), sure=False)

    def _nature(self, text: str) -> dict[Nature, float]:
        weights = self._nature_rules.steadied(text, _NATURES)
        total = sum(weights.values())
        return {nature: weight / total for nature, weight in weights.items()}
