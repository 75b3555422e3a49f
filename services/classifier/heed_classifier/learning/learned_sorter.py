"""A model that learned from corrections, behind the Sorter port.

It answers the first level, and the nature where people corrected natures; which second level of it,
the starter inside it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heed_classifier.domain.decision import SEALED_CATEGORY, Cutoffs, Opinion
from heed_classifier.domain.nature import Nature
from heed_classifier.domain.rules import NatureRules
from heed_classifier.learning.knowledge import Knowledge
from heed_classifier.learning.sorter import natures
from heed_classifier.learning.stored_model import BadModelError
from heed_classifier.learning.text_model import Asked, TrainedModel

CONTENT, NATURE = "content", "nature"


class LearnedSorter:
    """Sorts texts by a model for labels, which has the starter and the rules as features."""

    def __init__(self, name: str, model: TrainedModel, nature_rules: NatureRules) -> None:
        """Take a model; BadModelError when it lacks the starter or does not know the content."""
        torch.set_num_threads(1)
        if model.knowledge is None or CONTENT not in {judge.axis.name for judge in model.judges}:
            raise BadModelError("the stored model has no starter, or does not know the content")
        self.name = name
        self._model = model
        self._knowledge: Knowledge = model.knowledge
        self._nature_rules = nature_rules
        self._content, self._columns = model.columns(CONTENT)

    @property
    def cutoffs(self) -> Cutoffs:
        """The cut-offs of the bands, from texts held out in training."""
        return self._content.cutoffs

    def opinions(self, texts: Sequence[str]) -> list[Opinion]:
        """Sort a batch of texts."""
        if not texts:
            return []
        asked = self._model.ask(texts)
        firsts = self._content.calibration.probabilities(asked.margins[:, self._columns])
        contents = self._contents(asked, firsts)
        evidence = self._model.reasons(asked, self._shown(firsts), self._columns)
        strange = self._model.familiar.doubts(*self._model.familiarity.measure(asked.reading)) > 0
        log_natures = self._natures(asked)
        return [
            Opinion(
                content=contents[i],
                nature=natures(self._nature_rules, text, log_natures[i]),
                evidence=evidence[i],
                sure=not strange[i],
            )
            for i, text in enumerate(texts)
        ]

    def _contents(self, asked: Asked, firsts: NDArray[Any]) -> list[dict[str, float]]:
        """Share each first level's probability among its second levels, as the starter would."""
        starter = self._knowledge.starter
        known = asked.known.probabilities if asked.known is not None else np.zeros((0, 0))
        labels = self._content.axis.labels
        place = {label: number for number, label in enumerate(labels)}
        owner = np.array([place.get(code[:2], -1) for code in starter.codes])
        members = owner[:, None] == np.arange(len(labels))  # (K, C)
        sums = np.maximum(known @ members, 1e-12)  # (B, C)
        shares = known * (firsts / sums)[:, owner] * (owner >= 0)  # (B, K)
        childless = [number for number in range(len(labels)) if not members[:, number].any()]
        return [
            dict(zip(starter.codes, row.tolist(), strict=True))
            | {labels[number]: float(first[number]) for number in childless}
            for row, first in zip(shares, firsts, strict=True)
        ]

    def _shown(self, firsts: NDArray[Any]) -> NDArray[Any]:
        """Probabilities without the sealed category: nobody is shown it, so nothing explains it."""
        shown = firsts.copy()
        for number, label in enumerate(self._content.axis.labels):
            if label == SEALED_CATEGORY:
                shown[:, number] = 0.0
        return shown

    def _natures(self, asked: Asked) -> NDArray[Any]:
        """Log probabilities of the natures, (B, 4), in the order of the contract."""
        starter = self._knowledge.starter
        known = asked.known.natures if asked.known is not None else np.zeros((0, 0))
        log_natures = known / starter.nature_temperature
        names = {judge.axis.name for judge in self._model.judges}
        if NATURE in names:
            judge, columns = self._model.columns(NATURE)
            probabilities = judge.calibration.probabilities(asked.margins[:, columns])
            log_natures = np.full(known.shape, np.log(1e-9))
            for number, label in enumerate(judge.axis.labels):
                log_natures[:, int(label) - Nature.SUGGESTION] = np.log(
                    np.maximum(probabilities[:, number], 1e-9)
                )
        return log_natures
