"""The office of the made-up city: each day its people do what is due in their cases.

Every appeal that falls due before the end is accepted within days, so that none is overdue where
people work. One case in so many is taken through the whole procedure, or answered, by all who have
a part in it and through the public RPCs. A slow unit lets its cases lie. Who does what on which day
follows from the seed and the petition alone.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
from heed.common.v1 import matter_pb2
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1.disposal_service_pb2_grpc import DisposalServiceStub
from heed.disposal.v1.resources_pb2 import Case

from heed_local.demo.acts import Acts
from heed_local.demo.source import SlowUnit
from heed_local.launcher import Suite

WHOLE_LIFE_EVERY: Final = 32
"""One case in so many is taken through the whole procedure."""
ROUTING_TIME: Final = timedelta(days=15)
"""What arrives so shortly before the end falls due after it, and is left to the days to come."""
AT_ONCE: Final = 6
"""Cases that are worked on at the same time."""
PAGE: Final = 100
URGENT: Final = (matter_pb2.URGENCY_U0, matter_pb2.URGENCY_U1)

Act = Callable[[Case], Awaitable[Case]]
Plan = dict[date, list[tuple[str, list[Act]]]]
"""What is due on a day: a case's name with its acts, in order."""


class Office:
    """The people of the office; `done` counts their acts by the words of the office."""

    def __init__(self, suite: Suite, seed: int, slow: Sequence[SlowUnit], last_day: date) -> None:
        self._seed, self._slow, self._last_day = seed, slow, last_day
        self._cases = DisposalServiceStub(suite.channel("disposal", "officer"))
        self._acts = Acts(suite)
        self._plan: Plan = defaultdict(list)
        self._known: set[str] = set()
        self._seen: dict[str, Case] = {}
        self.sampled = 0
        self.left_lying = 0

    @property
    def done(self) -> Counter[str]:
        """How often each act was done."""
        return self._acts.done

    async def work(self, day: date, keys: Mapping[str, str]) -> None:
        """Look at the cases that are new, and do what is due today.

        Args:
            day: The local day that is about to end.
            keys: The external id of each petition registered today, by its name; what is not among
                them is left alone.
        """
        for case in await self._opened():
            petition = case.matter.rsplit("/matters/", 1)[0]
            if case.track == Case.TRACK_WARNING or petition in keys:
                self._seen[case.name] = case
                self._planned(case, day, keys.get(petition, case.region_code + case.category_code))
        limit = asyncio.Semaphore(AT_ONCE)

        async def handle(name: str, acts: list[Act]) -> None:
            async with limit:
                for act in acts:
                    self._seen[name] = await act(self._seen[name])

        await asyncio.gather(*(handle(name, acts) for name, acts in self._plan.pop(day, [])))

    async def _opened(self) -> list[Case]:
        """Return the cases that nobody has looked at yet, the latest first page by page."""
        found: list[Case] = []
        request = pb.ListCasesRequest(page_size=PAGE)
        while True:
            page = await self._cases.ListCases(request, timeout=30)
            new = [case for case in page.cases if case.name not in self._known]
            found += new
            if len(new) < len(page.cases) or not page.next_page_token:
                self._known |= {case.name for case in found}
                return found
            request.page_token = page.next_page_token

    def _planned(self, case: Case, day: date, key: str) -> None:
        dice = np.random.default_rng([self._seed, zlib.crc32(key.encode())])
        acts = self._acts
        if case.track == Case.TRACK_WARNING:
            self._on(day, case, acts.approve, acts.start)
            self._on(day + _days(dice, 1, 3), case, acts.complete)
        elif case.track == Case.TRACK_APPEAL and self._lies(case):
            self.left_lying += 1
        elif case.urgency in URGENT and case.track == Case.TRACK_APPEAL:
            self._on(day, case, acts.accept)
        elif dice.integers(WHOLE_LIFE_EVERY) == 0:
            self._sampled(case, day, dice)
        elif case.track == Case.TRACK_APPEAL and day + ROUTING_TIME <= self._last_day:
            self._on(day + _days(dice, 1, 3), case, acts.accept)

    def _lies(self, case: Case) -> bool:
        return any(slow.has(case.region_code, case.category_code) for slow in self._slow)

    def _sampled(self, case: Case, day: date, dice: np.random.Generator) -> None:
        self.sampled += 1
        if case.track == Case.TRACK_APPEAL:
            self._whole_life(case, day, dice)
        else:
            self._on(day, case, self._acts.answer)

    def _whole_life(self, case: Case, day: date, dice: np.random.Generator) -> None:
        """Plan a case from its routing to the call-back; the answer takes some two weeks."""
        acts = self._acts
        routed = day + _days(dice, 0, 2)
        accepted = routed + _days(dice, 1, 6)
        answered = accepted + timedelta(days=min(int(dice.lognormal(2.3, 0.7)), 45))
        self._on(routed, case, acts.route)
        self._on(accepted, case, acts.accept, acts.assess, acts.approve, acts.start)
        self._on(answered, case, acts.complete, acts.give_opinion, acts.serve)
        solved = dice.random() < 0.75
        if dice.random() < 0.6:
            grade = int(dice.choice((1, 2, 3), p=(0.5, 0.3, 0.2) if solved else (0.1, 0.2, 0.7)))
            self._on(answered + timedelta(days=2), case, acts.rating(grade))
        called = answered + timedelta(days=15)
        self._on(called, case, acts.call_back(solved=solved), acts.close)

    def _on(self, day: date, case: Case, *acts: Act) -> None:
        self._plan[day].append((case.name, list(acts)))


def _days(dice: np.random.Generator, least: int, most: int) -> timedelta:
    return timedelta(days=int(dice.integers(least, most + 1)))
