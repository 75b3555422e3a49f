"""An authority's own taxonomy beside what the sorters know: other codes, retired codes, new names.

A sorter knows the codes that it was trained or written for. What it says is carried over by the
crosswalk, what is not given any more is dropped, and categories that it does not know are found by
their names (title and aliases).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from heed_classifier.domain.content import ContentBook
from heed_classifier.domain.decision import rules_alone


@dataclass(frozen=True)
class OwnCategories:
    """What differs from the shipped taxonomy."""

    names: ContentBook
    """The categories that no sorter knows, by their names."""
    moved: Mapping[str, str]
    """Codes of the shipped taxonomy that are another category now."""
    known: Callable[[str], bool]
    """Whether a code means what the sorters take it for."""
    given: Callable[[str, date | None], bool]
    """Whether a category may be given on a day."""

    def settle(self, text: str, content: Mapping[str, float], day: date | None) -> dict[str, float]:
        """What a sorter thinks of a text, in the categories that may be given on this day."""
        named = rules_alone(self.names.scores(self.names.hits(text)))
        settled = {code: p for code, p in named.items() if self.given(code, day)}
        rest = 1.0 - sum(settled.values())
        for code, probability in content.items():
            own = self.own(code)
            if own and self.given(own, day):
                settled[own] = settled.get(own, 0.0) + rest * probability
        return settled

    def own(self, code: str) -> str:
        """The code here of a category that a sorter knows; empty when there is none."""
        moved = self.moved.get(code) or self.moved.get(code[:2])
        return moved or (code if self.known(code) else "")
