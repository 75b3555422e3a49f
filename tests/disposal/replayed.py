"""The petitions of a city replayed through the verbs, beside a plain record of what was done.

The record knows nothing of cases and clocks: days and results only. Figures counted from it in SQL
are what the report has to say.
"""

import csv
import gzip
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from heed_disposal.domain import reviews
from heed_disposal.domain.case import Case
from heed_disposal.domain.clocks import Extension, extend
from heed_disposal.domain.ending import withdraw
from heed_disposal.domain.handling import Routing, close, record_follow_up, route
from heed_disposal.domain.procedure_terms import RatingGrade, ReviewResult, RouteKind
from heed_disposal.domain.terms import Finding, FollowUpResult
from heed_disposal.domain.voices import rate
from heed_shared.clock import local_day
from tests.disposal.builders import (
    HANDLER,
    LEADER,
    OTHER_OFFICER,
    SHANGHAI,
    accepted,
    act,
    answered,
    handbook,
    opened,
    served,
)

SUPERVISOR = replace(OTHER_OFFICER, identity="staff/supervisor", unit="督查室")
NOTICE_DAYS, ANSWER_DAYS, EXTENSION_DAYS = 15, 60, 30


@dataclass
class Lived:
    """What was done about one petition; a day that is None has not come."""

    unit: str
    received: date
    opened: date
    routed: date | None = None
    notified: date | None = None
    notice_cancelled: bool = False
    answer_due: date | None = None
    answer_cancelled: bool = False
    extended: bool = False
    served: date | None = None
    rated: date | None = None
    office: int = 0
    unit_grade: int = 0
    closed: date | None = None
    withdrawn: bool = False
    asked: date | None = None
    found: int = 0
    review_requested: date | None = None
    review_issued: date | None = None
    review_result: int = 0
    ended: bool = False


Replayed = tuple[Case, Lived]


def replay(
    folder: Path | None, most: int | None = None, seed: int = 7, end: date = date(2020, 3, 1)
) -> Iterator[Replayed]:
    """Yield each petition's case as it stands on the last day, and what was done.

    Without a folder of real data the arrivals and delays are made up.
    """
    dice = random.Random(seed)
    arrivals, delays = _made_up(dice) if folder is None else _real(folder)
    arrivals = sorted(dice.sample(arrivals, most)) if most else arrivals
    for number, (moment, area) in enumerate(arrivals, start=1):
        yield _Handling(number, moment, area or "市局", dice, end).run(dice.choice(delays))


def _real(folder: Path) -> tuple[list[tuple[datetime, str]], Sequence[int]]:
    with gzip.open(folder / "petitions/stream_one_city.csv.gz", "rt", encoding="utf-8") as file:
        arrivals = [(_moment(row["time"]), row["area"]) for row in csv.DictReader(file)]
    with gzip.open(folder / "petitions/reply_times.csv.gz", "rt", encoding="utf-8") as file:
        return arrivals, [int(float(row["days_to_reply"])) for row in csv.DictReader(file)]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def _made_up(dice: random.Random) -> tuple[list[tuple[datetime, str]], Sequence[int]]:
    first = datetime(2019, 1, 2, 9, tzinfo=SHANGHAI).astimezone(UTC)
    arrivals = [
        (first + timedelta(hours=dice.randrange(24 * 365)), dice.choice(("甲区", "乙县", "")))
        for _ in range(400)
    ]
    return arrivals, (1, 5, 8, 12, 20, 40, 62, 70, 95, 130)


