"""Regions and categories as the warning service uses them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from heed_shared.errors import UnknownCategory, UnknownRegion
from heed_shared.reference.calendar import CalendarUnknown, is_working_day
from heed_shared.reference.regions import Regions, level_of
from heed_shared.reference.taxonomy import Taxonomy
from heed_warning.domain.panel import CITY, COUNTY, PROVINCE, Cell

_LEVELS = {"province": PROVINCE, "city": CITY, "county": COUNTY}
_FIRST_LEVEL_CODE_LENGTH = 2
_CODE_LENGTH = 6


class Places:
    """The mounted tables of regions and categories."""

    def __init__(self, regions: Regions, taxonomy: Taxonomy) -> None:
        self._regions = regions
        self._taxonomy = taxonomy

    def above(self, region: str) -> Sequence[str]:
        """Return the regions above one, the nearest first.

        Raises:
            UnknownRegion: The region is in no mounted table.
        """
        return self._regions.ancestors(region)

    def still_above(self, region: str) -> Sequence[str]:
        """Return the same for a region with counts, which a later table may have dropped."""
        return self._regions.ancestors(region) if region in self._regions else ()

    def level(self, region: str) -> int:
        """Return the level of a region as a number, which its code itself says."""
        return _LEVELS[level_of(region)]

    def require(self, cell: Cell, field: str = "cell") -> None:
        """Check that a cell names a known region and a known first-level category.

        Raises:
            UnknownRegion: The region is in no mounted table.
            UnknownCategory: The category is in no mounted taxonomy, or not of the first level.
        """
        self.require_region(cell.region, f"{field}.region_code")
        self.require_category(cell.category, f"{field}.category_code")

    def require_region(self, region: str, field: str = "region_code") -> None:
        """Check that a region is known, or raise UnknownRegion."""
        if region not in self._regions:
            raise UnknownRegion(region, field)

    def require_prefix(self, prefix: str, field: str = "region_prefix") -> None:
        """Check that a prefix, where it is a whole code, is a known region."""
        if len(prefix) == _CODE_LENGTH:
            self.require_region(prefix, field)

    def require_category(self, category: str, field: str = "category_code") -> None:
        """Check that a first-level category is known, or raise UnknownCategory."""
        known = category in self._taxonomy
        if not known or len(category) != _FIRST_LEVEL_CODE_LENGTH:
            raise UnknownCategory(category, field)

    def region_title(self, region: str) -> str:
        """Return the Chinese name of a region; its code where it is no longer mounted."""
        return self._regions.title(region) if region in self._regions else region

    def category_title(self, category: str) -> str:
        """Return the Chinese name of a category; its code where it is no longer mounted."""
        return self._taxonomy.title(category) if category in self._taxonomy else category


def working_day(day: date) -> bool | None:
    """Say whether a day is worked; None past the last published calendar."""
    try:
        return is_working_day(day)
    except CalendarUnknown:
        return None
