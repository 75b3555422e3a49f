"""The routing guard (移送防护): an accusation never reaches whom it accuses (信访工作条例第三十条).

Closed are the accused units, the units that an accused person leads, and everything below them. In
doubt a unit is closed: a name that two units of one line may bear closes both, and so does a unit
that stands before an accused person's name. Nobody can override it. The guard knows only who was
named: whoever handles the petition completes that from the text.
"""

from collections.abc import Iterable
from datetime import date

from heed_intake.domain.organisation import Organisation, OrganisationUnit, normal_name
from heed_intake.domain.sealed_case import Accused
from heed_shared.errors import InvalidField, RouteForbidden

_FIELD = "destination_unit"
_SHORTEST_LEADER = 2


def closed_units(
    organisation: Organisation, accused: Accused, region_code: str, day: date
) -> list[str]:
    """Return the units that must not get the petition, by their names in the table.

    Args:
        organisation: The table.
        accused: Whom the petition accuses.
        region_code: Region that handles the petition; names are understood as in that region.
        day: The local day of today; who leads a unit is as of then.
    """
    keys = _closed(organisation, accused, region_code, day)
    return sorted({unit.name for unit in organisation.present(day) if unit.key in keys})


def require_open(
    organisation: Organisation, destination: str, accused: Accused, region_code: str, day: date
) -> str:
    """Return the destination by its name in the table.

    Raises:
        InvalidField: the table has no such unit today.
        RouteForbidden: it is closed; the text names the next open unit above, never who is accused.
    """
    unit = organisation.named(destination, day)
    if unit is None:
        raise InvalidField(_FIELD, "is no unit of the organisation table today")
    keys = _closed(organisation, accused, region_code, day)
    if unit.key in keys:
        raise RouteForbidden(_next_open_above(organisation, unit, keys, day))
    return unit.name


def _closed(organisation: Organisation, accused: Accused, region_code: str, day: date) -> set[str]:
    keys: set[str] = set()
    # A unit that no longer exists may be what is accused, and what was below it still is.
    for text in (*accused.units, *accused.persons):
        keys |= organisation.meant(text, region_code)
    persons = [normal_name(text) for text in accused.persons]
    keys |= {unit.key for unit in organisation.present(day) if _led_by(unit, persons)}
    return organisation.below(keys)


def _led_by(unit: OrganisationUnit, persons: Iterable[str]) -> bool:
    return any(
        len(leader) >= _SHORTEST_LEADER and leader in person
        for leader in unit.leader_names
        for person in persons
    )


def _next_open_above(
    organisation: Organisation, unit: OrganisationUnit, closed: set[str], day: date
) -> str:
    above = organisation.named(unit.parent, day)
    while above is not None and above.key in closed:
        above = organisation.named(above.parent, day)
    return above.name if above is not None else ""
