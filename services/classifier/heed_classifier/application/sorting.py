"""Sorting texts: danger first, then model or rules, then everything derived from the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heed_classifier.application.opinions import Opinions
from heed_classifier.application.ports import Sorter, Workers
from heed_classifier.domain.decision import (
    SEALED_CATEGORY,
    Cutoffs,
    Opinion,
    Sorted,
    Target,
    first_level,
)
from heed_classifier.domain.nature import Band, Level, Method, Nature, Route
from heed_classifier.domain.rules import GradeRules, NatureRules, RouteRules, TargetRules
from heed_classifier.domain.text import PetitionText, title_of
from heed_shared.reference.regions import Regions

# The model alone must be this sure before a text without any cue of misconduct counts as one.
ACCUSATION_PROBABILITY = 0.97
UNKNOWN_CATEGORY = "17"
_MOST_CANDIDATES = 5


@dataclass(frozen=True)
class ToSort:
    """One text with what else is known about its matter."""

    text: PetitionText
    region_code: str = ""
    people_bucket: int = 0
    declared_nature: Nature = Nature.UNKNOWN
    cleared: bool = False
    """Whether a person found that it is no accusation, after it had been suspected."""


@dataclass(frozen=True)
class Answer:
    """A sorted text and what sorted it."""

    sorted: Sorted
    method: Method
    source: str


class Sorting:
    """Sorts texts; answers by the rules when there is no model or it fails, and says so."""

    def __init__(
        self,
        rules_sorter: Sorter,
        nature_rules: NatureRules,
        grade_rules: GradeRules,
        route_rules: RouteRules,
        target_rules: TargetRules,
        regions: Regions,
        workers: Workers,
        model_sorter: Sorter | None = None,
    ) -> None:
        self.opinions = Opinions(rules_sorter, model_sorter)
        self._nature_rules = nature_rules
        self._grade_rules = grade_rules
        self._route_rules = route_rules
        self._target_rules = target_rules
        self._regions = regions
        self._workers = workers

    @property
    def workers(self) -> Workers:
        """Where its CPU work runs."""
        return self._workers

    async def sort(self, items: Sequence[ToSort]) -> list[Answer]:
        """Sort texts in one go, off the event loop."""
        return await self._workers.run(lambda: self.sort_now(items))

    def sort_now(self, items: Sequence[ToSort]) -> list[Answer]:
        """Sort texts here and now; for workers and offline use."""
        texts = [item.text.joined for item in items]
        return [
            Answer(
                self._answer(item, opinion, sorter.cutoffs),
                Method.RULES if sorter is self.opinions.rules else Method.MODEL,
                sorter.name,
            )
            for item, (sorter, opinion) in zip(items, self.opinions.of(texts), strict=True)
        ]

    def reroute(self, code: str, nature: Nature, region_code: str) -> tuple[Route, Target]:
        """Route and target after a correction; without the text, the category decides."""
        return self._route_rules.propose(code, nature, ""), self._target(code, region_code)

    def _answer(self, item: ToSort, opinion: Opinion, cutoffs: Cutoffs) -> Sorted:
        text = item.text.joined
        grades = self._grade_rules.grade(text, item.people_bucket)
        nature, nature_probability, suspected = self._nature(item, opinion)
        ranked = first_level(opinion.content) or [(UNKNOWN_CATEGORY, 0.0)]
        # Discipline matters live in the sealed lane: what is no accusation has another category.
        open_ranked = ranked if suspected else [r for r in ranked if r[0] != SEALED_CATEGORY]
        category, probability = (open_ranked or [(UNKNOWN_CATEGORY, 0.0)])[0]
        band = cutoffs.band(probability)
        if band is Band.AUTO and not opinion.sure:
            band = Band.REVIEW
        if band is Band.UNCERTAIN and probability < 0.15:
            category = UNKNOWN_CATEGORY
        code = _best_child(opinion, category, band) or category
        return Sorted(
            category_code=category,
            subcategory_code=code if len(code) == 4 else "",
            candidates=tuple(open_ranked[:_MOST_CANDIDATES]),
            band=band,
            nature=nature,
            nature_probability=nature_probability,
            accusation_suspected=suspected,
            route=self._route_rules.propose(code, nature, text),
            target=self._target(code, item.region_code),
            urgency=grades.urgency,
            importance=grades.importance,
            hazard=grades.hazard,
            evidence=opinion.evidence,
            title=title_of(item.text),
            people_bucket=item.people_bucket,
        )

    def _nature(self, item: ToSort, opinion: Opinion) -> tuple[Nature, float, bool]:
        text = item.text.joined
        accused = opinion.nature.get(Nature.ACCUSATION, 0.0)
        top = first_level(opinion.content)[:1]
        discipline = bool(top) and top[0][0] == SEALED_CATEGORY
        suspected = bool(self._nature_rules.accusation(text)) or (
            accused >= ACCUSATION_PROBABILITY and discipline
        )
        if suspected and not item.cleared:
            return Nature.ACCUSATION, max(accused, 0.5), True
        if item.declared_nature not in (Nature.UNKNOWN, Nature.ACCUSATION):
            return item.declared_nature, 1.0, False
        others = {n: p for n, p in opinion.nature.items() if n is not Nature.ACCUSATION}
        nature = max(others, key=lambda n: (others[n], n))
        return nature, others[nature] / (sum(others.values()) or 1.0), False

    def _target(self, code: str, region_code: str) -> Target:
        if region_code not in self._regions:
            return Target(Level.UNKNOWN, self._target_rules.target(code, "", "", "").line, "", "")
        title = self._regions.title(region_code)
        return self._target_rules.target(code, region_code, title, self._regions.level(region_code))


def _best_child(opinion: Opinion, category: str, band: Band) -> str:
    """The likeliest second level; none where even the first is a guess."""
    children = {c: p for c, p in opinion.content.items() if c[:2] == category and len(c) == 4}
    if not children or band is Band.UNCERTAIN:
        return ""
    best = max(children, key=lambda c: (children[c], c))
    return best if children[best] >= 0.5 * sum(children.values()) else ""
