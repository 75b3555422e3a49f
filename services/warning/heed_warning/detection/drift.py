"""How far levels wander by themselves, as learned from the past of all series together.

Around its regression the level of a series may drift for weeks without any outbreak. How strongly
is told by products of residuals further apart than an outbreak is long, each predicted before its
step was seen: within a fitted history drift hides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from heed_warning.detection.prediction import Prediction

Floats = NDArray[np.float64]

PERSISTENCE: Final = 0.8
"""How much of a deviation of the level is left one step later."""
LAGS: Final = range(3, 13)
"""Steps apart: an outbreak lasts two or three, and drift is forgotten after a dozen."""
PRIOR_PRECISION: Final = 400.0
"""Weight of no drift at all, in the units of the estimate's own precision."""
LARGEST_VARIANCE: Final = 0.5
SERIES_VARIANCE: Final = 0.04
"""Of the squared drift between series: keeps a few series with large counts from ruling."""
LARGEST_RESIDUAL: Final = 4.0
"""Standard deviations beyond which a residual tells no more about how strongly levels drift."""
LARGEST_EXCESS: Final = 2.5
"""The same for where the level stands now: what may be an outbreak is not to be taken for drift."""


@dataclass(frozen=True)
class Drift:
    """The drift of the log level: stationary variance, forgetting at the rate of PERSISTENCE."""

    variance: float

    def follow(self, prediction: Prediction) -> Prediction:
        """Return the prediction moved by the drift seen before its window."""
        if self.variance <= 0.0:
            return prediction
        age = np.arange(prediction.past_counts.shape[1])[::-1]
        remembered = PERSISTENCE**age * prediction.past_observed / prediction.ratio[:, None]
        mean = prediction.past_mean
        farthest = LARGEST_EXCESS * np.sqrt(prediction.ratio[:, None] * mean)
        excess = (remembered * np.minimum(prediction.past_counts - mean, farthest)).sum(axis=1)
        known = 1.0 / ((remembered * mean).sum(axis=1) + 1.0 / self.variance)
        factor = 1.0 + np.maximum(excess * known, -0.8)
        steps = prediction.counts.shape[1]
        left = known + (self.variance - known) * (1.0 - PERSISTENCE ** (steps - 1))
        return prediction.drifted(factor, left)


def estimate(predictions: Iterable[Prediction]) -> Drift:
    """Estimate the drift from predictions of successive steps, made before each was seen."""
    residuals, scales = [], []
    for prediction in predictions:
        mean = prediction.mean[:, -1]
        scale = np.sqrt(mean / prediction.ratio)
        residual = (prediction.counts[:, -1] - mean) / np.sqrt(prediction.ratio * mean)
        residuals.append(np.clip(residual, -LARGEST_RESIDUAL, LARGEST_RESIDUAL))
        scales.append(scale)
    products = np.zeros(len(LAGS))
    weights = np.zeros(len(LAGS))
    for place, lag in enumerate(LAGS):
        if len(residuals) > lag:
            products[place], weights[place] = _product(
                np.stack(residuals, axis=1), np.stack(scales, axis=1), lag
            )
    return Drift(_fitted_variance(products, weights))


def _product(residuals: Floats, scales: Floats, lag: int) -> tuple[float, float]:
    """Return the weighted sum of products `lag` steps apart on the log scale, and the weights'."""
    scale = scales[:, lag:] * scales[:, :-lag]
    weight = 1.0 / (1.0 / scale**2 + SERIES_VARIANCE)
    product = residuals[:, lag:] * residuals[:, :-lag] / scale
    known = np.isfinite(product)
    return float((weight * product)[known].sum()), float(weight[known].sum())


def _fitted_variance(products: Floats, weights: Floats) -> float:
    """Fit products = constant + variance * PERSISTENCE^lag; the constant is the level's own error.

    Weighted least squares. Neither may be negative, and of the variance one standard error is
    taken off: where levels do not drift, the little that chance suggests costs outbreaks.
    """
    decay = PERSISTENCE ** np.array(LAGS)
    centred = decay - np.average(decay, weights=np.maximum(weights, 1e-9))
    variance = _slope(products, weights, centred)
    if (products - weights * variance * decay).sum() < 0.0:
        variance = _slope(products, weights, decay)
    return float(np.clip(variance, 0.0, LARGEST_VARIANCE))


def _slope(products: Floats, weights: Floats, decay: Floats) -> float:
    precision = (weights * decay**2).sum() + PRIOR_PRECISION
    return float((products * decay).sum() / precision - 1.0 / np.sqrt(precision))
