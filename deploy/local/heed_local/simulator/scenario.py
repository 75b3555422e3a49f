"""A run of days in the made-up city: its petitions, its counts and the incidents planted in it.

Everything follows from the seed. Each day has random numbers of its own, so a day's petitions do
not depend on which other days were asked for, and the counts of history are drawn by the very rates
that the live days follow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import numpy as np
from heed.common.v1 import matter_pb2

from heed_local.simulator.city import City, District
from heed_local.simulator.incidents import Incident, plan_incidents
from heed_local.simulator.petitioners import bucket_of, draw_people, draw_petitioner
from heed_local.simulator.rates import CATEGORIES, Rates
from heed_local.simulator.situations import Situation, category_situations, incident_situations
from heed_local.simulator.slots import Slots
from heed_local.simulator.voice import Story, draw_channel, tell
from heed_shared.clock import SHANGHAI

_STORY, _TELLING, _REPEAT, _SLOTS = 5, 6, 7, 8  # streams of random numbers
_REPEATED, _LONGEST_WAIT = 0.08, 25
_ANONYMOUS, _ANONYMOUS_ACCUSERS, _ANONYMOUS_IN_INCIDENTS = 0.22, 0.6, 0.12

# Slots that name the place of a problem, the most telling first.
_PLACES = (
    "project",
    "factory",
    "school",
    "kindergarten",
    "hospital",
    "shop",
    "club",
    "market",
    "estate",
    "village",
    "road",
    "street",
)

# Hour of the local day -> how much is received in it.
_HOURS = np.array(
    [1, 1, 0, 0, 0, 1, 3, 7, 18, 24, 22, 16, 10, 12, 18, 18, 15, 11, 8, 9, 10, 8, 5, 2]
)


@dataclass(frozen=True)
class Truth:
    """What is true of a simulated petition, for holding the suite's answers against.

    Attributes:
        category_code: First-level category.
        topic_code: Second-level category.
        nature: Nature of the matter (value of the contract's enum).
        urgency: Urgency of the matter (value of the contract's enum).
        incident_key: Planted incident that it belongs to, or None.
        repeat_of: external_id of the petition of the same person on the same matter, or None.
        template: The sentence that the text is built on.
    """

    category_code: str
    topic_code: str
    nature: "matter_pb2.Nature.ValueType"
    urgency: "matter_pb2.Urgency.ValueType"
    incident_key: str | None
    repeat_of: str | None
    template: str


@dataclass(frozen=True)
class SimulatedPetition:
    """A petition as it reaches the office, with the truth about it."""

    external_id: str
    received_at: datetime
    region_code: str
    channel: "matter_pb2.Channel.ValueType"
    request: str
    facts: str
    reasons: str
    place: str
    petitioner_name: str | None
    petitioner_contact: str | None
    people_bucket: "matter_pb2.PeopleBucket.ValueType"
    declared_nature: "matter_pb2.Nature.ValueType"
    truth: Truth


@dataclass(frozen=True)
class _Entry:
    """One petition before it is told: its cell, its place in the cell's day, its incident."""

    day: date
    row: int
    column: int
    number: int
    appeal: bool
    incident: Incident | None = None

    @property
    def external_id(self) -> str:
        """Number of the petition in the sender's books."""
        source = f"{self.row + 1}{CATEGORIES[self.column]}"
        kind = self.incident.key.rpartition("-")[2] + "x" if self.incident else ""
        kind += "a" if self.appeal else "b"
        return f"sim-{self.day:%Y%m%d}-{source}{kind}{self.number:02}"

    def seed(self, seed: int, stream: int) -> list[int]:
        """Return the seed of this petition's own random numbers."""
        incident = sum(self.incident.key.encode()) if self.incident else 0
        place = (self.row * len(CATEGORIES) + self.column) * 2 + self.appeal
        return [seed, stream, self.day.toordinal(), place, self.number, incident]


class Scenario:
    """The petitions of `days` days from `start`, and the counts of any days before."""

    def __init__(
        self,
        seed: int,
        start: date,
        days: int,
        city: City | None = None,
        incidents: Sequence[Incident] | None = None,
    ) -> None:
        if seed < 0 or days < 1:
            raise ValueError("the seed cannot be negative, and a scenario has at least one day")
        self.city = city or City()
        self.start, self.days = start, days
        self._seed = seed
        self._rates = Rates(self.city, seed)
        planned = plan_incidents(self.city, self._rates, seed, start, days)
        self.incidents: tuple[Incident, ...] = planned if incidents is None else tuple(incidents)

    def petitions(self, day: date) -> list[SimulatedPetition]:
        """Return the petitions received on a local day, in time order."""
        petitions = [self._petition(entry) for entry in self._entries(day)]
        return sorted(petitions, key=lambda item: (item.received_at, item.external_id))

    def history_counts(self, first: date, last: date) -> Iterator[tuple[date, str, str, int]]:
        """Yield day, region, first-level category and number of appeals and requests.

        These are what the suite counts as items: other natures are never observations. Cells
        without any are left out.
        """
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            counts = self._rates.counts(day).appeals.copy()
            for incident in self.incidents:
                counts[self._cell(incident)] += incident.daily.get(day, 0)
            for row, column in np.argwhere(counts):
                district = self.city.districts[row]
                yield day, district.code, CATEGORIES[column], int(counts[row, column])

    def _entries(self, day: date) -> Iterator[_Entry]:
        counts = self._rates.counts(day)
        for numbers, appeal in ((counts.appeals, True), (counts.others, False)):
            for row, column in np.argwhere(numbers):
                for number in range(int(numbers[row, column])):
                    yield _Entry(day, int(row), int(column), number, appeal=appeal)
        for incident in self.incidents:
            row, column = self._cell(incident)
            for number in range(incident.daily.get(day, 0)):
                yield _Entry(day, row, column, number, appeal=True, incident=incident)

    def _cell(self, incident: Incident) -> tuple[int, int]:
        return self._rates.cell(incident.region_code, incident.category_code)

    def _petition(self, entry: _Entry) -> SimulatedPetition:
        random = np.random.default_rng(entry.seed(self._seed, _TELLING))
        origin = self._origin(entry)
        story = self._story(origin or entry)
        channel = draw_channel(random)
        telling = tell(story, channel, random, again=origin is not None)
        situation = story.situation
        return SimulatedPetition(
            external_id=entry.external_id,
            received_at=_moment(entry.day, random),
            region_code=self.city.districts[entry.row].code,
            channel=matter_pb2.Channel.Value(channel),
            request=telling.request,
            facts=telling.facts,
            reasons=telling.reasons,
            place=_place(story, self.city.districts[entry.row]),
            petitioner_name=story.petitioner.name,
            petitioner_contact=story.petitioner.contact,
            people_bucket=bucket_of(story.people),
            declared_nature=_declared(situation.nature, random),
            truth=Truth(
                category_code=situation.category_code,
                topic_code=situation.topic_code,
                nature=situation.nature,
                urgency=situation.urgency,
                incident_key=entry.incident.key if entry.incident else None,
                repeat_of=origin.external_id if origin else None,
                template=telling.template,
            ),
        )

    def _origin(self, entry: _Entry) -> _Entry | None:
        """Return the earlier petition of the live days that this one repeats, if it does."""
        if not entry.appeal or entry.incident:
            return None
        random = np.random.default_rng(entry.seed(self._seed, _REPEAT))
        day = entry.day - timedelta(days=int(random.integers(3, _LONGEST_WAIT + 1)))
        if random.random() >= _REPEATED or day < self.start:
            return None
        there = int(self._rates.counts(day).appeals[entry.row, entry.column])
        if not there:
            return None
        origin = replace(entry, day=day, number=int(random.integers(there)))
        return self._origin(origin) or origin

    def _story(self, entry: _Entry) -> Story:
        random = np.random.default_rng(entry.seed(self._seed, _STORY))
        district = self.city.districts[entry.row]
        if entry.incident:
            situation = incident_situations()[entry.incident.kind]
            places = dict(entry.incident.places)
            anonymous = _ANONYMOUS_IN_INCIDENTS
        else:
            situation = _draw_situation(entry, district, random)
            places = {}
            accusation = situation.nature == matter_pb2.NATURE_ACCUSATION
            anonymous = _ANONYMOUS_ACCUSERS if accusation else _ANONYMOUS
        petitioner = draw_petitioner(random, anonymous)
        people = draw_people(random, situation.joint)
        fixed = places | petitioner.slots | {"people": str(people)}
        slots = Slots(entry.seed(self._seed, _SLOTS), district, entry.day, fixed)
        return Story(situation, slots, petitioner, people)


def _draw_situation(entry: _Entry, district: District, random: np.random.Generator) -> Situation:
    """Return a situation of the cell that fits the season and the kind of place."""
    area = "rural" if random.random() < district.rural else "urban"
    of_nature = [
        item
        for item in category_situations()[CATEGORIES[entry.column]]
        if (item.nature == matter_pb2.NATURE_APPEAL_REQUEST) == entry.appeal
    ]
    in_season = [item for item in of_nature if entry.day.month in item.months] or of_nature
    fitting = [item for item in in_season if item.area in {"", area}] or in_season
    weights = np.array([item.weight for item in fitting])
    return fitting[int(random.choice(len(fitting), p=weights / weights.sum()))]


def _moment(day: date, random: np.random.Generator) -> datetime:
    hour = int(random.choice(len(_HOURS), p=_HOURS / _HOURS.sum()))
    minute, second = random.integers(60, size=2)
    return datetime.combine(day, time(hour, int(minute), int(second)), tzinfo=SHANGHAI)


def _place(story: Story, district: District) -> str:
    """Return where the problem is, as far as the story named a place."""
    where = next(filter(None, map(story.slots.get, _PLACES)), "")
    building = story.slots.get("bldg") if where == story.slots.get("estate") else ""
    return district.title + where + building


def _declared(
    nature: "matter_pb2.Nature.ValueType", random: np.random.Generator
) -> "matter_pb2.Nature.ValueType":
    """Return what the petitioner ticked: mostly nothing, mostly right where anything."""
    draw = random.random()
    if draw < 0.62:
        return matter_pb2.NATURE_UNSPECIFIED
    return nature if draw < 0.95 else matter_pb2.NATURE_APPEAL_REQUEST
