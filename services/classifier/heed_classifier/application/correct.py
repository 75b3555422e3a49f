"""Correcting a classification (更正): what a person found right changes all that was derived.

Counts move, route and target are proposed anew, and the incident is described anew. Title, evidence
and the incident itself stay: they come from the text, and no correction changes that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from heed_classifier.application.grouping import Grouping
from heed_classifier.application.petition_changes import Change, Outcome, first_again
from heed_classifier.application.ports import ClassificationStore, Position
from heed_classifier.application.sorting import Sorting
from heed_classifier.domain.decision import Sorted
from heed_classifier.domain.incidents import MatterKey
from heed_classifier.domain.nature import Band, Method, Nature, Urgency
from heed_classifier.domain.records import (
    ClassificationRecord,
    CorrectedBy,
    KeptCorrection,
    MatterRecord,
    PetitionKey,
    city_of,
)
from heed_shared.errors import InvalidField, NotFound
from heed_shared.identity import Caller
from heed_shared.ids import petition_name, require_etag
from heed_shared.reference.taxonomy import Taxonomy


@dataclass(frozen=True)
class Correction:
    """What a person found right; empty or unknown leaves a thing as it is."""

    matter: MatterKey
    etag: str
    category_code: str
    nature: Nature
    urgency: Urgency
    reason: str


class Corrections(Protocol):
    """Corrects once for each request id, in a transaction of its own."""

    async def correct(
        self, correction: Correction, caller: Caller, request_id: str, digest: bytes
    ) -> ClassificationRecord:
        """Return the classification after the correction."""
        ...

    async def history(
        self, key: PetitionKey, caller: Caller, after: Position, most: int
    ) -> list[tuple[int, KeptCorrection]]:
        """A page of the corrections of a petition with their numbers, latest first.

        Raises:
            NotFound: There is no such classification in the caller's region.
        """
        ...


@dataclass
class Correcting:
    """The use case, for one transaction."""

    store: ClassificationStore
    grouping: Grouping
    sorting: Sorting
    taxonomy: Taxonomy
    now: datetime

    async def correct(
        self, correction: Correction, caller: Caller
    ) -> tuple[ClassificationRecord, list[Change]]:
        """Apply a correction; returns the classification after it, and what to publish.

        Raises:
            NotFound: There is no such matter in the caller's region.
            StaleEtag: It has changed since the person saw it.
            UnknownCategory: The category is not in the taxonomy.
            InvalidField: Nothing is corrected.
        """
        self._check(correction)
        key = PetitionKey(correction.matter.region, correction.matter.uid)
        await self.grouping.lock([city_of(key.region)])
        record = (await self.store.load([key], for_change=True)).get(key)
        name = petition_name(key.region, key.uid)
        if record is None or not caller.covers(record.region_code):
            raise NotFound(name)
        before = next((m for m in record.matters if m.key == correction.matter), None)
        if before is None:
            raise NotFound(f"{name}/matters/{correction.matter.k}")
        require_etag(correction.etag, record.version, name)
        by = CorrectedBy(caller.identity, caller.display_name, caller.unit, correction.reason)
        if self._is_accusation(correction):
            return await self._seal(record, before, correction, by)
        return await self._change(record, before, correction, by)

    def _is_accusation(self, correction: Correction) -> bool:
        code = correction.category_code
        sealed = bool(code) and self.taxonomy.get(code).sealed
        return correction.nature is Nature.ACCUSATION or sealed

    def _check(self, correction: Correction) -> None:
        if correction.category_code:
            self.taxonomy.get(correction.category_code)
        elif not correction.nature and not correction.urgency:
            raise InvalidField("category_code", "give a category, a nature or an urgency")

    async def _change(
        self,
        record: ClassificationRecord,
        before: MatterRecord,
        correction: Correction,
        by: CorrectedBy,
    ) -> tuple[ClassificationRecord, list[Change]]:
        after = replace(before, answer=self._answer(before, correction))
        changed = replace(
            record,
            version=record.version + 1,
            method=Method.PERSON,
            corrected_by=by,
            updated_at=self.now,
            matters=tuple(after if m.key == after.key else m for m in record.matters),
        )
        await self.store.update(changed)
        await self.store.add_correction(before.key, self.now, by, before.answer, after.answer)
        if after.incident is not None:
            await self.grouping.refresh([after.incident])
        change = Change(
            Outcome.CORRECTED,
            record.key,
            record.region_code,
            changed.version,
            before=(before.counted,),
            after=(after.counted,),
        )
        return changed, [change]

    async def _seal(
        self,
        record: ClassificationRecord,
        before: MatterRecord,
        correction: Correction,
        by: CorrectedBy,
    ) -> tuple[ClassificationRecord, list[Change]]:
        """A person found an accusation: everything derived goes, and intake is told to seal it."""
        repeats = await self.store.delete([record.key])
        alone = await self.grouping.leave(record.matters)
        left = [PetitionKey(key.region, key.uid) for key in alone]
        await self.store.suspect([record.key], self.now)
        answer = replace(before.answer, nature=Nature.ACCUSATION, nature_probability=1.0)
        shown = replace(
            record,
            version=record.version + 1,
            method=Method.PERSON,
            corrected_by=replace(by, reason=correction.reason),
            updated_at=self.now,
            matters=(replace(before, answer=answer, incident=None, repeat_of=None),),
        )
        changes = [
            Change(
                Outcome.ACCUSATION_SUSPECTED,
                record.key,
                record.region_code,
                shown.version,
                before=tuple(matter.counted for matter in record.matters),
            )
        ]
        changes += [
            Change(Outcome.INCIDENT_CHANGED, *touched, cause=record.key)
            for touched in await self._touched(left)
        ]
        changes += await first_again(self.store, repeats, self.now)
        return shown, changes

    async def _touched(self, keys: list[PetitionKey]) -> list[tuple[PetitionKey, str, int]]:
        """Give matters that now stand alone a new version; the order is that of a change."""
        touched = await self.store.touch(keys, self.now)
        return [(key, region_code, version) for key, version, region_code in touched]

    def _answer(self, before: MatterRecord, correction: Correction) -> Sorted:
        old = before.answer
        category = correction.category_code[:2] or old.category_code
        if correction.category_code:
            subcategory = correction.category_code if len(correction.category_code) == 4 else ""
        else:
            subcategory = old.subcategory_code
        nature = correction.nature or old.nature
        # The text itself is not here; what is kept of it says which words decided.
        kept = " ".join([old.title, *(evidence.phrase for evidence in old.evidence)])
        route, target = self.sorting.reroute(
            subcategory or category, nature, before.region_code, kept
        )
        return replace(
            old,
            category_code=category,
            subcategory_code=subcategory,
            band=Band.AUTO,
            nature=nature,
            nature_probability=1.0 if correction.nature else old.nature_probability,
            route=route.route,
            route_reason=route.reason,
            target=target,
            urgency=correction.urgency or old.urgency,
        )