class _Handling:
    """One petition on its way; every step happens only if its day has come."""

    def __init__(
        self, number: int, received: datetime, area: str, dice: random.Random, end: date
    ) -> None:
        self.dice, self.end, self.received = dice, end, received
        category = f"{1 + number % 17:02}"
        self.case = opened(received, number=number, received_at=received, category_code=category)
        day = local_day(received)
        self.lived = Lived("", day, day)
        self.unit = f"{area}住建局"

    def run(self, days: int) -> Replayed:
        """Do what is done until the last day; ``days`` is how long the answer took."""
        routed_after = min(self.dice.choice((0, 1, 3, 9, 16)), days)
        notified_after = min(routed_after + self.dice.choice((0, 2, 10, 17)), days)
        gives_up = self.dice.random() < 0.05
        if self._route(routed_after) and not (gives_up and self._withdraw(routed_after)):
            notified = self._notify(notified_after)
            if notified and self._answer(days):
                self._afterwards(days)
        return self.case, self.lived

    def _on(self, days: int) -> datetime | None:
        moment = self.received + timedelta(days=days)
        return moment if local_day(moment) <= self.end else None

    def _route(self, days: int) -> bool:
        now = self._on(days)
        if now is not None:
            sent = Routing(self.unit, RouteKind.TRANSFER, None)
            self.case = route(self.case, sent, act(now=now), handbook())
            self.lived.unit, self.lived.routed = self.unit, local_day(now)
        return now is not None

    def _withdraw(self, days: int) -> bool:
        now = self._on(days)
        if now is not None:
            self.case = withdraw(self.case, now)
            lived = self.lived
            lived.withdrawn = lived.ended = lived.notice_cancelled = True
            lived.closed = local_day(now)
        return now is not None

    def _notify(self, days: int) -> bool:
        now = self._on(days)
        if now is None:
            return False
        self.case = accepted(self.case, now)
        lived = self.lived
        lived.notified = local_day(now)
        routed = lived.routed or lived.received
        lived.answer_due = routed + timedelta(days=ANSWER_DAYS)
        if self.dice.random() < 0.1:
            asked = Extension("D05", EXTENSION_DAYS, "需委托鉴定", LEADER)
            self.case = extend(self.case, asked, act(HANDLER, now), handbook())
            lived.extended = True
            lived.answer_due += timedelta(days=EXTENSION_DAYS)
        return True

    def _answer(self, days: int) -> bool:
        now = self._on(days)
        if now is not None:
            self.case = served(answered(self.case, now), now)
            self.lived.served = local_day(now)
        return now is not None

    def _afterwards(self, days: int) -> None:
        """Ratings, a review or the closing, and the call-back."""
        lived, dice = self.lived, self.dice
        if dice.random() < 0.6 and (now := self._on(days + 2)):
            lived.office, lived.unit_grade = dice.choice(((1, 1), (2, 3), (0, 3), (1, 0)))
            grades = RatingGrade(lived.office), RatingGrade(lived.unit_grade)
            self.case = rate(self.case, *grades, "", act(OTHER_OFFICER, now))
            lived.rated = local_day(now)
        reviewed = dice.random() < 0.15 and self._review(days)
        if not reviewed and (now := self._on(days + 5)):
            self.case = close(self.case, "已送达", Finding.UNSPECIFIED, act(OTHER_OFFICER, now))
            lived.closed, lived.ended = local_day(now), True
        if not reviewed and (now := self._on(days + 20)):
            result = FollowUpResult(dice.choice((1, 1, 2, 3, 6, 7)))
            number = next(f.number for f in self.case.follow_ups if not f.result)
            who = act(SUPERVISOR, now)
            self.case = record_follow_up(self.case, number, result, "", who, handbook())
            lived.asked, lived.found = local_day(now), int(result)

    def _review(self, days: int) -> bool:
        now = self._on(days + 4)
        if now is None:
            return False
        asked = reviews.Request("市复查机构", "与事实不符", local_day(now), "")
        self.case = reviews.request(reviews.REVIEW, self.case, asked, act(now=now), handbook())
        self.lived.review_requested = local_day(now)
        if issued := self._on(days + 24):
            result = ReviewResult(self.dice.choice((1, 1, 2)))
            finding = reviews.Finding(result, "经复查", "条例")
            reader = act(LEADER, issued)
            self.case = reviews.issue(reviews.REVIEW, self.case, finding, reader, handbook())
            self.lived.review_issued = local_day(issued)
            self.lived.review_result = int(result)
        return True


def columns() -> dict[str, str]:
    """The columns of the record and their types in the database."""
    kinds = {"str": "text", "int": "int", "bool": "bool", "date": "date", "date | None": "date"}
    return {field.name: kinds[_name(field.type)] for field in fields(Lived)}


def _name(kind: object) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("datetime.", "")


_IN = "BETWEEN :from_day AND :to_day"


def _share(numerator: str, denominator: str) -> str:
    counted = f"count(*) FILTER (WHERE {denominator}"
    return f"{counted} AND {numerator}), {counted})"


_ANSWER_DUE = f"answer_due {_IN} AND NOT answer_cancelled"
_NOTICE_DUE = f"routed + {NOTICE_DAYS} {_IN} AND NOT notice_cancelled"
RECOMPUTED = {
    "timely_acceptance": _share(f"notified <= routed + {NOTICE_DAYS}", _NOTICE_DUE),
    "timely_answer": _share("served <= answer_due", _ANSWER_DUE),
    "extended_share": _share("extended", _ANSWER_DUE),
    "days_to_acceptance": f"coalesce(sum(notified - received) FILTER (WHERE notified {_IN}), 0),"
    f" count(*) FILTER (WHERE notified {_IN})",
    "days_to_reply": f"coalesce(sum(served - received) FILTER (WHERE served {_IN}), 0),"
    f" count(*) FILTER (WHERE served {_IN})",
    "participation": _share("rated IS NOT NULL", f"served {_IN}"),
    "satisfaction_office": _share("office IN (1, 2)", f"rated {_IN} AND office > 0"),
    "satisfaction_unit": _share("unit_grade IN (1, 2)", f"rated {_IN} AND unit_grade > 0"),
    "first_time_solved": _share("found = 1", f"closed {_IN} AND NOT withdrawn"),
    "reopened_share": _share("false", f"closed {_IN} AND NOT withdrawn"),
    "solved_share": _share("found = 1", f"asked {_IN} AND found NOT IN (6, 7)"),
    "contact_rate": _share("found <> 6", f"asked {_IN}"),
    "review_overturned": _share("review_result IN (2, 3)", f"review_issued {_IN}"),
    "open_overdue": _share(
        f"(served IS NULL AND coalesce(answer_due < :today, false)"
        f" OR notified IS NULL AND coalesce(routed + {NOTICE_DAYS} < :today, false)"
        " OR routed IS NULL AND received + 15 < :today"
        " OR review_requested + 30 < :today AND review_issued IS NULL)",
        "NOT ended",
    ),
}
"""Numerator and denominator by code, from the record alone."""
