"""Finding petitions that may be on the same matter as a text or a petition; nothing is joined."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from heed_classifier.application.ports import Workers
from heed_classifier.domain.incident_terms import TermReader, counted_terms, weigh
from heed_classifier.domain.records import ClassificationRecord, PetitionKey, city_of
from heed_classifier.domain.similarity import (
    Asked,
    Likely,
    Similar,
    lookups,
    ranked,
    term_number,
)
from heed_classifier.domain.text import PetitionText, title_of
from heed_shared.errors import InvalidField, NotFound
from heed_shared.identity import Caller, require_region
from heed_shared.ids import petition_name
from heed_shared.reference.regions import Regions


@dataclass(frozen=True)
class Wanted:
    """What is asked for: a petition, or a text with its region."""

    petition: PetitionKey | None
    text: PetitionText
    region_code: str
    received_from: datetime | None
    most: int


class SimilarStore(Protocol):
    """Stored matters and the counts of terms, as they are at one moment."""

    async def classification(self, key: PetitionKey) -> ClassificationRecord | None:
        """A petition's classification."""
        ...

    async def counts(self, city: str, terms: Iterable[str]) -> tuple[dict[str, int], int]:
        """Matters of the city per term, and in all."""
        ...

    async def likely(
        self,
        numbers: Mapping[int, float],
        prefix: str,
        received_from: datetime | None,
        but: PetitionKey | None,
    ) -> list[Likely]:
        """Matters of a region that share the most of the weights of these numbers."""
        ...


@dataclass(frozen=True)
class Finding:
    """The use case."""

    stores: StoreOpener
    reader: TermReader
    regions: Regions
    workers: Workers

    async def find(self, wanted: Wanted, caller: Caller) -> list[Similar]:
        """Matters that may be the same, most similar first, in the city and the caller's region.

        Raises:
            NotFound: There is no such petition in the caller's region.
            InvalidField: Neither petition nor text came, or both, or a text without its region.
            UnknownRegion: The region is in no table.
            RegionNotAllowed: It lies outside the caller's.
        """
        self._check(wanted, caller)
        if wanted.petition is None:
            terms = await self.workers.run(lambda: self.reader.read(wanted.text))
        async with self.stores.open() as store:
            if wanted.petition is None:
                city = city_of(wanted.region_code)
                counts, total = await store.counts(city, counted_terms(terms))
                asked = [Asked(weigh(terms, counts, total), title_of(wanted.text))]
            else:
                city, asked = await self._stored(store, wanted.petition, caller)
                names = {name for one in asked for name in one.profile.names}
                counts, _ = await store.counts(city, names)
            numbers = _numbers(city, asked, counts)
            prefix = _within(city, caller.region_prefix)
            if not numbers or prefix is None:
                return []
            likely = await store.likely(numbers, prefix, wanted.received_from, wanted.petition)
        return ranked(asked, likely, wanted.most)

    def _check(self, wanted: Wanted, caller: Caller) -> None:
        written = bool(wanted.text.joined.strip())
        if written == (wanted.petition is not None):
            raise InvalidField("petition", "give either a petition or a text, not both")
        if not written:
            return
        if not wanted.region_code:
            raise InvalidField("region_code", "must say where the text belongs")
        self.regions.get(wanted.region_code)
        require_region(caller, wanted.region_code)

    @staticmethod
    async def _stored(
        store: SimilarStore, key: PetitionKey, caller: Caller
    ) -> tuple[str, list[Asked]]:
        record = await store.classification(key)
        if record is None or not caller.covers(record.region_code):
            raise NotFound(petition_name(key.region, key.uid))
        return city_of(key.region), [Asked(m.profile, m.answer.title) for m in record.matters]


class StoreOpener(Protocol):
    """Opens the store for one question."""

    def open(self) -> AbstractAsyncContextManager[SimilarStore]:
        """The store, for reading."""
        ...


def _numbers(city: str, asked: Collection[Asked], counts: Mapping[str, int]) -> dict[int, float]:
    """What to look up, weighed by how much sharing it says."""
    return {
        term_number(city, name): weight * weight
        for one in asked
        for name, weight in lookups(one.profile, counts).items()
    }


def _within(city: str, caller_prefix: str) -> str | None:
    """The region that lies in the city and in the caller's; None when they have none in common."""
    prefix = city[:4]
    if caller_prefix.startswith(prefix):
        return caller_prefix
    return prefix if prefix.startswith(caller_prefix) else None
