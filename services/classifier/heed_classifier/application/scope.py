"""Which regions a caller's list request covers."""

from __future__ import annotations

from heed_shared.identity import Caller, region_prefix, require_region
from heed_shared.reference.regions import Regions


def list_prefix(caller: Caller, asked: str, regions: Regions) -> str:
    """The prefix of region codes that a list covers.

    Raises:
        UnknownRegion: A whole code that is in no table.
        RegionNotAllowed: A region that is not inside the caller's.
    """
    if not asked:
        return caller.region_prefix
    if len(asked) == 6:
        regions.get(asked)
    prefix = region_prefix(asked)
    require_region(caller, prefix)
    return prefix
