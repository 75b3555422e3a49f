"""The written rules beside the model: nature, urgency, importance, hazard, route and target.

All of it reads facts of the matter only. Tone, history and repeat count have no way in, and someone
who needs protection can only make a matter more urgent, never less.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heed_classifier.domain.decision import Target
from heed_classifier.domain.nature import Importance, Level, Nature, Route, Urgency
from heed_classifier.domain.phrases import Hit, PhraseIndex
from heed_classifier.domain.text import Clauses, clauses, fold

_HEAD_CHARACTERS = 40
# Buckets of the contract: 21-50 people are important, more than 100 are many.
_SOME_PEOPLE, _MANY_PEOPLE = 5, 7
_LEVELS = {"province": Level.PROVINCE, "city": Level.CITY, "county": Level.COUNTY}


@dataclass(frozen=True)
class Grades:
    """Urgency, importance and hazard with the phrases that raised them."""

    urgency: Urgency
    importance: Importance
    hazard: bool
    hits: tuple[Hit, ...]


class NatureRules:
    """Cues of nature, and the test for an accusation."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._cues = {
            Nature.SUGGESTION: _index(table["suggestion"]["cues"]),
            Nature.ENQUIRY: _index(table["enquiry"]["cues"]),
            Nature.APPEAL_REQUEST: _index(table["appeal_request"]["cues"]),
        }
        opening = table["opening"]
        self._openings = {
            Nature.SUGGESTION: _index(opening["suggestion"]),
            Nature.ENQUIRY: _index(opening["enquiry"]),
        }
        self._opening_unless = _index(opening["unless"])
        accusation = table["accusation"]
        self._window = int(accusation["window"])
        self._persons = _index(accusation["persons"])
        self._misconduct = _index(accusation["misconduct"])
        self._alone = _index(accusation["alone"])

    def scores(self, text: str) -> dict[Nature, float]:
        """How many cues speak for each nature; those at the beginning count double."""
        folded = fold(text)
        return {
            nature: sum(2.0 if hit.start < _HEAD_CHARACTERS else 1.0 for hit in index.find(folded))
            for nature, index in self._cues.items()
        }

    def opening(self, text: str) -> Nature:
        """The nature that a text gives itself in its first clause; UNKNOWN when it gives none."""
        first = next((fold(clause) for _, clause in clauses(text) if len(clause.strip()) > 3), "")
        if any(self._opening_unless.find(first)):
            return Nature.UNKNOWN
        for nature, index in self._openings.items():
            if any(index.find(first)):
                return nature
        return Nature.UNKNOWN

    def accusation(self, text: str) -> tuple[Hit, ...]:
        """The phrases that make a text an accusation; empty when it is none by the rules."""
        folded = fold(text)
        alone = tuple(self._alone.find(folded))
        misconduct = list(self._misconduct.find(folded))
        persons = [hit for hit in self._persons.find(folded) if not _is_addressed(folded, hit)]
        starts = [person.start for person in persons]
        for wrong in misconduct:
            nearest = bisect_left(starts, wrong.start - self._window)
            if nearest < len(starts) and starts[nearest] <= wrong.start + self._window:
                return (persons[nearest], wrong)
        return alone if alone and misconduct else ()


def _is_addressed(folded: str, person: Hit) -> bool:
    """Whether an official is the one written to, and not the one written about."""
    before, after = folded[max(0, person.start - 6) : person.start], folded[person.end :]
    return "尊敬" in before or after.lstrip(" ,").startswith(
        ("您好", "你好", ":", "您 好", "同志:")
    )


