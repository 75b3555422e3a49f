"""How often a score as high comes up when nothing has happened.

Counts are drawn from the predictions themselves, with everything these hold for possible except an
outbreak that is on, and scored like real ones. Outbreaks just over belong to what is possible:
their last cases still alarm. All series share one table, since their scores are comparable.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from heed_warning.detection.outbreak import SMALLEST_RATIO, draw_cases
from heed_warning.detection.prediction import Prediction, scores

Floats = NDArray[np.float64]

FIRST_DRAWS: Final = 20_000
LATER_DRAWS: Final = 1_000
TAIL_DRAWS: Final = 200
"""So many highest scores make up the tail, beyond which it is taken to fall exponentially."""
DRIFT_SPREAD: Final = 2.5
"""Drift is uneven: some series, and some months, drift far more than the mean, so the calm scores
come from a law with longer tails. Found on real series; see docs/research/detection.md.
"""


class Calibration:
    """Scores of calm steps, drawn anew for each step scored and kept."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(20130301)
        self._scores = np.zeros(0)

    def learn(self, predictions: list[Prediction]) -> None:
        """Add scores of calm counts drawn from a step's predictions."""
        draws = LATER_DRAWS if len(self._scores) else FIRST_DRAWS
        series = sum(len(prediction.ratio) for prediction in predictions)
        drawn = [self._scores]
        for prediction in predictions:
            share = -(-draws * len(prediction.ratio) // series)
            drawn.append(self._calm_scores(prediction, share))
        self._scores = np.sort(np.concatenate(drawn))

    def _calm_scores(self, prediction: Prediction, draws: int) -> Floats:
        rows = self._rng.integers(len(prediction.ratio), size=draws)
        mean, ratio = prediction.mean[rows], prediction.ratio[rows]
        error, drift = prediction.level_variance[rows], prediction.drift_variance[rows]
        variance = error + DRIFT_SPREAD * drift * self._rng.standard_exponential(draws)
        level = np.exp(np.sqrt(variance) * self._rng.standard_normal(draws))
        excess = np.maximum(ratio, SMALLEST_RATIO)[:, None] - 1.0
        rate = self._rng.gamma(mean * level[:, None] / excess, excess)
        cases, on = draw_cases(self._rng, np.sqrt(ratio[:, None] * mean))
        counts = np.where(
            np.isnan(prediction.counts[rows]), np.nan, self._rng.poisson(rate) + cases
        )
        return scores(counts, mean, ratio, error + drift)[~on]

    def tail_probability(self, score: Floats) -> Floats:
        """Return the probability of a score at least as high in a calm step, of any shape."""
        total = len(self._scores)
        beyond = total - np.searchsorted(self._scores, score, side="left")
        start = self._scores[-TAIL_DRAWS]
        fall = max(float((self._scores[-TAIL_DRAWS:] - start).mean()), 1e-3)
        far = TAIL_DRAWS * np.exp(-np.maximum(score - start, 0.0) / fall)
        return np.asarray(np.where(score > start, far, beyond) / total)
