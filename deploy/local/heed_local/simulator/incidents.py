"""Incidents planted in the stream: one matter, many petitioners, over weeks, with known truth.

Each has a size class. A large one stands out of its cell (county and category) at a glance, a
medium one shows to a careful eye, a small one is hardly more than the noise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

import numpy as np

from heed_local.simulator.city import City, District
from heed_local.simulator.rates import Rates, weekday_factor
from heed_local.simulator.situations import Situation, incident_situations
from heed_local.simulator.slots import pick

Size = Literal["large", "medium", "small"]

_PLAN, _CURVE = 3, 4  # streams of random numbers


@dataclass(frozen=True)
class Incident:
    """One planted incident.

    Attributes:
        key: Unique within a scenario.
        kind: Key of its situation in incidents.txt.
        title: What a report calls it.
        size: large, medium or small.
        region_code: District where it happens.
        category_code: First-level category.
        places: Slots of the texts that name the matter, the same in each of its petitions.
        daily: Day to the number of its petitions; days without any are left out.
    """

    key: str
    kind: str
    title: str
    size: Size
    region_code: str
    category_code: str
    places: Mapping[str, str] = field(hash=False)
    daily: Mapping[date, int] = field(hash=False)

    @property
    def first_day(self) -> date:
        """Day of the first petition."""
        return min(self.daily)

    @property
    def last_day(self) -> date:
        """Day of the last petition."""
        return max(self.daily)

    @property
    def peak_day(self) -> date:
        """Middle of the three days that bring most petitions."""
        return max(sorted(self.daily), key=lambda day: sum(self._around(day)))

    @property
    def count(self) -> int:
        """Number of its petitions."""
        return sum(self.daily.values())

    def _around(self, day: date) -> list[int]:
        return [self.daily.get(day + timedelta(days=step), 0) for step in (-1, 0, 1)]


@dataclass(frozen=True)
class _Class:
    """Size class: petitions by themselves and per petition that the cell expects, days, shapes."""

    base: tuple[int, int]
    factor: float
    days: tuple[int, int]
    shapes: tuple[str, ...]


_CLASSES: Mapping[Size, _Class] = {
    "large": _Class(base=(60, 80), factor=0.6, days=(21, 38), shapes=("burst", "growth")),
    "medium": _Class(base=(24, 30), factor=0.25, days=(18, 35), shapes=("burst", "growth")),
    "small": _Class(base=(7, 10), factor=0.05, days=(21, 38), shapes=("trickle",)),
}

# Exponents of rise and fall: a burst that fades, a growth that breaks off, a slow trickle.
_SHAPES = {"burst": (0.9, 2.4), "growth": (2.6, 0.8), "trickle": (0.3, 0.3)}


@dataclass(frozen=True)
class _Kind:
    """What can be planted: its title, the slots that name it, the sizes and districts it fits."""

    title: str
    slots: tuple[str, ...]
    sizes: tuple[Size, ...]
    rural: bool = False


_KINDS: Mapping[str, _Kind] = {
    "wages": _Kind("{project}拖欠农民工工资", ("project",), ("large", "medium")),
    "plant": _Kind("{factory}排放刺鼻气体", ("factory",), ("large", "medium")),
    "flooding": _Kind("{estate}雨后被淹", ("estate",), ("large", "medium")),
    "heating": _Kind("{estate}供暖不热", ("estate",), ("large", "medium")),
    "zoning": _Kind("{school}学区调整", ("school", "estate"), ("large", "medium")),
    "certificates": _Kind("{estate}办不了不动产权证", ("estate",), ("large", "medium")),
    "prepaid": _Kind("{club}关门不退预付款", ("club",), ("large", "medium")),
    "compensation": _Kind("{village}征地补偿款未发", ("village",), ("large", "medium"), rural=True),
    "busline": _Kind("{line}公交停运", ("line", "estate"), ("medium", "small")),
    "tapwater": _Kind("{estate}自来水发黄", ("estate",), ("medium", "small")),
    "irrigation": _Kind("{village}灌溉断水", ("village",), ("medium", "small"), rural=True),
    "canteen": _Kind("{kindergarten}食堂食品变质", ("kindergarten",), ("medium", "small")),
    "broadband": _Kind("{estate}宽带反复中断", ("estate",), ("small", "medium")),
    "allowance": _Kind("{street}高龄津贴迟发", ("street",), ("small",)),
    "sitenoise": _Kind("{project}夜间施工噪声", ("project",), ("small", "medium")),
}


def plan_incidents(
    city: City, rates: Rates, seed: int, start: date, days: int
) -> tuple[Incident, ...]:
    """Return the incidents of a scenario: at least a large one, more of each size as it is longer.

    No two share a kind or a cell, so that each warning can be held against one of them.
    """
    random = np.random.default_rng([seed, _PLAN, start.toordinal(), days])
    wanted: list[Size] = ["large"] * min(3, max(1, days // 18))
    wanted += ["medium"] * min(3, days // 14)
    wanted += ["small"] * min(3, days // 18)
    used: set[str] = set()
    incidents: list[Incident] = []
    for number, size in enumerate(wanted, 1):
        span = _span(random, size, days)
        first = start + timedelta(days=int(random.integers(min(3, days - span), days - span + 1)))
        kind = _draw_kind(random, size, first, used)
        if kind is None:
            continue
        situation = incident_situations()[kind]
        taken = {(item.region_code, item.category_code) for item in incidents}
        district = _draw_district(random, city, kind, situation, taken)
        used.add(kind)
        incidents.append(
            _incident(
                random, rates, f"incident-{number}", kind, size, district, situation, first, span
            )
        )
    return tuple(sorted(incidents, key=lambda item: item.first_day))


def _span(random: np.random.Generator, size: Size, days: int) -> int:
    least, most = _CLASSES[size].days
    return min(int(random.integers(least, most + 1)), max(1, days - 2))


def _draw_kind(random: np.random.Generator, size: Size, first: date, used: set[str]) -> str | None:
    possible = [
        kind
        for kind, facts in _KINDS.items()
        if size in facts.sizes
        and kind not in used
        and first.month in incident_situations()[kind].months
    ]
    return pick(random, possible) if possible else None


def _draw_district(
    random: np.random.Generator,
    city: City,
    kind: str,
    situation: Situation,
    taken: set[tuple[str, str]],
) -> District:
    fitting = [
        district
        for district in city.districts
        if (district.rural > 0.5) == _KINDS[kind].rural
        and (district.code, situation.category_code) not in taken
    ]
    return pick(random, fitting or list(city.districts))


def _incident(
    random: np.random.Generator,
    rates: Rates,
    key: str,
    kind: str,
    size: Size,
    district: District,
    situation: Situation,
    first: date,
    span: int,
) -> Incident:
    facts, days = _KINDS[kind], [first + timedelta(days=step) for step in range(span)]
    cell = rates.cell(district.code, situation.category_code)
    expected = sum(float(rates.expected(day)[cell]) for day in days)
    least, most = _CLASSES[size].base
    count = int(random.integers(least, most + 1) + _CLASSES[size].factor * expected)
    places = {
        slot: pick(random, district.places[slot])
        if slot in district.places
        else f"{random.integers(2, 68)}路"
        for slot in facts.slots
    }
    title = facts.title
    for slot, place in places.items():
        title = title.replace(f"{{{slot}}}", place)
    return Incident(
        key=key,
        kind=kind,
        title=f"{district.title}{title}",
        size=size,
        region_code=district.code,
        category_code=situation.category_code,
        places=places,
        daily=_daily(random, days, count, _CLASSES[size].shapes),
    )


def _daily(
    random: np.random.Generator, days: Sequence[date], count: int, shapes: Sequence[str]
) -> dict[date, int]:
    """Spread the petitions over the days by one of the shapes."""
    rise, fall = _SHAPES[pick(random, shapes)]
    place = (np.arange(len(days)) + 0.5) / len(days)
    weights = place**rise * (1.0 - place) ** fall
    weights *= np.sqrt([weekday_factor(day) for day in days])
    numbers = random.multinomial(count, weights / weights.sum())
    return {day: int(number) for day, number in zip(days, numbers, strict=True) if number}
