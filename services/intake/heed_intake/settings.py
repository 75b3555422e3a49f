"""Settings of intake, beyond those that every service has."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from heed_intake.adapters.key_ring import KeyRing, KeyRingError
from heed_intake.adapters.organisation_file import load_organisation
from heed_intake.adapters.screening_file import ScreeningFileError, load_screening_rules
from heed_intake.domain.screening import ScreeningRules
from heed_intake.domain.sealed_clocks import RULES
from heed_shared.reference.calendar import Calendar
from heed_shared.reference.deadline_rules import RuleFileError, load_rules
from heed_shared.reference.mounted_table import BadTableError
from heed_shared.reference.regions import Regions
from heed_shared.settings import ServiceSettings, key_file, setting


def _key_ring(text: str) -> KeyRing:
    try:
        return KeyRing.load(Path(text))
    except KeyRingError as error:
        raise ValueError(str(error)) from error


def _rules(text: str) -> ScreeningRules:
    try:
        return load_screening_rules(Path(text))
    except ScreeningFileError as error:
        raise ValueError(str(error)) from error


@dataclass(frozen=True, kw_only=True)
class IntakeSettings(ServiceSettings):
    """What intake is told from outside."""

    sealed_database_url: str = setting("HEED_SEALED_DATABASE_URL", secret=True)
    """The same database with the role of the sealed lane."""
    key_ring: KeyRing = setting("HEED_KEY_RING", secret=True, parse=_key_ring)
    """Wrapping keys of the ordinary lane: JSON with ``current`` and ``keys``, from a file."""
    sealed_key_ring: KeyRing = setting("HEED_SEALED_KEY_RING", secret=True, parse=_key_ring)
    """Wrapping keys of the sealed lane; other keys than the ordinary ones."""
    query_code_key: bytes = setting("HEED_QUERY_CODE_KEY", secret=True, parse=key_file)
    """Key of the hashes of query codes and request payloads, from a file."""
    accusation_rules: ScreeningRules | None = setting(
        "HEED_ACCUSATION_RULES", default=None, parse=_rules
    )
    """Screening rules that replace the shipped ones, from a TOML file."""
    organisation: Path | None = setting("HEED_ORGANISATION", default=None)
    """Organisation table of the routing guard, from a CSV file; without it nothing is forwarded."""
    deadline_rules: Path | None = setting("HEED_DEADLINE_RULES", default=None)
    """Deadline rules that replace the shipped ones, from a TOML file."""
    holidays: Path | None = setting("HEED_HOLIDAYS", default=None)
    """Holiday notices that the calendar does not know yet, from a CSV file."""
    sealed_pool_size: int = setting("HEED_SEALED_POOL_SIZE", default=4)
    """Database connections for the sealed lane."""

    reveals_per_hour: int = setting("HEED_REVEALS_PER_HOUR", default=60)
    """Looks at contacts that one caller has within an hour, at each replica."""
    contact_retention_days: int = setting("HEED_CONTACT_RETENTION_DAYS", default=0)
    """Days after the end of the handling after which contacts are erased; 0 keeps them."""
    consultation_retention_days: int = setting("HEED_CONSULTATION_RETENTION_DAYS", default=0)
    """Days after which a talk from which no petition came is deleted; 0 keeps it."""

    def problems(self) -> list[str]:
        """Say what is wrong across fields."""
        found = super().problems()
        if self.key_ring.shares_a_key_with(self.sealed_key_ring):
            found.append("HEED_SEALED_KEY_RING: must not share a key with HEED_KEY_RING")
        if self.sealed_database_url == self.database_url:
            found.append("HEED_SEALED_DATABASE_URL: must name the role of the sealed lane")
        if self.reveals_per_hour < 1:
            found.append("HEED_REVEALS_PER_HOUR: must be at least 1")
        if self.contact_retention_days < 0:
            found.append("HEED_CONTACT_RETENTION_DAYS: must not be negative")
        if self.consultation_retention_days < 0:
            found.append("HEED_CONSULTATION_RETENTION_DAYS: must not be negative")
        if self.sealed_pool_size < 1:
            found.append("HEED_SEALED_POOL_SIZE: must be at least 1")
        # A wrong table or rule must stop the start, not the first petition that needs it.
        for name, load in self._mounted().items():
            try:
                load()
            except (BadTableError, RuleFileError) as error:
                found.append(f"{name}: {error}")
        return found

    def _mounted(self) -> dict[str, Callable[[], object]]:
        """Return how each mounted file of the sealed lane is read."""
        table, rules = self.organisation, self.deadline_rules
        files: dict[str, Callable[[], object]] = {
            "HEED_DEADLINE_RULES": lambda: load_rules(rules, RULES),
            "HEED_HOLIDAYS": lambda: Calendar.load(self.holidays),
        }
        if table is not None:
            files["HEED_ORGANISATION"] = lambda: load_organisation(
                table, Regions.load(self.regions)
            )
        return files
