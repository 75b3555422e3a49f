"""Cases, facts and persons with sensible defaults, for tests of disposal."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from heed_disposal.adapters.reference_files import load_handbook
from heed_disposal.domain.approval import Act
from heed_disposal.domain.assessment import Growth
from heed_disposal.domain.case import Case
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.handling import Answer, Routing, accept, issue_opinion, route
from heed_disposal.domain.measure_details import SiteVisit
from heed_disposal.domain.opening import (
    MatterFacts,
    Opening,
    WarningFacts,
    open_from_matter,
    open_from_warning,
)
from heed_disposal.domain.procedure import Delivery, serve
from heed_disposal.domain.procedure_terms import RouteKind, ServiceMethod
from heed_disposal.domain.terms import Actor, Level, Nature, Outcome, People, Role, Urgency
from heed_shared.clock import local_day
from heed_shared.ids import new_uid

SHANGHAI = ZoneInfo("Asia/Shanghai")
REGION = "110101"
MONDAY = datetime(2026, 9, 21, 10, tzinfo=SHANGHAI).astimezone(UTC)
OFFICER = Actor("staff/officer", "王某", "信访局")
OTHER_OFFICER = Actor("staff/second-officer", "李某", "信访局")
HANDLER = Actor("staff/handler", "张某", "住建局")
LEADER = Actor("staff/leader", "赵某", "信访局")
UNIT = "住建局"


@cache
def handbook() -> Handbook:
    """The shipped rules, playbooks and calendar."""
    return load_handbook()


def at(day: str, hour: int = 10) -> datetime:
    """A moment on a local day."""
    local = datetime.fromisoformat(day).replace(hour=hour, tzinfo=SHANGHAI)
    return local.astimezone(UTC)


def petition(number: int = 1, region: str = REGION) -> str:
    """A petition name."""
    return f"petitions/{region}-{UUID(int=(0x0199 << 112) | (7 << 76) | (2 << 62) | number)}"


def facts(number: int = 1, **changes: Any) -> MatterFacts:
    """An ordinary appeal about a housing matter."""
    name = petition(number, changes.pop("region", REGION))
    built = MatterFacts(
        matter=f"{name}/matters/1",
        petition=name,
        region_code=name.removeprefix("petitions/")[:6],
        category_code="01",
        title="交房两年仍未办下房产证",
        received_at=MONDAY,
        nature=Nature.APPEAL_REQUEST,
        urgency=Urgency.U2,
        people=People.ONE,
        proposed_unit=UNIT,
    )
    return replace(built, **changes)


def opened(now: datetime = MONDAY, growth: Growth | None = None, **changes: Any) -> Case:
    """A case just opened from a matter."""
    told = facts(**changes)
    opening = Opening(told.region_code, new_uid(now), now)
    case = open_from_matter(told, growth or Growth(), opening, handbook())
    return replace(case, steps=())


def warned(level: Level = Level.YELLOW, now: datetime = MONDAY) -> Case:
    """A case just opened from a warning."""
    told = warning_facts(level, now)
    case = open_from_warning(told, Opening(REGION, new_uid(now), now), handbook())
    return replace(case, steps=())


def warning_facts(level: Level = Level.YELLOW, now: datetime = MONDAY) -> WarningFacts:
    """A warning on housing matters of the district."""
    return WarningFacts(
        warning=petition().replace("petitions/", "warnings/"),
        region_code=REGION,
        category_code="01",
        title="东城区城乡建设预警处置",
        level=level,
        observed_count=24,
        raised_at=now,
    )


def act(actor: Actor = OFFICER, now: datetime = MONDAY) -> Act:
    """Somebody acts, a leader for the whole country."""
    role = Role.LEADER if actor == LEADER else Role.CASE_OFFICER
    return Act(actor, now, frozenset({role}))


def routed(case: Case | None = None, now: datetime = MONDAY) -> Case:
    """A case that was transferred to a unit."""
    routing = Routing(UNIT, RouteKind.TRANSFER, None)
    return route(case or opened(), routing, act(now=now), handbook())


def accepted(case: Case | None = None, now: datetime = MONDAY) -> Case:
    """A case that the unit has accepted."""
    return accept(case or routed(now=now), act(HANDLER, now), handbook())


def answered(case: Case | None = None, now: datetime = MONDAY) -> Case:
    """A case whose opinion was issued."""
    answer = Answer(Outcome.SUPPORTED, "予以办理", "不动产登记暂行条例")
    return issue_opinion(case or accepted(now=now), answer, act(HANDLER, now), handbook())


def served(case: Case | None = None, now: datetime = MONDAY) -> Case:
    """A case whose opinion reached the petitioner."""
    delivery = Delivery(ServiceMethod.IN_PERSON, local_day(now), "")
    return serve(case or answered(now=now), delivery, act(HANDLER, now), handbook())


def visit(**changes: Any) -> SiteVisit:
    """A visit of two members of staff to the place of the problem."""
    built = SiteVisit(
        staff=("staff/handler", "staff/inspector"),
        place="某小区三号楼",
        starts_at=at("2026-09-28"),
        enters_private_place=False,
        owner_consented=False,
    )
    return replace(built, **changes)


def clock(case: Case, code: str) -> Any:
    """The latest clock of a code."""
    return [deadline for deadline in case.deadlines if deadline.code == code][-1]
