"""Which terms of a regression a series needs: trend and season count as far as they are probable.

A trend that is not there costs most, since it is carried beyond the history. The four regressions
with and without trend and season are averaged by their probability; each follows from the full one
in closed form, its probability from the density at zero (Dickey 1971, Annals of Mathematical
Statistics 42:204-223).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heed_warning.detection.regression import Fit, prior_deviations

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def average(fit: Fit) -> tuple[Floats, Floats]:
    """Return the averaged coefficients and their covariance, (N, P) and (N, P, P).

    The covariance holds what each regression is unsure of and how far they differ.
    """
    size = fit.coefficients.shape[1]
    trend, season = np.array([1]), np.arange(2, size)
    left_out = [np.array([], dtype=np.int64), trend, season, np.concatenate([trend, season])]
    candidates = [_without(fit, terms) for terms in left_out]
    log_weight = np.stack([weight for _, _, weight in candidates], axis=1)
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    mean = np.zeros_like(fit.coefficients)
    for place, (coefficients, _, _) in enumerate(candidates):
        mean += weight[:, place, None] * coefficients
    covariance = np.zeros_like(fit.covariance)
    for place, (coefficients, own, _) in enumerate(candidates):
        apart = coefficients - mean
        spread = own + apart[:, :, None] * apart[:, None, :]
        covariance += weight[:, place, None, None] * spread
    return mean, covariance


def _without(fit: Fit, terms: Ints) -> tuple[Floats, Floats, Floats]:
    """Return coefficients, covariance and log probability given that some terms are zero."""
    if not terms.size:
        return fit.coefficients, fit.covariance, np.zeros(len(fit.coefficients))
    own = fit.covariance[:, terms[:, None], terms]
    value = fit.coefficients[:, terms]
    inverse = np.linalg.inv(own)
    effect = fit.covariance[:, :, terms] @ inverse
    coefficients = fit.coefficients - np.einsum("nat,nt->na", effect, value)
    covariance = fit.covariance - effect @ fit.covariance[:, terms, :]
    surprise = np.einsum("nt,nts,ns->n", value, inverse, value)
    log_weight = -0.5 * (surprise + np.linalg.slogdet(own)[1])
    log_weight += np.log(prior_deviations(fit.coefficients.shape[1])[terms]).sum()
    return coefficients, covariance, log_weight
