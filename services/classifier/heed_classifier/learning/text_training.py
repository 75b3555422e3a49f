"""Training of a model for any label set: on one thread, seeded, judged on what it did not see.

Every text is answered once by a model that was trained without it (folds). Those answers give the
calibration, the cut-offs of the bands and the report; the model that is kept is trained on all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heed_classifier.learning.examples import Axis, Example, axes_of, folds_of, truth_of
from heed_classifier.learning.familiarity import familiarity_cutoffs, remember
from heed_classifier.learning.features import Vocabulary, chunks, grams_of, weigh_all
from heed_classifier.learning.knowledge import Knowledge, knowledge_of
from heed_classifier.learning.label_calibration import (
    AxisReport,
    band_cutoffs,
    calibrate,
    honest_probabilities,
    report_of,
)
from heed_classifier.learning.linear import fit_labels
from heed_classifier.learning.neighbours import Neighbours, learn_neighbours
from heed_classifier.learning.network import LabelNetwork
from heed_classifier.learning.reading import read
from heed_classifier.learning.selection import telling_vocabulary
from heed_classifier.learning.text_model import Judge, TrainedModel

Array = NDArray[Any]
Progress = Callable[[float, str], None]

# With more texts than this one fold in five is enough to judge by.
_ALL_FOLDS_UP_TO = 20_000
# Among fewer texts than this an n-gram counts even when it occurs once.
_FEW = 50


@dataclass(frozen=True)
class TextRecipe:
    """Everything that decides a training beside the examples."""

    seed: int = 20260101
    folds: int = 5
    least_texts: int = 2
    most_grams: int = 20_000
    cost: float = 1.0


@dataclass(frozen=True)
class _Fitted:
    """What one fit gives."""

    vocabulary: Vocabulary
    network: LabelNetwork
    neighbours: Neighbours


@dataclass(frozen=True)
class _HeldOut:
    """What models said of texts that they had not seen; M of the N texts."""

    rows: Array  # (M,) numbers of the texts
    folds: Array  # (M,)
    margins: Array  # (M, O)
    shares: Array  # (M,) familiar share
    counts: Array  # (M,) familiar letter groups


def train(
    examples: Sequence[Example],
    *,
    seed: int | None = None,
    progress: Progress = lambda _share, _what: None,
    knowledge: Knowledge | None = None,
    recipe: TextRecipe | None = None,
) -> TrainedModel:
    """Train, judge, calibrate; the same examples and recipe give the same model.

    Args:
        examples: Texts with labels on one or several axes; an axis may be missing on some.
        seed: Overrides the recipe's seed.
        progress: Called with the share done (0 to 1) and what is being done.
        knowledge: What the project knows beforehand; None learns from the examples alone.
        recipe: Settings; the default is good for a few hundred to a hundred thousand texts.

    Raises:
        BadExamplesError: There are no examples, or only one label on an axis.
    """
    torch.set_num_threads(1)
    chosen = recipe or TextRecipe()
    chosen = chosen if seed is None else replace(chosen, seed=seed)
    return _Trainer(examples, axes_of(examples), chosen, knowledge, progress).model()


class _Trainer:
    """One training; what the knowledge says of the texts is computed once for all folds."""

    def __init__(
        self,
        examples: Sequence[Example],
        axes: tuple[Axis, ...],
        recipe: TextRecipe,
        knowledge: Knowledge | None,
        progress: Progress,
    ) -> None:
        self._examples = examples
        self._texts = [example.text for example in examples]
        self._axes = axes
        self._recipe = recipe
        self._progress = progress
        self._knowledge = knowledge
        self._truths = [truth_of(examples, axis) for axis in axes]
        self._counts = np.array([example.weight for example in examples])
        progress(0.0, "knowledge")
        self._known = knowledge_of(self._texts, knowledge)

    def model(self) -> TrainedModel:
        """Judge on folds, then train on everything."""
        recipe = self._recipe
        folds = folds_of(self._examples, self._axes[0], recipe.folds, recipe.seed)
        rounds = recipe.folds if len(folds) <= _ALL_FOLDS_UP_TO else 1
        held: list[_HeldOut] = []
        for fold in range(rounds):
            self._progress((fold + 0.5) / (rounds + 1.5), f"fold {fold + 1}/{rounds}")
            own = np.nonzero(folds == fold)[0]
            if 0 < len(own) < len(folds):
                held.append(self._held_out(np.nonzero(folds != fold)[0], own, fold))
        self._progress((rounds + 0.5) / (rounds + 1.5), "all texts")
        model = self._kept(held)
        self._progress(1.0, "done")
        return model

    def _fit(self, rows: Array) -> _Fitted:
        texts = [self._texts[row] for row in rows]
        truths = [truth[rows] for truth in self._truths]
        recipe = self._recipe
        least = recipe.least_texts if len(texts) >= _FEW else 1
        vocabulary = telling_vocabulary(texts, truths, least, recipe.most_grams)
        targets = np.concatenate(
            [_signs(t, len(a.labels)) for t, a in zip(truths, self._axes, strict=True)], axis=1
        )
        weighted = weigh_all(vocabulary, texts)
        with torch.inference_mode():
            neighbours = learn_neighbours(weighted, len(vocabulary), targets, recipe.seed)
            votes = neighbours.votes_in_training(weighted)
        features = np.hstack([votes, self._known[rows]])
        costs = recipe.cost * self._counts[rows]
        network = fit_labels(weighted, len(vocabulary), features, targets, costs)
        return _Fitted(vocabulary, network, neighbours)

    def _held_out(self, others: Array, own: Array, fold: int) -> _HeldOut:
        fitted = self._fit(others)
        remembered = remember([self._texts[row] for row in others])
        margins, shares, counts = [], [], []
        for rows in chunks(own):
            reading = read([self._texts[row] for row in rows])
            weighted = fitted.vocabulary.weigh(grams_of(reading), reading.size).tensors()
            known = torch.from_numpy(self._known[rows])
            with torch.inference_mode():
                features = torch.cat([fitted.neighbours(*weighted), known], 1)
                margins.append(fitted.network(*weighted, features).numpy())
            share, count = remembered.measure(reading)
            shares.append(share)
            counts.append(count)
        return _HeldOut(
            rows=own,
            folds=np.full(len(own), fold),
            margins=np.concatenate(margins),
            shares=np.concatenate(shares),
            counts=np.concatenate(counts),
        )

    def _kept(self, parts: Sequence[_HeldOut]) -> TrainedModel:
        held = _HeldOut(
            *(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(_HeldOut))
        )
        familiar = familiarity_cutoffs(held.shares, held.counts)
        strange = familiar.doubts(held.shares, held.counts) > 0
        fitted = self._fit(np.arange(len(self._texts)))
        judges, report, first = [], {}, 0
        for axis, truth in zip(self._axes, self._truths, strict=True):
            margins = held.margins[:, first : first + len(axis.labels)]
            first += len(axis.labels)
            judge, report[axis.name] = _judge(
                axis, margins, truth[held.rows], self._counts[held.rows], held.folds, strange
            )
            judges.append(judge)
        return TrainedModel(
            judges=tuple(judges),
            vocabulary=fitted.vocabulary,
            network=fitted.network,
            neighbours=fitted.neighbours,
            familiarity=remember(self._texts),
            familiar=familiar,
            knowledge=self._knowledge,
            report=report,
            made_of={
                "recipe": asdict(self._recipe),
                "seed": self._recipe.seed,
                "examples": len(self._texts),
                "code_version": version("heed-classifier"),
            },
        )


def _judge(
    axis: Axis, margins: Array, truth: Array, counts: Array, folds: Array, strange: Array
) -> tuple[Judge, AxisReport]:
    """Calibrate an axis on held-out margins, set its cut-offs and report."""
    known = truth >= 0
    margins, truth, counts, folds = margins[known], truth[known], counts[known], folds[known]
    probabilities = honest_probabilities(margins, truth, counts, folds)
    usual = ~strange[known]
    best, right = probabilities.max(1), probabilities.argmax(1) == truth
    cutoffs = band_cutoffs(best[usual], right[usual], counts[usual])
    report = report_of(axis.labels, probabilities, truth, usual & (best >= cutoffs.auto))
    return Judge(axis, calibrate(margins, truth, counts), cutoffs), report


def _signs(truth: Array, labels: int) -> Array:
    """+1 in the column of the text's own label, -1 in the others, 0 where it is unknown."""
    signs = np.where(truth[:, None] == np.arange(labels), 1.0, -1.0)
    signs[truth < 0] = 0.0
    return signs