class _Danger:
    """One group of U0 cues with what takes them back: feared, past, usual, a drill."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._cues = PhraseIndex(table["cues"])
        self._unless = _index(table["unless"])
        self._now = _index(table.get("now", ""))
        self._dates = re.compile(table["dates"]) if "dates" in table else None

    def find(self, folded: str) -> list[Hit]:
        """The cues of a folded text that count in their clauses."""
        hits = list(self._cues.find(folded))
        if not hits:
            return []
        around = Clauses(folded).around
        counted: dict[tuple[int, int], bool] = {}
        found: list[Hit] = []
        for hit in hits:
            bounds = around(hit.start)
            if bounds not in counted:
                counted[bounds] = self._counts(folded[slice(*bounds)])
            if counted[bounds]:
                found.append(hit)
        return found

    def _counts(self, clause: str) -> bool:
        if any(self._now.find(clause)):
            return True
        past = self._dates is not None and self._dates.search(clause) is not None
        return not past and not any(self._unless.find(clause))


class GradeRules:
    """Urgency, importance and hazard."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._dangers = (_Danger(table["u0"]), _Danger(table["u0_self"]))
        self._u1 = _index(table["u1"]["cues"])
        self._wages, self._wages_when = (
            _index(table["u1"]["wages"]),
            _index(table["u1"]["wages_when"]),
        )
        self._vulnerable, self._harm = (
            _index(table["u1"]["vulnerable"]),
            _index(table["u1"]["harm"]),
        )
        self._u3, self._u3_least = _index(table["u3"]["cues"]), int(table["u3"]["least"])
        self._hazard = _index(table["hazard"]["cues"])
        self._many, self._some = (
            _index(table["importance"]["many"]),
            _index(table["importance"]["some"]),
        )

    def danger(self, text: str) -> tuple[Hit, ...]:
        """The U0 phrases of a text: danger to life now. Runs before any model."""
        folded = fold(text)
        found = [hit for danger in self._dangers for hit in danger.find(folded)]
        return tuple(sorted(found, key=lambda hit: (hit.start, -hit.end)))

    def grade(self, text: str, people_bucket: int) -> Grades:
        """Grade a matter by its facts."""
        folded = fold(text)
        danger = self.danger(text)
        urgent = self._urgent(folded)
        hazard = tuple(self._hazard.find(folded))
        if danger:
            urgency = Urgency.U0
        elif urgent:
            urgency = Urgency.U1
        elif len({hit.phrase for hit in self._u3.find(folded)}) >= self._u3_least:
            urgency = Urgency.U3
        else:
            urgency = Urgency.U2
        importance = self._importance(
            folded, people_bucket, danger=bool(danger), hazard=bool(hazard)
        )
        return Grades(urgency, importance, bool(hazard or danger), danger + urgent + hazard)

    def _urgent(self, folded: str) -> tuple[Hit, ...]:
        urgent = tuple(self._u1.find(folded))
        for first, second in ((self._wages, self._wages_when), (self._vulnerable, self._harm)):
            one, other = list(first.find(folded)), list(second.find(folded))
            if one and other:
                urgent += (one[0], other[0])
        return urgent

    def _importance(
        self,
        folded: str,
        people_bucket: int,
        *,
        danger: bool,
        hazard: bool,
    ) -> Importance:
        many = people_bucket >= _MANY_PEOPLE or any(self._many.find(folded))
        some = people_bucket >= _SOME_PEOPLE or any(self._some.find(folded))
        if danger or (many and hazard):
            return Importance.MAJOR
        if many or some or hazard:
            return Importance.IMPORTANT
        return Importance.ORDINARY


@dataclass(frozen=True)
class RouteRow:
    """One row of the route table."""

    category: str
    words: tuple[str, ...]
    route: Route
    reason: str


class RouteRules:
    """Proposal of a legal route; only appeals and requests have one."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.rows = tuple(
            RouteRow(
                row["category"],
                tuple(row.get("words", "").split()),
                Route[row["route"]],
                row["reason"],
            )
            for row in table["route"]
        )

    def propose(self, code: str, nature: Nature, text: str) -> Route:
        """The route of the first row that fits."""
        if nature is not Nature.APPEAL_REQUEST:
            return Route.NONE
        for row in self.rows:
            if code.startswith(row.category) and (
                not row.words or any(word in text for word in row.words)
            ):
                return row.route
        return Route.PETITION


class TargetRules:
    """Which level, line and unit answers for a category in a region."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._lines: dict[str, Sequence[str]] = table["line"]

    def target(self, code: str, region_code: str, region_title: str, level: str) -> Target:
        """The target by the longest prefix of the category; no region, no unit."""
        for length in (4, 2):
            row = self._lines.get(code[:length])
            if row is not None:
                unit = f"{region_title}{row[1]}" if region_title else ""
                return Target(_LEVELS.get(level, Level.UNKNOWN), row[0], unit, region_code)
        return Target(_LEVELS.get(level, Level.UNKNOWN), "", "", region_code)


def _index(words: str) -> PhraseIndex:
    return PhraseIndex(words.split())
