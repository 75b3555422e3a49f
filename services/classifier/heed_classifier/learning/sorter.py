"""The trained model behind the Sorter port; the only code that runs torch when serving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heed_classifier.domain.content import ContentBook, ContentHit
from heed_classifier.domain.decision import Cutoffs, Opinion, blend_content, open_category
from heed_classifier.domain.nature import Nature
from heed_classifier.domain.rules import NatureRules
from heed_classifier.learning import explain
from heed_classifier.learning.calibration import softmax
from heed_classifier.learning.features import Bag
from heed_classifier.learning.network import batch
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
        self._book = book
        self._nature_rules = nature_rules

    @property
    def cutoffs(self) -> Cutoffs:
        """The cut-offs of the bands, from the model's validation."""
        return self._model.cutoffs

    def opinions(self, texts: Sequence[str]) -> list[Opinion]:
        """Sort a batch of texts."""
        if not texts:
            return []
        bags = [self._model.vocabulary.bag(text) for text in texts]
        with torch.inference_mode():
            content, nature = self._model.network(*batch(bags))
        hits = [self._book.hits(text) for text in texts]
        scores = [self._book.scores(found) for found in hits]
        rules = np.array([[s.get(code, 0.0) for code in self._model.codes] for s in scores])
        blended = blend_content(content.log_softmax(1).numpy(), rules)
        probabilities = softmax(blended / self._model.temperature)
        natures = nature.log_softmax(1).numpy()
        return [
            self._opinion(text, bags[i], probabilities[i], natures[i], hits[i], rules[i])
            for i, text in enumerate(texts)
        ]

    def _opinion(
        self,
        text: str,
        bag: Bag,
        content: NDArray[Any],
        nature: NDArray[Any],
        hits: Sequence[ContentHit],
        rules: NDArray[Any],
    ) -> Opinion:
        codes = self._model.codes
        probabilities = {code: float(p) for code, p in zip(codes, content, strict=True)}
        best = open_category(probabilities)
        chosen = [i for i, code in enumerate(codes) if code[:2] == best]
        strongest = sorted(chosen, key=lambda i: -content[i])[:2]
        weights = explain.character_weights(
            self._model.network, self._model.vocabulary, bag, text, strongest
        )
        words = [
            (found.hit.start, found.hit.end, max(for_it))
            for found in hits
            if (for_it := [w for code, w in found.weights.items() if code[:2] == best])
        ]
        agreed = bool(rules.any()) and codes[int(rules.argmax())][:2] == best
        known = len(bag.indices) >= _LEAST_KNOWN and len(bag.indices) >= _LEAST_SHARE * len(
            set(text)
        )
        return Opinion(
            content=probabilities,
            nature=self._nature(text, nature),
            evidence=explain.phrases(text, weights, words),
            sure=agreed and known,
        )

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
