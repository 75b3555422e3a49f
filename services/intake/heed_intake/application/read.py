"""Reads petitions for the people and services that may see them.

Whatever lies outside the caller's region is answered like something that does not exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from heed_intake.application.ports import PetitionFilter, PetitionReader, ReadText, TextReader
from heed_intake.domain.petition import Petition
from heed_shared.errors import NotFound, RegionNotAllowed, UnknownRegion
from heed_shared.identity import Caller
from heed_shared.ids import petition_name
from heed_shared.reference.regions import Regions, prefix_of

_CODE_CHARACTERS = 6


@dataclass(frozen=True)
class PetitionPage:
    """One page of a list, and the uid after which the next one begins."""

    petitions: Sequence[Petition]
    next_after: UUID | None


async def get_petition(
    region_code: str, uid: UUID, caller: Caller, reader: PetitionReader
) -> Petition:
    """Return one petition of the ordinary lane.

    Raises:
        NotFound: there is none, it is sealed, or it lies outside the caller's region.
    """
    petition = await reader.get(region_code, uid)
    if petition is None or not caller.covers(petition.handling_region_code):
        raise NotFound(petition_name(region_code, uid))
    return petition


async def list_petitions(
    which: PetitionFilter,
    after: UUID | None,
    limit: int,
    caller: Caller,
    reader: PetitionReader,
    regions: Regions,
) -> PetitionPage:
    """Return petitions, the newest registration first.

    Raises:
        UnknownRegion: the prefix is no region's.
        RegionNotAllowed: it lies outside the caller's region.
    """
    prefix = visible_prefix(which.region_prefix, caller, regions)
    page, more = await reader.list(replace(which, region_prefix=prefix), after, limit)
    return PetitionPage(page, page[-1].uid if more else None)


async def masked_texts(
    names: Sequence[tuple[str, UUID]], caller: Caller, reader: TextReader
) -> list[ReadText | None]:
    """Return the masked text of each petition, in order; None for one that is not the caller's."""
    known = await reader.texts(names)
    found = (known.get(uid) for _, uid in names)
    return [text if text and caller.covers(text.handling_region_code) else None for text in found]


def visible_prefix(asked: str, caller: Caller, regions: Regions) -> str:
    """Return the prefix to look under: what was asked, as far as it is the caller's.

    Raises:
        UnknownRegion: the prefix is no region's.
        RegionNotAllowed: it lies outside the caller's region.
    """
    if not asked:
        return caller.region_prefix
    if asked.ljust(_CODE_CHARACTERS, "0") not in regions:
        raise UnknownRegion(asked, "region_prefix")
    prefix = prefix_of(asked)
    if prefix.startswith(caller.region_prefix):
        return prefix
    if caller.region_prefix.startswith(prefix):
        return caller.region_prefix
    raise RegionNotAllowed(asked)
