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
from heed_classifier.learning.explain import phrases
from heed_classifier.learning.features import Grams, grams_of
from heed_classifier.learning.knowledge import Knowledge, Known, for_odds
from heed_classifier.learning.reading import read
from heed_classifier.learning.stored_model import LoadedModel

# Fewer known n-grams than this, or a smaller share of its pairs of characters, and the model is
# guessing. Of real petitions one in a hundred has so few; of those with their characters shuffled
# none has more.
_LEAST_KNOWN = 12
_LEAST_SHARE = 0.28
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
        known = self._knowledge.of(reading, grams)
        codes = self._model.codes
        contents = [dict(zip(codes, row.tolist(), strict=True)) for row in known.probabilities]
        best = [open_category(content) for content in contents]
        chosen = np.array([[code[:2] == first for code in codes] for first in best])
        agreed, familiar = self._agreed(known, best), self._familiar(grams, known)
        weights, words = self._knowledge.attribute(reading, grams, known, for_odds(chosen))
        log_natures = known.natures / self._model.nature_temperature
        return [
            Opinion(
                content=contents[i],
                nature=natures(self._nature_rules, text, log_natures[i]),
                evidence=phrases(text, reading, i, weights, words[i]),
                sure=agreed[i] and familiar[i],
            )
            for i, text in enumerate(texts)
        ]

    def _agreed(self, known: Known, best: Sequence[str]) -> list[bool]:
        """Whether the rules speak for the same first level."""
        found = [row.any() and self._model.codes[row.argmax()][:2] for row in known.rules.numpy()]
        return [code == first for code, first in zip(found, best, strict=True)]

    def _familiar(self, grams: Grams, known: Known) -> list[bool]:
        """Whether enough of each text was seen in training."""
        seen = np.diff(known.weighted.bounds)
        pairs = grams.sizes == 2
        documents = grams.documents[pairs]
        hits = self._model.vocabulary.find(grams.hashes[pairs])[1]
        total = np.bincount(documents, minlength=len(seen))
        share = np.bincount(documents, hits, len(seen)) / np.maximum(1, total)
        familiar: list[bool] = ((seen >= _LEAST_KNOWN) & (share >= _LEAST_SHARE)).tolist()
        return familiar


def natures(rules: NatureRules, text: str, log_probabilities: NDArray[Any]) -> dict[Nature, float]:
    """What a model says of the nature, (4,), together with the rules' cues and the opening."""
    cues = rules.scores(text)
    total = sum(cues.values()) + 2.0
    opening = rules.opening(text)
    logits = [
        float(log_probabilities[nature - 1])
        + _CUE_WEIGHT * cues.get(nature, 0.0) / total
        + _OPENING_WEIGHT * (nature is opening)
        for nature in list(Nature)[1:]
    ]
    probabilities = softmax(np.array([logits]))[0]
    return {nature: float(p) for nature, p in zip(list(Nature)[1:], probabilities, strict=True)}
