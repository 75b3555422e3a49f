"""Sorting texts: danger first, then model or rules, then everything derived from the answer.

A text that clearly speaks of several things becomes several matters, each with its own answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

from heed_classifier.application.opinions import Held, Opinions
from heed_classifier.application.ports import Workers
from heed_classifier.domain.decision import (
    SEALED_CATEGORY,
    Cutoffs,
    Evidence,
    Opinion,
    Sorted,
    Target,
    first_level,
    open_category,
    second_level,
)
from heed_classifier.domain.grading import GradeRules
from heed_classifier.domain.nature import Band, Method, Nature
from heed_classifier.domain.own_categories import OwnCategories
from heed_classifier.domain.routing import ProposedRoute, RouteRules, TargetRules
from heed_classifier.domain.rules import NatureRules, evidence_of
from heed_classifier.domain.splitting import Part, Splitter, confirmed, shared_text
from heed_classifier.domain.text import PetitionText, is_chinese, title_of
from heed_shared.reference.regions import Regions

# The model alone must be this sure before a text without any cue of misconduct counts as one.
ACCUSATION_PROBABILITY = 0.97
UNKNOWN_CATEGORY = "17"
_MOST_CANDIDATES = 5
_MOST_PHRASES = 4


@dataclass(frozen=True)
class ToSort:
    """One text with what else is known about its matter."""

    text: PetitionText
    region_code: str = ""
    people_bucket: int = 0
    declared_nature: Nature = Nature.UNKNOWN
    day: date | None = None
    """The local day of receipt, on which its category has to be valid."""
    cleared: bool = False
    """Whether a person found that it is no accusation, after it had been suspected."""


@dataclass(frozen=True)
class Answer:
    """A sorted text and what sorted it."""

    matters: tuple[Sorted, ...]
    method: Method
    source: str

    @property
    def sorted(self) -> Sorted:
        """The first matter; the only one, unless the text was split."""
        return self.matters[0]

    @property
    def accusation_suspected(self) -> bool:
        """Whether any part of the text may be an accusation: the petition is one document."""
        return any(matter.accusation_suspected for matter in self.matters)


@dataclass(frozen=True)
class Rules:
    """The written rules."""

    natures: NatureRules
    grades: GradeRules
    routes: RouteRules
    targets: TargetRules
    splitter: Splitter
    categories: OwnCategories | None = None
    """What an authority's own taxonomy changes; None for the shipped one."""


@dataclass(frozen=True)
class _Piece:
    """What of a text is sorted as one matter, and what the text says of all its matters."""

    text: str
    shared: str = ""
    part: Part | None = None

    def placed(self, found: Sequence[Evidence]) -> tuple[Evidence, ...]:
        """Evidence with its places in the whole text; what lies outside the piece is left out."""
        inside = [evidence for evidence in found if evidence.end <= len(self.text)]
        return self.part.placed(inside) if self.part else tuple(inside)


