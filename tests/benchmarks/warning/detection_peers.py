"""What `heed detect` is held against: simple detectors, R's Farrington, those who know the truth.

Every peer answers scores of N series on the steps from `first` on, (N, S), the score of a step
from counts up to it. They are written here and not taken from Heed, except the negative-binomial
regression, which is Heed's own with all that is beyond a plain one left out.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import special

from heed_warning.detection.outbreak import AGE_WEIGHTS, WINDOW_STEPS, log_odds
from heed_warning.detection.regression import Fit, design, fit, means

Floats = NDArray[np.float64]
Peer = Callable[[Floats, int], Floats]

PERIOD = 52
FARRINGTON = Path(__file__).with_name("farrington.R")


def upper_tail(count: Floats, mean: Floats, variance: Floats) -> Floats:
    """Return -log of the mid-p value of negative-binomial counts."""
    ratio = np.maximum(variance / mean, 1.0 + 1e-6)
    shape = mean / (ratio - 1.0)
    above = special.betainc(count + 1.0, shape, 1.0 - 1.0 / ratio)
    at_least = special.betainc(np.maximum(count, 1.0), shape, 1.0 - 1.0 / ratio)
    at_least = np.where(count > 0, at_least, 1.0)
    return np.asarray(-np.log((above + at_least) / 2.0 + 1e-300))


def _regressions(counts: Floats, first: int) -> tuple[Floats, Floats]:
    """Return mean and variance of each step and the one before, told without the last four.

    Each is (N, S, 2).
    """
    steps = counts.shape[1]
    regressors, known = design(steps, PERIOD, first), np.ones_like(counts)
    last: Fit | None = None
    mean, variance = [], []
    for step in range(first, steps):
        end = step - 3
        last = fit(counts[:, :end], known[:, :end], regressors[:end], np.zeros(end), last)
        window = slice(step - 1, step + 1)
        mean.append(means(last.coefficients, regressors[window], np.zeros(2)))
        now = regressors[step]
        error = np.einsum("p,npq,q->n", now, last.covariance, now)[:, None]
        variance.append(last.ratio[:, None] * mean[-1] + error * mean[-1] ** 2)
    return np.stack(mean, axis=1), np.stack(variance, axis=1)


def one_week(counts: Floats, first: int) -> Floats:
    """Predictive tail of the week."""
    mean, variance = _regressions(counts, first)
    return upper_tail(counts[:, first:], mean[..., 1], variance[..., 1])


def two_weeks(counts: Floats, first: int) -> Floats:
    """Predictive tail of the sum of the week and the one before."""
    mean, variance = _regressions(counts, first)
    both = counts[:, first:] + counts[:, first - 1 : -1]
    return upper_tail(both, mean.sum(axis=2), variance.sum(axis=2))


def cusum(counts: Floats, first: int) -> Floats:
    """Cumulative sum of standardised residuals above 0.5, from 13 weeks before the start."""
    begin = first - 13
    mean, variance = _regressions(counts, begin)
    residual = (counts[:, begin:] - mean[..., 1]) / np.sqrt(variance[..., 1])
    total, sums = np.zeros(len(counts)), []
    for column in residual.T:
        total = np.maximum(0.0, total + column - 0.5)
        sums.append(total)
    return np.stack(sums, axis=1)[:, 13:]


def ears_c2(counts: Floats, first: int) -> Floats:
    """EARS C2: seven weeks with a gap of two; deviation at least 0.5."""
    scores = []
    for step in range(first, counts.shape[1]):
        past = counts[:, step - 9 : step - 2]
        deviation = np.maximum(past.std(axis=1, ddof=1), 0.5)
        scores.append((counts[:, step] - past.mean(axis=1)) / deviation)
    return np.stack(scores, axis=1)


def seasonal_quantile(counts: Floats, first: int) -> Floats:
    """Rank among the same season, three weeks around, of up to five years; then how far above."""
    scores = []
    for step in range(first, counts.shape[1]):
        weeks = [
            week
            for year in range(1, 6)
            for week in range(step - year * PERIOD - 3, step - year * PERIOD + 4)
            if week >= 0
        ]
        past, now = counts[:, weeks], counts[:, step, None]
        rank = (past < now).mean(axis=1) + (past == now).mean(axis=1) / 2.0
        above = (now[:, 0] - past.mean(axis=1)) / (past.std(axis=1) + 0.5)
        scores.append(rank + 0.01 * above)
    return np.stack(scores, axis=1)


PEERS: dict[str, Peer] = {
    "NB-GLM without the last four weeks": one_week,
    "NB-GLM, two-week window": two_weeks,
    "CUSUM of NB-GLM residuals": cusum,
    "seasonal quantile, five years": seasonal_quantile,
    "EARS C2": ears_c2,
}


def farrington(counts: Floats, first: int, years: int) -> Floats | None:
    """R's farringtonFlexible, nbPlugin; None where R or its package surveillance is missing."""
    if shutil.which("Rscript") is None:
        return None
    probe = ["Rscript", "-e", 'quit(status = !requireNamespace("surveillance", quietly = TRUE))']
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        return None
    with tempfile.TemporaryDirectory() as folder:
        given, answered = Path(folder) / "counts.csv", Path(folder) / "p.csv"
        np.savetxt(given, counts.T, fmt="%d", delimiter=",")
        call = ["Rscript", str(FARRINGTON), str(given), str(first + 1), str(years), str(answered)]
        subprocess.run(call, check=True)
        return farrington_scores(answered)


def farrington_scores(answered: Path) -> Floats:
    """Read p-values as R wrote them, a week a row; what it could not tell is 1."""
    with answered.open() as file:
        rows = [[1.0 if cell == "NA" else float(cell) for cell in row] for row in csv.reader(file)]
    return -np.log(np.array(rows).T + 1e-300)


def oracles(counts: Floats, first: int, scenario: Floats, parameters: Path) -> dict[str, Floats]:
    """Return the scores of detectors that know all parameters of the simulation.

    `scenario` is that of each series, (N,); `parameters` is scenarios.csv.
    """
    with parameters.open() as file:
        rows = {int(row["scenario"]): row for row in csv.DictReader(file)}
    columns = ("theta", "beta", "gamma1", "gamma2", "phi", "m")
    table = np.array([[float(rows[int(number)][name]) for name in columns] for number in scenario])
    theta, beta, cosine, sine, ratio, harmonics = (column[:, None] for column in table.T)
    week = np.arange(1, counts.shape[1] + 1)[None, :]
    log_mean = theta + beta * week
    for multiple in (1, 2):
        angle = 2.0 * np.pi * multiple * week / PERIOD
        log_mean = log_mean + (harmonics >= multiple) * (
            cosine * np.cos(angle) + sine * np.sin(angle)
        )
    mean, ratio = np.exp(log_mean), np.maximum(ratio, 1.0001)
    at = [slice(step - WINDOW_STEPS + 1, step + 1) for step in range(first, counts.shape[1])]
    none = np.zeros(len(counts))
    return {
        name: np.stack(
            [log_odds(counts[:, w], mean[:, w], ratio[:, 0], none, weights) for w in at], axis=1
        )
        for name, weights in (
            ("oracle, posterior odds", np.ones_like(AGE_WEIGHTS)),
            ("oracle, weights of ours", AGE_WEIGHTS),
        )
    } | {
        "oracle, tail of the week": upper_tail(
            counts[:, first:], mean[:, first:], ratio * mean[:, first:]
        )
    }
