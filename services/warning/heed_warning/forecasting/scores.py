"""Scores of forecasts: pure functions on arrays."""

from __future__ import annotations

import numpy as np
from scipy import special

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.panel import Floats

PROBABILITIES = np.arange(1, 10) / 10.0


def weighted_quantile_loss(count: Floats, mean: Floats, dispersion: Floats) -> float:
    """Return the mean over q10..q90 of the pinball loss, doubled, over the sum of counts.

    Counts are (M,). Lower is better; 0 items at all give 0.
    """
    total = float(np.abs(count).sum())
    if total == 0.0:
        return 0.0
    quantiles = nb.quantile(PROBABILITIES[:, None], mean[None, :], dispersion[None, :])
    short = count[None, :] - quantiles
    pinball = np.maximum(PROBABILITIES[:, None] * short, (PROBABILITIES[:, None] - 1.0) * short)
    return float(2.0 * pinball.sum(axis=1).mean() / total)


def log_losses(count: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """Return the negative logarithm of the probability of each count; all of one shape."""
    shape = 1.0 / np.maximum(dispersion, nb.SMALLEST_DISPERSION)
    mean = np.maximum(mean, nb.SMALLEST_MEAN)
    likelihood = (
        special.gammaln(count + shape)
        - special.gammaln(shape)
        - special.gammaln(count + 1.0)
        + shape * np.log(shape / (shape + mean))
        + count * np.log(mean / (shape + mean))
    )
    return np.asarray(-likelihood)


def log_loss(count: Floats, mean: Floats, dispersion: Floats) -> float:
    """Return the mean of log_losses; lower is better."""
    return float(log_losses(count, mean, dispersion).mean())


def coverage(count: Floats, mean: Floats, dispersion: Floats, probability: float = 0.9) -> float:
    """Return the share of counts inside the central interval of a probability."""
    margin = (1.0 - probability) / 2.0
    low = nb.quantile(margin, mean, dispersion)
    high = nb.quantile(1.0 - margin, mean, dispersion)
    return float(((count >= low) & (count <= high)).mean())
