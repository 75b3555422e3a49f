"""The clocks of the sealed lane: D14, D14R and D15, in working days on the business clock.

D15 asks to send on within five working days what belongs to a higher organ. Only a person can tell
whether it does, so that clock runs from the receipt until somebody takes the petition up or sends
it on. D14 asks to tell a named accuser of the acceptance, D14R of the result; nobody can tell an
accuser whom nobody knows.
"""

from dataclasses import dataclass
from datetime import datetime

from heed_intake.domain.sealed_case import SealedDue, SealedState
from heed_shared.clock import local_day
from heed_shared.reference.calendar import Calendar
from heed_shared.reference.deadline_rules import RuleBook
from heed_shared.reference.deadlines import due

TELL_ACCEPTANCE, TELL_RESULT, SEND_ON = "D14", "D14R", "D15"
RULES = (TELL_ACCEPTANCE, TELL_RESULT, SEND_ON)
_WAITING = (SealedState.SEALED, SealedState.WITHDRAWN)


@dataclass(frozen=True)
class SealedClocks:
    """The rules in force, and the calendar that they are counted on."""

    rules: RuleBook
    calendar: Calendar

    def running(
        self,
        state: SealedState,
        reached_lane_at: datetime,
        closed_at: datetime | None,
        *,
        named: bool,
    ) -> SealedDue | None:
        """Return what is due first in a state, or None."""
        if state in _WAITING:
            codes = (SEND_ON, TELL_ACCEPTANCE) if named else (SEND_ON,)
            return min((self._due(code, reached_lane_at) for code in codes), key=_moment)
        if state is SealedState.CLOSED and named and closed_at is not None:
            return self._due(TELL_RESULT, closed_at)
        return None

    def _due(self, code: str, started_at: datetime) -> SealedDue:
        rule = self.rules.on(code, local_day(started_at))
        return SealedDue(code, rule.title, due(rule, started_at, self.calendar).last_moment())


def _moment(item: SealedDue) -> datetime:
    return item.due_at
