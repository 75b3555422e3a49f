"""Suggests matters that may be the same before a petition is registered (相似件提示).

Joining is never required, and registration waits for none of it. A text that accuses somebody is
not sent anywhere: it gets no suggestion.
"""

from dataclasses import dataclass
from typing import Protocol

from heed_intake.domain.masking import mask_text
from heed_intake.domain.screening import ScreeningRules
from heed_intake.domain.suggestions import (
    LEAST_SIMILARITY,
    MOST,
    SimilarPetition,
    Suggestion,
    shown_terms,
    title_of,
)
from heed_shared.errors import InvalidField, UnknownRegion
from heed_shared.identity import Caller, require_region
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy


class SimilarFinder(Protocol):
    """Finds petitions on what may be the same matter as a text."""

    async def find(self, region_code: str, request: str, facts: str) -> list[SimilarPetition]:
        """Return petitions of the region's city, most similar first.

        Raises:
            DependencyDown: the service that knows them does not answer.
        """
        ...


@dataclass(frozen=True)
class Suggesting:
    """What suggesting works with."""

    finder: SimilarFinder
    rules: ScreeningRules
    regions: Regions
    taxonomy: Taxonomy


@dataclass(frozen=True)
class AskingText:
    """A text that is not registered yet."""

    region_code: str
    request: str
    facts: str


async def suggest_similar(text: AskingText, caller: Caller, work: Suggesting) -> list[Suggestion]:
    """Return at most five matters, most similar first, of the caller's region only.

    Raises:
        InvalidField: there is no text, or it holds U+0000.
        UnknownRegion: the region is in no table.
        RegionNotAllowed: it lies outside the caller's.
        DependencyDown: the classifier does not answer.
    """
    _check(text, caller, work.regions)
    if work.rules.hits((text.request, text.facts)):
        return []
    request, facts = mask_text(text.request), mask_text(text.facts)
    found = await work.finder.find(text.region_code, request, facts)
    near = (item for item in found if caller.covers(item.region_code))
    likely = [item for item in near if item.similarity >= LEAST_SIMILARITY]
    asking = f"{request}\n{facts}"
    return [_suggestion(item, asking, work.taxonomy) for item in likely[:MOST]]


def _check(text: AskingText, caller: Caller, regions: Regions) -> None:
    if not (text.request.strip() or text.facts.strip()):
        raise InvalidField("request", "request or facts must say something")
    for field, written in (("request", text.request), ("facts", text.facts)):
        if "\0" in written:
            raise InvalidField(field, "must not contain the character U+0000")
    if text.region_code not in regions:
        raise UnknownRegion(text.region_code)
    require_region(caller, text.region_code)


def _suggestion(item: SimilarPetition, asking: str, taxonomy: Taxonomy) -> Suggestion:
    terms = shown_terms(item.shared_terms, asking)
    code = item.category_code
    category = taxonomy.get(code).title if code in taxonomy else ""
    return Suggestion(
        title=title_of(terms, category),
        similarity=item.similarity,
        shared_terms=terms,
        category_code=code,
        received_at=item.received_at,
        incident=item.incident,
    )
