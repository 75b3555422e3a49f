"""Turns whatever a file says about areas into region codes.

GB/T 2260 codes are taken as they are. Anything else (A1区, a ward number) becomes a county-level
entry of a region table of the user's own, under one made-up city; rows without an area belong to
that city.
"""

from __future__ import annotations

import csv
import string
from pathlib import Path

from heed_shared.reference.regions import HOLDER_TITLE, Regions

PROVINCE, CITY = "9Z0000", "9Z0100"
DIGITS = string.digits + string.ascii_uppercase


class TooManyAreasError(ValueError):
    """The file names more areas than one made-up city can hold."""


class Areas:
    """The areas seen so far, each with its region code."""

    def __init__(self, regions: Regions, city_title: str) -> None:
        self._regions = regions
        self._city_title = city_title
        self._codes: dict[str, str] = {}

    def code_of(self, area: str) -> str:
        """Returns the region code of an area as the file writes it; "" is the parent city.

        Raises:
            TooManyAreasError: More than 1,295 different areas.
        """
        area = area.strip()
        if not area:
            return CITY
        if area in self._regions:
            return area
        if area not in self._codes:
            number = len(self._codes) + 1
            if number >= len(DIGITS) ** 2:
                raise TooManyAreasError(
                    f"more than {len(DIGITS) ** 2 - 1} areas; is this the column?"
                )
            self._codes[area] = f"9Z01{DIGITS[number // len(DIGITS)]}{DIGITS[number % len(DIGITS)]}"
        return self._codes[area]

    @property
    def titles(self) -> dict[str, str]:
        """Region code to the area as the file writes it, for the made-up areas."""
        return {code: area for area, code in self._codes.items()}

    def write_table(self, path: Path) -> None:
        """Writes the made-up regions as a table for HEED_REGIONS."""
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["code", "title", "parent_code", "level", "valid_from", "valid_to"])
            table.writerow([PROVINCE, HOLDER_TITLE, "", "province", "2000-01-01", ""])
            table.writerow([CITY, self._city_title, PROVINCE, "city", "2000-01-01", ""])
            for area, code in self._codes.items():
                table.writerow([code, area, CITY, "county", "2000-01-01", ""])
