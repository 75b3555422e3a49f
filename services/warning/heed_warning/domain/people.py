"""How many people the expected items speak for, from the cell's histogram of people buckets.

An item says in which bucket the number of its people lies, never who they are. Each bucket stands
for a representative number; the buckets of coming items are drawn as the recent ones were, and the
people of a horizon are the sum over a random number of items.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.counts import Measure
from heed_warning.domain.evidence import Evidence
from heed_warning.domain.panel import Floats, Ints

PEOPLE_OF_BUCKET = (1, 3, 7, 15, 35, 75, 150)
"""One person; 2-4; 5-10; 11-20; 21-50; 51-100; more than 100 (DOMAIN 1.9). The last has no upper
end: half again its lower one is taken, so great joint petitions are understated."""
HISTOGRAM_DAYS = 90
FEWEST_ITEMS = 5
"""Items in the histogram below which nothing is said: a figure would describe single items."""
PEOPLE_PROBABILITIES = (0.05, 0.5, 0.95)
_PATHS = 2000


@dataclass(frozen=True)
class People:
    """People of the items of one horizon."""

    expected: float
    quantiles: tuple[float, ...]
    """At PEOPLE_PROBABILITIES."""


def people_histogram(evidence: Evidence) -> Floats:
    """Return each cell's items of the last 90 days by people bucket, (N, 7)."""
    histogram = np.zeros((len(evidence.cells), len(PEOPLE_OF_BUCKET)))
    for bucket, entries in evidence.entries.get(Measure.PEOPLE, {}).items():
        if 1 <= bucket <= len(PEOPLE_OF_BUCKET):
            recent = entries.age < HISTOGRAM_DAYS
            np.add.at(histogram[:, bucket - 1], entries.row[recent], entries.count[recent])
    return np.maximum(histogram, 0.0)


def people_of(
    rng: np.random.Generator, mean: Floats, dispersion: Floats, histogram: Floats
) -> tuple[Floats, Floats]:
    """Return expected people and their quantiles for the items of n cells.

    Args:
        rng: Source of the simulation.
        mean: Expected items, (n,).
        dispersion: Their negative-binomial dispersion, (n,).
        histogram: Items by bucket, (n, 7).

    Returns:
        Expected people, (n,), and quantiles at PEOPLE_PROBABILITIES, (n, 3); zeros for cells whose
        histogram holds fewer than FEWEST_ITEMS.
    """
    values = np.array(PEOPLE_OF_BUCKET, float)
    expected = np.zeros(len(mean))
    quantiles = np.zeros((len(mean), len(PEOPLE_PROBABILITIES)))
    known: Ints = np.flatnonzero(histogram.sum(axis=1) >= FEWEST_ITEMS)
    if len(known):
        shares = histogram[known] / histogram[known].sum(axis=1, keepdims=True)
        expected[known] = mean[known] * (shares @ values)
        items = nb.draw(rng, np.broadcast_to(mean[known], (_PATHS, len(known))), dispersion[known])
        people = rng.multinomial(items, shares[None]) @ values  # (paths, n)
        quantiles[known] = np.quantile(people, PEOPLE_PROBABILITIES, axis=0).T
    return expected, quantiles
