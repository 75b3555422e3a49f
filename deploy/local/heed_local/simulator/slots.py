"""Fills the gaps of a text: places of the district, numbers, times and sums of money.

Within one story a slot keeps its value, so that the request names the same estate as the facts and
a second telling the same one as the first.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import TypeVar
from zlib import crc32

import numpy as np

from heed_local.simulator.city import District

_T = TypeVar("_T")

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{([a-z_]+[0-9]?)\}")
_DIGITS = "零一二三四五六七八九十"
_SURNAMES = "魏章邵谷仇祁裴岑苗花柏水窦云鲍滕华韦昌酆"
_CALLED = ("老板", "经理", "师傅", "主任", "工头")


class Slots:
    """The values of one story's gaps.

    Each has random numbers of its own, so that it does not matter which are needed, or when.
    """

    def __init__(
        self,
        seed: Sequence[int],
        district: District,
        day: date,
        fixed: Mapping[str, str],
    ) -> None:
        self._seed = seed
        self._district = district
        self._day = day
        self._values = dict(fixed)

    def __getitem__(self, name: str) -> str:
        """Return the value of a slot; {n}, {n2} and so on differ from each other."""
        if name not in self._values:
            random = np.random.default_rng([*self._seed, crc32(name.encode())])
            self._values[name] = self._draw(name.rstrip("0123456789"), random)
        return self._values[name]

    def get(self, name: str) -> str:
        """Return the value of a slot if a text has used it already, else nothing."""
        return self._values.get(name, "")

    def fill(self, template: str, random: np.random.Generator) -> str:
        """Return the template with its choices taken by `random` and its slots filled."""
        chosen = _CHOICE.sub(lambda match: pick(random, match[1].split("|")), template)
        return _SLOT.sub(lambda match: self[match[1]], chosen)

    def _draw(self, name: str, random: np.random.Generator) -> str:
        places = self._district.places.get(name)
        if places:
            return pick(random, places)
        if name == "district":
            return self._district.title
        return _NUMBERS[name](random, self._day)


def pick(random: np.random.Generator, options: Sequence[_T]) -> _T:
    """Return one of the options."""
    return options[int(random.integers(len(options)))]


def _whole(low: int, high: int) -> Callable[[np.random.Generator, date], str]:
    return lambda random, _: str(random.integers(low, high + 1))


def _span(unit: str, most: int) -> Callable[[np.random.Generator, date], str]:
    """Lengths of time as people write them: 三个月, 3个月, 快三个月."""

    def draw(random: np.random.Generator, _: date) -> str:
        number = int(random.integers(2, most + 1))
        word = "两" if number == 2 else _DIGITS[number]
        return pick(
            random, [f"{word}{unit}", f"{number}{unit}", f"快{word}{unit}", f"{word}{unit}多"]
        )

    return draw


def _money(low: int, high: int) -> Callable[[np.random.Generator, date], str]:
    def draw(random: np.random.Generator, _: date) -> str:
        amount = int(np.exp(random.uniform(np.log(low), np.log(high))))
        if amount < 1000:
            return f"{amount}元" if amount < 100 else f"{amount // 10 * 10}元"
        if amount < 10000:
            return pick(random, [f"{amount // 100 * 100}元", f"{amount // 100 * 100}块"])
        return pick(random, [f"{amount / 10000:.1f}万元", f"{amount // 1000 * 1000}元"])

    return draw


def _since(random: np.random.Generator, day: date) -> str:
    then = day - timedelta(days=int(random.integers(12, 400)))
    if then.year < day.year:
        return pick(random, [f"去年{then.month}月", f"{then.year}年{then.month}月", "去年"])
    return pick(random, [f"今年{then.month}月", f"{then.month}月{then.day}号", f"{then.month}月份"])


def _recently(random: np.random.Generator, day: date) -> str:
    then = day - timedelta(days=int(random.integers(1, 11)))
    named = f"{then.month}月{then.day}日"
    return pick(
        random, [named, f"{then.month}月{then.day}号", "前天", "昨天", "上个星期", "前几天"]
    )


def _person(random: np.random.Generator, _: date) -> str:
    surname = pick(random, _SURNAMES)
    return pick(random, [f"{surname}某", f"姓{surname}的", f"{surname}{pick(random, _CALLED)}"])


_NUMBERS: Mapping[str, Callable[[np.random.Generator, date], str]] = {
    "n": _whole(2, 9),
    "nn": _whole(11, 88),
    "nnn": _whole(110, 980),
    "bldg": lambda random, _: f"{random.integers(1, 29)}{pick(random, ['号楼', '栋', '幢'])}",
    "unit": lambda random, _: f"{random.integers(1, 5)}单元",
    "room": lambda random, _: f"{random.integers(1, 27)}0{random.integers(1, 5)}",
    "line": lambda random, _: f"{random.integers(2, 68)}路",
    "age": _whole(61, 88),
    "year": lambda random, day: str(day.year - int(random.integers(1, 12))),
    "hour": lambda random, _: pick(
        random, ["半夜十一二点", "凌晨两点", "晚上十点以后", "早上五点多", "中午", "夜里一两点"]
    ),
    "months": _span("个月", 9),
    "years": _span("年", 8),
    "days": _span("天", 10),
    "weeks": _span("个星期", 5),
    "cash": _money(20, 900),
    "fee": _money(300, 9000),
    "money": _money(3000, 90000),
    "fortune": _money(50000, 900000),
    "since": _since,
    "day": _recently,
    "person": _person,
}
