"""Reads the situations that citizens write about, from the text files beside this module.

One file holds one first-level category. Lines before the first situation are its defaults::

    who: 我是{estate}的业主
    dept: 物业

    == certificate 0101 appeal U2 weight=3 joint=0.2
    what: 交房[两年|三年]了,房产证还没办下来。
    more: 开发商[一直推脱|说在走流程]。
    ask: 请督促开发商尽快办证
    why: 购房合同写明交房后一年内办证。

``[a|b]`` is a choice, ``{slot}`` a place, number or time. The words after the key are the code of
the second level, the nature and the urgency; weight, months (when it occurs, such as 11-3), joint
(share of joint petitions) and area (urban or rural) may follow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from heed.common.v1 import matter_pb2

from heed_local.simulator.city import TEXTS

NATURES = {
    "appeal": matter_pb2.NATURE_APPEAL_REQUEST,
    "suggestion": matter_pb2.NATURE_SUGGESTION,
    "enquiry": matter_pb2.NATURE_ENQUIRY,
    "accusation": matter_pb2.NATURE_ACCUSATION,
}
URGENCIES = {
    "U0": matter_pb2.URGENCY_U0,
    "U1": matter_pb2.URGENCY_U1,
    "U2": matter_pb2.URGENCY_U2,
    "U3": matter_pb2.URGENCY_U3,
}
_KINDS = ("who", "what", "more", "ask", "why", "dept")


class TextFileError(ValueError):
    """A text file of the simulator has a wrong line."""


@dataclass(frozen=True)
class Situation:
    """What happened to somebody, and the ways in which people put it.

    Attributes:
        key: Name within its file.
        topic_code: Code of the second level; its first two digits are the category.
        nature: Nature of the matter (value of the contract's enum).
        urgency: Urgency of the matter (value of the contract's enum).
        lines: Kind of line (who, what, more, ask, why, dept) to the ways to put it.
        weight: How often it occurs among those of its category and nature.
        months: Months in which it occurs.
        joint: Share of petitions of several people.
        area: urban, rural, or empty where both know it.
    """

    key: str
    topic_code: str
    nature: "matter_pb2.Nature.ValueType"
    urgency: "matter_pb2.Urgency.ValueType"
    lines: Mapping[str, tuple[str, ...]]
    weight: float = 1.0
    months: frozenset[int] = field(default_factory=lambda: frozenset(range(1, 13)))
    joint: float = 0.05
    area: str = ""

    @property
    def category_code(self) -> str:
        """Code of the first level."""
        return self.topic_code[:2]


@cache
def category_situations() -> Mapping[str, tuple[Situation, ...]]:
    """Return all situations of ordinary life by first-level code."""
    return {path.stem: read_situations(path) for path in sorted(TEXTS.glob("[0-9][0-9].txt"))}


@cache
def incident_situations() -> Mapping[str, Situation]:
    """Return the situations of planted incidents by key."""
    return {item.key: item for item in read_situations(TEXTS / "incidents.txt")}


def read_situations(path: Path) -> tuple[Situation, ...]:
    """Read one file.

    Raises:
        TextFileError: A line cannot be read, or a situation lacks what a text needs.
    """
    defaults: dict[str, list[str]] = {}
    blocks: list[tuple[int, str, dict[str, list[str]]]] = []
    lines = defaults
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("=="):
            lines = {}
            blocks.append((number, line.removeprefix("==").strip(), lines))
            continue
        kind, _, text = line.partition(":")
        if kind not in _KINDS or not text.strip():
            raise TextFileError(f"{path.name} line {number}: {line!r} begins with no known kind")
        lines.setdefault(kind, []).append(text.strip())
    return tuple(_situation(path, *block, defaults) for block in blocks)


def _situation(
    path: Path,
    number: int,
    head: str,
    own: Mapping[str, list[str]],
    defaults: Mapping[str, list[str]],
) -> Situation:
    try:
        key, topic, nature, urgency, *rest = head.split()
        extra = dict(item.split("=") for item in rest)
        situation = Situation(
            key=key,
            topic_code=topic,
            nature=NATURES[nature],
            urgency=URGENCIES[urgency],
            lines={kind: tuple(own.get(kind) or defaults.get(kind) or ()) for kind in _KINDS},
            weight=float(extra.pop("weight", 1)),
            months=_months(extra.pop("months", "1-12")),
            joint=float(extra.pop("joint", 0.05)),
            area=extra.pop("area", ""),
        )
    except (KeyError, ValueError) as error:
        raise TextFileError(f"{path.name} line {number}: {head!r} cannot be read") from error
    lacking = [kind for kind in ("who", "what", "ask", "dept") if not situation.lines[kind]]
    if extra or lacking:
        raise TextFileError(f"{path.name} line {number}: unknown {[*extra]}, lacking {lacking}")
    return situation


def _months(text: str) -> frozenset[int]:
    """Read 5-9 or, over the turn of the year, 11-3."""
    first, last = (int(part) for part in text.split("-"))
    length = (last - first) % 12 + 1
    return frozenset((first - 1 + step) % 12 + 1 for step in range(length))
