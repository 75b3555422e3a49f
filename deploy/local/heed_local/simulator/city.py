"""The made-up city: its regions and districts, and the invented places in them."""

import csv
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TEXTS = Path(__file__).with_name("texts")

# Slot of a text -> list of places in city.toml.
_PLACES = {
    "estate": "estates",
    "street": "streets",
    "road": "roads",
    "village": "villages",
    "school": "schools",
    "kindergarten": "kindergartens",
    "hospital": "hospitals",
    "firm": "firms",
    "factory": "factories",
    "project": "projects",
    "shop": "shops",
    "club": "clubs",
    "market": "markets",
}


@dataclass(frozen=True)
class District:
    """One district or county.

    Attributes:
        code: Region code.
        title: Chinese name.
        share: Part of the city's petitions that come from here; the shares add up to one.
        rural: Part of its petitions that come from villages.
        places: Kind of place (the slot of a text) to names.
    """

    code: str
    title: str
    share: float
    rural: float
    places: Mapping[str, Sequence[str]]


class City:
    """The made-up city of 澜宁, in a made-up province; six districts and counties."""

    def __init__(self) -> None:
        table = _table()
        self._province: tuple[str, str] = (table["province"]["code"], table["province"]["title"])
        self.code: str = table["city"]["code"]
        self.title: str = table["city"]["title"]
        self.districts = tuple(
            District(
                code=row["code"],
                title=row["title"],
                share=row["share"],
                rural=row["rural"],
                places={slot: tuple(row[name]) for slot, name in _PLACES.items()},
            )
            for row in table["district"]
        )

    @property
    def regions(self) -> list[tuple[str, str, str, str]]:
        """Code, title, parent's code and level of every region, the province first."""
        province, title = self._province
        return [
            (province, title, "", "province"),
            (self.code, self.title, province, "city"),
            *((item.code, item.title, self.code, "county") for item in self.districts),
        ]

    def district(self, code: str) -> District:
        """Return the district with this code; KeyError if there is none."""
        for item in self.districts:
            if item.code == code:
                return item
        raise KeyError(code)

    def write_regions(self, path: Path) -> None:
        """Write the region table that the services mount (HEED_REGIONS)."""
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(["code", "title", "parent_code", "level", "valid_from", "valid_to"])
            table.writerows((*region, "", "") for region in self.regions)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((TEXTS / "city.toml").read_text(encoding="utf-8"))
