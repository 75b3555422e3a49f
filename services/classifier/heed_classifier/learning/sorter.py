"""The trained model behind the Sorter port; the only code that runs torch when serving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heed_classifier.domain.content import ContentBook
from heed_classifier.domain.decision import Cutoffs, Opinion, open_category
from heed_classifier.domain.nature import Nature
from heed_classifier.domain.rules import NatureRules
from heed_classifier.learning.calibration import softmax
from heed_classifier.learning.explain import phrases, spread
from heed_classifier.learning.features import grams_of
from heed_classifier.learning.knowledge import Knowledge, Known, for_odds
from heed_classifier.learning.reading import read
from heed_classifier.learning.stored_model import LoadedModel

# Fewer known n-grams than this, or a smaller share of the text, and the model is guessing.
_LEAST_KNOWN = 12
_LEAST_SHARE = 0.35
_CUE_WEIGHT = 2.0
_OPENING_WEIGHT = 3.0


class TorchSorter:
    """Sorts texts by the network, steadied by the rules."""

    def __init__(
        self, name: str, model: LoadedModel, book: ContentBook, nature_rules: NatureRules
    ) -> None:
        torch.set_num_threads(1)
        self.name = name
        self._model = model
        self._knowledge = Knowledge(model, book)
        self._nature_rules = nature_rules

    @property
    def cutoffs(self) -> Cutoffs:
        """The cut-offs of the bands, from the model's validation."""
        return self._model.cutoffs

    def opinions(self, texts: Sequence[str]) -> list[Opinion]:
        """Sort a batch of texts."""
        if not texts:
            return []
        reading = read(texts)
        grams = grams_of(reading)
        known = self._knowledge.of(reading, grams, texts)
        codes = self._model.codes
        contents = [dict(zip(codes, row.tolist(), strict=True)) for row in known.probabilities]
        best = [open_category(content) for content in contents]
        chosen = np.array([[code[:2] == first for code in codes] for first in best])
        added, words = self._knowledge.attribute(known, for_odds(chosen))
        weights = spread(reading, grams, self._model.vocabulary, known.weighted, added)
        return [
            Opinion(
                content=contents[i],
                nature=self._nature(text, known.natures[i]),
                evidence=phrases(text, reading, i, weights, words[i]),
                sure=self._is_sure(known, i, best[i], len(set(text))),
            )
            for i, text in enumerate(texts)
        ]

    def _is_sure(self, known: Known, number: int, best: str, characters: int) -> bool:
        """Whether the rules agree, and enough of the text was seen in training."""
        rules = known.rules[number]
        agreed = bool(rules.any()) and self._model.codes[int(rules.argmax())][:2] == best
        seen = int(np.diff(known.weighted.bounds)[number])
        return agreed and seen >= _LEAST_KNOWN and seen >= _LEAST_SHARE * characters

    def _nature(self, text: str, log_probabilities: NDArray[Any]) -> dict[Nature, float]:
        cues = self._nature_rules.scores(text)
        total = sum(cues.values()) + 2.0
        opening = self._nature_rules.opening(text)
        logits = [
            float(log_probabilities[nature - 1]) / self._model.nature_temperature
            + _CUE_WEIGHT * cues.get(nature, 0.0) / total
            + _OPENING_WEIGHT * (nature is opening)
            for nature in list(Nature)[1:]
        ]
        probabilities = softmax(np.array([logits]))[0]
        return {nature: float(p) for nature, p in zip(list(Nature)[1:], probabilities, strict=True)}
