"""What the use cases need from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from heed_classifier.domain.decision import Cutoffs, Opinion

T = TypeVar("T")


class Sorter(Protocol):
    """Something that has an opinion on texts: the trained model, or the rules."""

    @property
    def name(self) -> str:
        """Name and version that is stored with every answer."""
        ...

    @property
    def cutoffs(self) -> Cutoffs:
        """Its cut-offs of the bands."""
        ...

    def opinions(self, texts: Sequence[str]) -> list[Opinion]:
        """Sort a batch; takes CPU time, so it is called in a worker."""
        ...


class Workers(Protocol):
    """The bounded place where CPU work runs, off the event loop."""

    async def run(self, work: Callable[[], T]) -> T:
        """Run ``work`` there and return its result."""
        ...
