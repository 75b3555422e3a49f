"""How many petitions a day brings: expected volume of each cell, and the draw around it.

A cell is a district and a first-level category. The expected volume is the city's daily mean times
the shares of both, times weekday, season and service calendar (wages before the Spring Festival,
heating, enrolment, floods). The draw is negative binomial with shocks of the day and of the week,
because real counts scatter more than Poisson and bad weeks last. Appeals and requests, which alone
are counted as observations, are drawn apart from the other natures, so that the counts of history
and the texts of a live day are the same draw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
from heed.common.v1 import matter_pb2

from heed_local.simulator.city import City
from heed_local.simulator.situations import category_situations
from heed_shared.reference.calendar import CalendarUnknown, is_working_day

Volumes = npt.NDArray[np.float64]  # (districts, categories)
Counts = npt.NDArray[np.int64]  # (districts, categories)

MEAN_PER_DAY = 50.0
DISPERSION = 6.0  # size of the negative binomial: variance = mean + mean^2 / 6
DAY_SHOCK, WEEK_SHOCK = 0.08, 0.10  # standard deviation of the logarithm

_COUNTS, _WEEK = 1, 2  # streams of random numbers

# First-level category -> weight. Housing and wages are the big ones everywhere.
_WEIGHTS = {
    "01": 27.0,
    "02": 5.0,
    "03": 15.0,
    "04": 3.0,
    "05": 8.0,
    "06": 8.0,
    "07": 7.0,
    "08": 5.0,
    "09": 4.0,
    "10": 4.5,
    "11": 7.0,
    "12": 2.5,
    "13": 2.2,
    "14": 0.7,
    "15": 0.9,
    "16": 0.7,
    "17": 1.5,
}
CATEGORIES = tuple(_WEIGHTS)

# Factor of a category where a district is rural all through; 1 where it is urban.
_RURAL = {"02": 3.0, "04": 9.0, "09": 1.8, "13": 0.7, "11": 0.5, "06": 0.7, "01": 0.45, "12": 0.8}

_WEEKDAY = (1.22, 1.15, 1.09, 1.05, 1.0, 0.76, 0.66)
_DAY_OFF, _FIRST_DAY_BACK = 0.5, 1.18

# Category -> (first, last, factor): months and days in which the service calendar adds load.
_SEASONS: Mapping[str, Sequence[tuple[tuple[int, int], tuple[int, int], float]]] = {
    "01": (((11, 10), (12, 31), 1.25), ((1, 1), (3, 10), 1.15), ((6, 1), (8, 31), 1.15)),
    "04": (((3, 1), (5, 31), 1.2), ((6, 10), (8, 31), 1.3)),
    "05": (((5, 15), (9, 15), 1.3), ((12, 1), (12, 31), 0.85)),
    "06": (((9, 1), (9, 20), 1.2),),
    "07": (((5, 20), (7, 4), 1.5), ((7, 5), (9, 10), 2.0), ((1, 15), (2, 20), 0.7)),
    "08": (((6, 1), (8, 31), 1.15), ((12, 15), (12, 31), 1.15), ((1, 1), (2, 10), 1.15)),
    "11": (((3, 10), (3, 25), 1.4), ((11, 8), (11, 20), 1.2)),
    "12": (((4, 28), (5, 8), 1.6), ((7, 1), (8, 25), 1.35), ((9, 29), (10, 10), 1.7)),
    "09": (((12, 1), (12, 31), 1.2),),
}
_WAGES, _WAGE_PEAK, _WAGE_DAYS = "03", 1.9, 55
_SPRING_FESTIVAL = {
    date(2022, 2, 1),
    date(2023, 1, 22),
    date(2024, 2, 10),
    date(2025, 1, 29),
    date(2026, 2, 17),
    date(2027, 2, 6),
    date(2028, 1, 26),
}


@dataclass(frozen=True)
class DayCounts:
    """Numbers of a day by district and category, both (districts, categories)."""

    appeals: Counts
    others: Counts


class Rates:
    """The volumes of one city under one seed."""

    def __init__(self, city: City, seed: int) -> None:
        self._city = city
        self._seed = seed
        self.counts = lru_cache(maxsize=512)(self._counts)

    def expected(self, day: date) -> Volumes:
        """Return the expected number of petitions of every nature, without the shocks."""
        season = np.array([season_factor(code, day) for code in CATEGORIES])
        expected: Volumes = MEAN_PER_DAY * self._shares * season * weekday_factor(day)
        return expected

    def cell(self, region_code: str, category_code: str) -> tuple[int, int]:
        """Return row and column of a cell in what this class gives."""
        codes = [district.code for district in self._city.districts]
        return codes.index(region_code), CATEGORIES.index(category_code)

    def _counts(self, day: date) -> DayCounts:
        """Draw a day. The draw depends on nothing but the seed and the day."""
        random = np.random.default_rng([self._seed, _COUNTS, day.toordinal()])
        week = np.random.default_rng([self._seed, _WEEK, (day.toordinal() - 1) // 7])
        weekly = np.exp(week.normal(0.0, WEEK_SHOCK, size=len(CATEGORIES)))
        expected = self.expected(day) * weekly * np.exp(random.normal(0.0, DAY_SHOCK))
        appeals = expected * self._appeal_shares
        others = expected - appeals
        scatter = random.gamma(DISPERSION, 1.0 / DISPERSION, size=appeals.shape)
        return DayCounts(appeals=random.poisson(appeals * scatter), others=random.poisson(others))

    @cached_property
    def _shares(self) -> Volumes:
        districts = self._city.districts
        weights = np.array(
            [
                [
                    weight * (1.0 + (_RURAL.get(code, 1.0) - 1.0) * district.rural)
                    for code, weight in _WEIGHTS.items()
                ]
                for district in districts
            ]
        )
        within = weights / weights.sum(axis=1, keepdims=True)
        share = np.array([district.share for district in districts])
        shares: Volumes = within * share[:, None]
        return shares

    @cached_property
    def _appeal_shares(self) -> Volumes:
        """Part of each category that is an appeal or request, from the weights of its texts."""
        parts = []
        for code in CATEGORIES:
            weights = {True: 0.0, False: 0.0}
            for situation in category_situations()[code]:
                appeal = situation.nature == matter_pb2.NATURE_APPEAL_REQUEST
                weights[appeal] += situation.weight
            parts.append(weights[True] / (weights[True] + weights[False]))
        return np.array(parts)


def weekday_factor(day: date) -> float:
    """Return the factor of the day of the week and of the work calendar."""
    try:
        working, worked_before = is_working_day(day), is_working_day(_before(day))
    except CalendarUnknown:
        return _WEEKDAY[day.weekday()]  # no notice yet: an ordinary week
    weekend = day.weekday() >= 5
    if working and weekend:
        return _WEEKDAY[4]
    if not working and not weekend:
        return _DAY_OFF
    after_holiday = working and not worked_before and _before(day).weekday() < 5
    return _WEEKDAY[day.weekday()] * (_FIRST_DAY_BACK if after_holiday else 1.0)


def season_factor(category_code: str, day: date) -> float:
    """Return the factor of the season for a category."""
    factor = 1.0
    for first, last, value in _SEASONS.get(category_code, ()):
        if first <= (day.month, day.day) <= last:
            factor *= value
    if category_code == _WAGES:
        factor *= _before_spring_festival(day)
    return factor


def _before_spring_festival(day: date) -> float:
    """Return how the claims for wages rise in the eight weeks before the festival."""
    for festival in _SPRING_FESTIVAL:
        left = (festival - day).days
        if 0 < left <= _WAGE_DAYS:
            return 1.0 + (_WAGE_PEAK - 1.0) * min(1.0, (_WAGE_DAYS - left) / 35)
    return 1.0


def _before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)
