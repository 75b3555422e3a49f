"""The use case of performance figures: of all units together, and of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from heed_disposal.domain.figures import Figure, FigureDefinition, Parts, figure


@dataclass(frozen=True)
class Period:
    """Which cases are looked at; both days belong to the period."""

    region_prefix: str
    unit: str
    from_day: date
    to_day: date


class FigureCounts(Protocol):
    """Counts the parts of figures."""

    async def parts(
        self, codes: Sequence[str], period: Period
    ) -> Mapping[str, Mapping[str, Parts]]:
        """Return the parts of figures by code and unit, all as of one moment.

        The unit "" is what no unit has yet.
        """
        ...


@dataclass(frozen=True)
class Performance:
    """Figures of a period."""

    together: Sequence[Figure]
    by_unit: Mapping[str, Sequence[Figure]]


async def performance(
    counts: FigureCounts, definitions: Sequence[FigureDefinition], period: Period
) -> Performance:
    """Return every figure of all units together, and of each unit that has any part in one."""
    parts = await counts.parts([item.code for item in definitions], period)
    units = sorted({unit for found in parts.values() for unit in found if unit})
    return Performance(
        together=[figure(item, sum(parts[item.code].values(), Parts())) for item in definitions],
        by_unit={
            unit: [figure(item, parts[item.code].get(unit, Parts())) for item in definitions]
            for unit in units
        },
    )
