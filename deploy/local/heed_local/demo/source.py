"""Where a demonstration's petitions come from: the simulated city, or a user's file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp
from heed.common.v1 import matter_pb2
from heed.intake.v1 import resources_pb2

from heed_local.importing.areas import Areas
from heed_local.importing.reader import RejectedRow, Row, read_rows
from heed_local.simulator.city import City
from heed_local.simulator.scenario import Scenario, SimulatedPetition
from heed_shared.clock import local_day
from heed_shared.reference.regions import Regions

# How the region that holds all areas of a user's file is called: this city.
OWN_CITY = "本市"


@dataclass(frozen=True)
class Truth:
    """What the simulator knows of a petition; `incident_key` is empty for everyday ones."""

    category_code: str
    incident_key: str


@dataclass(frozen=True)
class Arrival:
    """A petition on its way to intake.

    `line` is its line in a user's file, 0 elsewhere; only simulated ones have a known `truth`.
    """

    key: str
    line: int
    submission: resources_pb2.PetitionSubmission
    truth: Truth | None = None


@dataclass(frozen=True)
class Planted:
    """An incident that the simulator planted: what the warnings are held against."""

    key: str
    title: str
    size: str
    region_code: str
    category_code: str
    first_day: date
    peak_day: date
    last_day: date
    count: int


@dataclass(frozen=True)
class SlowUnit:
    """A unit of the made-up city that lets its cases lie: where, and competent for what."""

    title: str
    region_code: str
    category_code: str

    def has(self, region_code: str, category_code: str) -> bool:
        """Whether it is the unit of a place and category."""
        return (region_code, category_code) == (self.region_code, self.category_code)


SLOW_UNIT = SlowUnit("桐浦区城乡建设部门", "9H0102", "01")


class Source(Protocol):
    """A stream of petitions by local day. Only a simulated one has an office and slow units."""

    title: str
    days: list[date]
    planted: list[Planted]
    slow_units: list[SlowUnit]
    rejected: list[RejectedRow]

    def arrivals(self, day: date) -> list[Arrival]:
        """Returns the petitions received on a day, in time order."""
        ...

    def history(self) -> Iterator[tuple[date, str, str, int]]:
        """Yields day, region, category and count of the time before the first day."""
        ...

    def write_regions(self, path: Path) -> None:
        """Writes the region table that the services mount."""
        ...


class SimulatedSource:
    """The made-up city: a year of counts as history, then live days with texts."""

    def __init__(self, seed: int, *, start: date, live_days: int, history_days: int) -> None:
        self._city = City()
        self._scenario = Scenario(seed=seed, start=start, days=live_days, city=self._city)
        self._history = (start - timedelta(days=history_days), start - timedelta(days=1))
        self.title = self._city.title
        self.days = [start + timedelta(days=n) for n in range(live_days)]
        self.rejected: list[RejectedRow] = []
        self.slow_units = [SLOW_UNIT]
        self.planted = [
            Planted(
                key=incident.key,
                title=incident.title,
                size=incident.size,
                region_code=incident.region_code,
                category_code=incident.category_code,
                first_day=incident.first_day,
                peak_day=incident.peak_day,
                last_day=incident.last_day,
                count=incident.count,
            )
            for incident in self._scenario.incidents
        ]

    def arrivals(self, day: date) -> list[Arrival]:
        """Returns the simulated petitions of a day."""
        return [
            Arrival(
                key=petition.external_id,
                line=0,
                submission=_submission(petition),
                truth=Truth(petition.truth.category_code, petition.truth.incident_key or ""),
            )
            for petition in self._scenario.petitions(day)
        ]

    def history(self) -> Iterator[tuple[date, str, str, int]]:
        """Yields the counts of the year before."""
        yield from self._scenario.history_counts(*self._history)

    def write_regions(self, path: Path) -> None:
        """Writes the made-up city's regions."""
        self._city.write_regions(path)


class FileSource:
    """A user's own file, replayed by the day of receipt. It has no history and no known truth."""

    def __init__(self, path: Path, named: Mapping[str, str] | None = None) -> None:
        self.title = path.name
        self.planted: list[Planted] = []
        self.slow_units: list[SlowUnit] = []
        self.rejected: list[RejectedRow] = []
        self._areas = Areas(Regions.load(None), OWN_CITY)
        self._by_day: dict[date, list[Row]] = defaultdict(list)
        for row in read_rows(path, named):
            if isinstance(row, RejectedRow):
                self.rejected.append(row)
            else:
                self._areas.code_of(row.area)
                self._by_day[local_day(row.received_at)].append(row)
        if not self._by_day:
            raise ValueError(f"{path.name}: no row could be taken; see the reasons above")
        first, last = min(self._by_day), max(self._by_day)
        self.days = [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def arrivals(self, day: date) -> list[Arrival]:
        """Returns the file's petitions of a day, in time order."""
        rows = sorted(self._by_day.get(day, []), key=lambda row: row.received_at)
        return [
            Arrival(
                key=row.external_id or f"line-{row.line}",
                line=row.line,
                submission=resources_pb2.PetitionSubmission(
                    region_code=self._areas.code_of(row.area),
                    channel=matter_pb2.CHANNEL_WEB,
                    received_at=_timestamp(row.received_at),
                    request=row.request,
                    facts=row.facts,
                    external_id=row.external_id,
                ),
            )
            for row in rows
        ]

    def history(self) -> Iterator[tuple[date, str, str, int]]:
        """Yields nothing: a user's file brings its own past along."""
        return iter(())

    def write_regions(self, path: Path) -> None:
        """Writes the regions made of the file's areas."""
        self._areas.write_table(path)


def _submission(petition: SimulatedPetition) -> resources_pb2.PetitionSubmission:
    submission = resources_pb2.PetitionSubmission(
        region_code=petition.region_code,
        channel=petition.channel,
        received_at=_timestamp(petition.received_at),
        request=petition.request,
        facts=petition.facts,
        reasons=petition.reasons,
        place=petition.place,
        people_bucket=petition.people_bucket,
        declared_nature=petition.declared_nature,
        external_id=petition.external_id,
    )
    if petition.petitioner_name:
        submission.petitioner.display_name = petition.petitioner_name
        submission.petitioner.contact = petition.petitioner_contact or ""
    return submission


def _timestamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
