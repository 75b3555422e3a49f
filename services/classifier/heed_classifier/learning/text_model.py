"""A trained model for any label set: n-grams and knowledge in, calibrated answers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heed_classifier.domain.decision import Cutoffs, Evidence
from heed_classifier.domain.nature import Band
from heed_classifier.learning.examples import Axis
from heed_classifier.learning.explain import phrases, spread
from heed_classifier.learning.familiarity import Familiarity, FamiliarityCutoffs, gives_orders
from heed_classifier.learning.features import (
    Grams,
    Vocabulary,
    Weighted,
    chunks,
    grams_of,
)
from heed_classifier.learning.knowledge import Knowledge, Known, for_features
from heed_classifier.learning.label_calibration import AxisReport, Calibration
from heed_classifier.learning.neighbours import Neighbours
from heed_classifier.learning.network import LabelNetwork
from heed_classifier.learning.reading import Reading, read

Array = NDArray[Any]

_CANDIDATES = 5


@dataclass(frozen=True)
class Judge:
    """How margins of one axis become an answer: fitted on held-out texts."""

    axis: Axis
    calibration: Calibration
    cutoffs: Cutoffs


@dataclass(frozen=True)
class Answer:
    """The answer about one text on one axis."""

    label: str
    probability: float
    band: Band
    reasons: tuple[Evidence, ...]
    candidates: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Asked:
    """A batch of texts with all that the model makes of them on the way to its margins."""

    texts: Sequence[str]
    reading: Reading
    grams: Grams
    weighted: Weighted
    known: Known | None
    margins: Array  # (B, O)


@dataclass(frozen=True)
class TrainedModel:
    """Everything that is needed to answer."""

    judges: tuple[Judge, ...]  # in the order of the network's outputs
    vocabulary: Vocabulary
    network: LabelNetwork
    familiarity: Familiarity
    familiar: FamiliarityCutoffs
    neighbours: Neighbours
    knowledge: Knowledge | None
    report: Mapping[str, AxisReport]  # axis -> figures on held-out texts
    made_of: Mapping[str, Any]  # recipe, seed, number of examples, code version

    def answers(
        self, texts: Sequence[str], axis: str | None = None, *, reasons: bool = True
    ) -> list[Answer]:
        """Answer on one axis, the first when none is named; reasons cost most of the time."""
        found: list[Answer] = []
        for chunk in chunks(texts):
            found.extend(self._answers(self.ask(chunk), axis, reasons=reasons))
        return found

    def ask(self, texts: Sequence[str]) -> Asked:
        """Read a batch and compute its margins."""
        reading = read(texts)
        grams = grams_of(reading)
        weighted = self.vocabulary.weigh(grams, reading.size)
        known = None
        if self.knowledge is not None:
            known = self.knowledge.of(reading, grams)
        with torch.inference_mode():
            votes = self.neighbours(*weighted.tensors())  # (B, O)
            features = with_knowledge(votes, known)
            margins = self.network(*weighted.tensors(), features).numpy()
        return Asked(texts, reading, grams, weighted, known, margins)

    def columns(self, axis: str | None) -> tuple[Judge, slice]:
        """The judge of an axis and its columns among the network's outputs."""
        first = 0
        for judge in self.judges:
            size = len(judge.axis.labels)
            if axis in (None, judge.axis.name):
                return judge, slice(first, first + size)
            first += size
        raise KeyError(axis)

    def _answers(self, asked: Asked, axis: str | None, *, reasons: bool) -> list[Answer]:
        judge, columns = self.columns(axis)
        probabilities = judge.calibration.probabilities(asked.margins[:, columns])
        doubts = self.familiar.doubts(*self.familiarity.measure(asked.reading))
        doubts = np.maximum(doubts, [gives_orders(text) for text in asked.texts])
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :_CANDIDATES]
        told = self.reasons(asked, probabilities, columns) if reasons else None
        answers = []
        for number, best in enumerate(order):
            candidates = tuple(
                (judge.axis.labels[label], float(probabilities[number, label])) for label in best
            )
            band = _doubted(judge.cutoffs.band(candidates[0][1]), int(doubts[number]))
            why = told[number] if told is not None else ()
            answers.append(Answer(*candidates[0], band, why, candidates))
        return answers

    def reasons(
        self, asked: Asked, probabilities: Array, columns: slice
    ) -> list[tuple[Evidence, ...]]:
        """The phrases that spoke for the likeliest label, against the others by their odds."""
        rows = np.arange(len(probabilities))
        best = probabilities.argmax(1)
        against = probabilities.copy()
        against[rows, best] = 0.0
        against /= np.maximum(against.sum(1, keepdims=True), 1e-12)
        direction = -against
        direction[rows, best] = 1.0
        slopes = torch.from_numpy(direction.astype(np.float32))  # (B, C)
        owners = np.repeat(rows, np.diff(asked.weighted.bounds))
        with torch.inference_mode():
            table = self.network.grams.weight[:, columns]
            per_gram = (table[torch.from_numpy(asked.weighted.indices)] * slopes[owners]).sum(1)
            per_feature = slopes @ self.network.features.weight[columns]  # (B, O + K)
        added = per_gram.numpy() * asked.weighted.weights
        weights = spread(asked.reading, asked.grams, self.vocabulary, asked.weighted, added)
        words: list[list[tuple[int, int]]] = [[] for _ in rows]
        if self.knowledge is not None and asked.known is not None:
            slope = per_feature[:, self.neighbours.labels.shape[1] :].numpy()
            by_knowledge, words = self.knowledge.attribute(
                asked.reading, asked.grams, asked.known, for_features(slope)
            )
            weights += by_knowledge
        return [
            phrases(text, asked.reading, number, weights, words[number])
            for number, text in enumerate(asked.texts)
        ]


def with_knowledge(votes: Tensor, known: Known | None) -> Tensor:
    """The features beside the n-grams: votes of the neighbours, then the knowledge."""
    return votes if known is None else torch.cat([votes, torch.from_numpy(known.features)], 1)


def _doubted(band: Band, doubt: int) -> Band:
    """Lower a band by what speaks against it: bands are numbered from sure to unsure."""
    return max(band, Band(Band.AUTO + doubt))