class Sorting:
    """Sorts texts; answers by the rules when there is no model or it fails, and says so."""

    def __init__(
        self, opinions: Opinions, rules: Rules, regions: Regions, workers: Workers
    ) -> None:
        self.opinions = opinions
        self._rules = rules
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
        proposed = [self._rules.splitter.propose(item.text) for item in items]
        pieces = [
            part.text(text) for text, parts in zip(texts, proposed, strict=True) for part in parts
        ]
        held = self.opinions.of([*texts, *pieces])
        on_pieces = iter(held[len(texts) :])
        return [
            self._answer(item, whole, parts, list(islice(on_pieces, len(parts))))
            for item, whole, parts in zip(items, held[: len(texts)], proposed, strict=True)
        ]

    def reroute(
        self, code: str, nature: Nature, region_code: str, text: str
    ) -> tuple[ProposedRoute, Target]:
        """Route and target after a correction, by what is kept of the text."""
        return self._route(code, nature, text), self._target(code, region_code)

    def _answer(
        self, item: ToSort, held: Held, parts: Sequence[Part], on_parts: Sequence[Held]
    ) -> Answer:
        """The matters of a text: one for each part, if an opinion on each agrees."""
        sorter, opinion = held
        method = Method.RULES if sorter is self.opinions.rules else Method.MODEL
        whole = self._matter(item, _Piece(item.text.joined), opinion, sorter.cutoffs)
        matters: tuple[Sorted, ...] = ()
        # A suggestion is answered as one, however many things it proposes.
        if parts and whole.nature is not Nature.SUGGESTION:
            agreed = [opinion for other, opinion in on_parts if other is sorter]
            if len(agreed) == len(parts) and confirmed(parts, agreed):
                matters = self._split(item, whole, parts, agreed, sorter.cutoffs)
        return Answer(matters or (whole,), method, sorter.name)

    def _split(
        self,
        item: ToSort,
        whole: Sorted,
        parts: Sequence[Part],
        opinions: Sequence[Opinion],
        cutoffs: Cutoffs,
    ) -> tuple[Sorted, ...]:
        """One matter for each part; none where what seals the text lies in no part alone."""
        joined = item.text.joined
        shared = shared_text(joined, parts)
        matters = tuple(
            self._matter(item, _Piece(part.text(joined), shared, part), opinion, cutoffs)
            for part, opinion in zip(parts, opinions, strict=True)
        )
        if whole.accusation_suspected and not any(m.accusation_suspected for m in matters):
            return ()
        if whole.urgency < min(matter.urgency for matter in matters):
            # Facts that are urgent only together are facts of every matter.
            matters = tuple(
                replace(m, urgency=whole.urgency, urgency_evidence=whole.urgency_evidence)
                for m in matters
            )
        return matters

    def _matter(self, item: ToSort, piece: _Piece, opinion: Opinion, cutoffs: Cutoffs) -> Sorted:
        grades = self._rules.grades.grade(f"{piece.text}\n{piece.shared}", item.people_bucket)
        nature, nature_probability, nature_evidence = self._nature(item, piece.text, opinion)
        suspected = nature is Nature.ACCUSATION
        content, sure = self._content(item, piece.text, opinion)
        ranked = first_level(content) or [(self._unknown, 0.0)]
        # Discipline matters live in the sealed lane: what is no accusation has another category.
        open_ranked = ranked if suspected else [r for r in ranked if r[0] != SEALED_CATEGORY]
        category, probability = (open_ranked or [(self._unknown, 0.0)])[0]
        band = cutoffs.band(probability)
        # What belongs nowhere else is looked at, however sure the sorter is that it does not.
        sure = sure and category != self._unknown and is_chinese(piece.text)
        if band is Band.AUTO and not sure:
            band = Band.REVIEW
        if band is Band.UNCERTAIN and probability < 0.15:
            category = self._unknown
        children = second_level(content, category)
        code = _best_child(children, band) or category
        route = self._route(code, nature, piece.text)
        return Sorted(
            category_code=category,
            subcategory_code=code if len(code) == 4 else "",
            candidates=tuple(open_ranked[:_MOST_CANDIDATES]),
            band=band,
            nature=nature,
            nature_probability=nature_probability,
            accusation_suspected=suspected,
            route=route.route,
            target=self._target(code, item.region_code),
            urgency=grades.urgency,
            importance=grades.importance,
            hazard=grades.hazard,
            evidence=piece.placed(opinion.evidence),
            title=title_of(PetitionText(piece.text, "") if piece.part else item.text),
            people_bucket=item.people_bucket,
            spans=piece.part.spans if piece.part else (),
            nature_evidence=piece.placed(nature_evidence),
            urgency_evidence=piece.placed(grades.evidence),
            route_reason=route.reason,
            importance_reason=grades.importance_reason,
            subcategory_candidates=tuple(children[:_MOST_CANDIDATES]),
        )

    @property
    def _unknown(self) -> str:
        """The category of what nobody can tell."""
        own = self._rules.categories
        return own.own(UNKNOWN_CATEGORY) or UNKNOWN_CATEGORY if own else UNKNOWN_CATEGORY

    def _content(
        self, item: ToSort, text: str, opinion: Opinion
    ) -> tuple[Mapping[str, float], bool]:
        """Probabilities of the categories that may be given, and whether they may be AUTO."""
        own = self._rules.categories
        if own is None:
            return opinion.content, opinion.sure
        content = own.settle(text, opinion.content, item.day)
        same = open_category(content) == own.own(open_category(opinion.content))[:2]
        return content, opinion.sure and same

    def _route(self, code: str, nature: Nature, text: str) -> ProposedRoute:
        """The table of routes speaks of the shipped categories only."""
        own = self._rules.categories
        shipped = own is None or own.known(code)
        return self._rules.routes.propose(code if shipped else "", nature, text)

    def _nature(
        self, item: ToSort, text: str, opinion: Opinion
    ) -> tuple[Nature, float, tuple[Evidence, ...]]:
        """Nature with its probability and what it rests on; ACCUSATION where one is suspected."""
        rules, accused = self._rules.natures, opinion.nature.get(Nature.ACCUSATION, 0.0)
        top = first_level(opinion.content)[:1]
        discipline = bool(top) and top[0][0] == SEALED_CATEGORY
        misused = rules.accusation(text)
        suspected = misused or (accused >= ACCUSATION_PROBABILITY and discipline)
        if suspected and not item.cleared:
            found = evidence_of(text, [(1.0, hit) for hit in misused])
            return Nature.ACCUSATION, max(accused, 0.5), found
        cues = rules.cues(text)
        weights = rules.steadied(text, opinion.nature, cues)
        nature = max(weights, key=lambda n: (weights[n], n))
        probability = weights[nature] / (sum(weights.values()) or 1.0)
        if item.declared_nature not in (Nature.UNKNOWN, Nature.ACCUSATION):
            nature, probability = item.declared_nature, 1.0
        return nature, probability, evidence_of(text, cues[nature])[:_MOST_PHRASES]

    def _target(self, code: str, region_code: str) -> Target:
        if region_code not in self._regions:
            return self._rules.targets.target(code, "", "", "")
        title, level = self._regions.title(region_code), self._regions.level(region_code)
        return self._rules.targets.target(code, region_code, title, level)


def _best_child(children: Sequence[tuple[str, float]], band: Band) -> str:
    """The likeliest second level; none where even the first is a guess."""
    if not children or band is Band.UNCERTAIN:
        return ""
    code, probability = children[0]
    return code if probability >= 0.5 * sum(p for _, p in children) else ""
