"""The words of the field as enums, with the numbers of the contract; a test compares them."""

from dataclasses import dataclass
from enum import IntEnum


@dataclass(frozen=True)
class Actor:
    """Who decided something: staff or a service, never a petitioner."""

    identity: str
    display_name: str = ""
    unit: str = ""


SERVICE = Actor("service/disposal")
"""The planner of what the suite proposes by itself."""


class Role(IntEnum):
    """Roles that act on cases."""

    INTAKE_CLERK = 1
    CASE_OFFICER = 2
    UNIT_HANDLER = 3
    LEADER = 4
    SUPERVISOR = 5
    PORTAL = 8
    SERVICE_DISPOSAL = 23


class Nature(IntEnum):
    """Nature (性质) of a matter."""

    UNSPECIFIED = 0
    SUGGESTION = 1
    ACCUSATION = 2
    APPEAL_REQUEST = 3
    ENQUIRY = 4


class Urgency(IntEnum):
    """Urgency (紧急程度) of a matter; a smaller number burns more."""

    UNSPECIFIED = 0
    U0 = 1
    U1 = 2
    U2 = 3
    U3 = 4


class Importance(IntEnum):
    """Importance (重要程度) of a matter."""

    UNSPECIFIED = 0
    ORDINARY = 1
    IMPORTANT = 2
    MAJOR = 3


class People(IntEnum):
    """People bucket (人数档次)."""

    UNSPECIFIED = 0
    ONE = 1
    FROM_2_TO_4 = 2
    FROM_5_TO_10 = 3
    FROM_11_TO_20 = 4
    FROM_21_TO_50 = 5
    FROM_51_TO_100 = 6
    OVER_100 = 7


class Level(IntEnum):
    """Warning and response level (级别), IV to I."""

    UNSPECIFIED = 0
    BLUE = 1
    YELLOW = 2
    ORANGE = 3
    RED = 4


LEVEL_TITLES = {
    Level.BLUE: "IV级(蓝)",
    Level.YELLOW: "III级(黄)",
    Level.ORANGE: "II级(橙)",
    Level.RED: "I级(红)",
}


class Grade(IntEnum):
    """Grade (等级) of one aspect of an assessment."""

    UNSPECIFIED = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Track(IntEnum):
    """Track (办理类别): which procedure a case runs on."""

    APPEAL = 1
    SUGGESTION = 2
    ENQUIRY = 3
    WARNING = 4


class State(IntEnum):
    """State (办理状态) of a case. Concluded is not the same as solved."""

    OPENED = 1
    ROUTED = 2
    OBJECTED = 3
    ACCEPTED = 4
    NOT_ACCEPTED = 5
    NO_LONGER_ACCEPTED = 6
    DIVERTED = 7
    IN_PROGRESS = 8
    OPINION_ISSUED = 9
    SERVED = 10
    REVIEW_REQUESTED = 11
    REVIEW_ISSUED = 12
    RECHECK_REQUESTED = 13
    RECHECK_ISSUED = 14
    CONCLUDED = 15
    ARCHIVED = 16


class DeadlineState(IntEnum):
    """State (状态) of a deadline."""

    RUNNING = 1
    PAUSED = 2
    MET = 3
    MET_LATE = 4
    CANCELLED = 5


class Band(IntEnum):
    """Share of time used (预警档)."""

    UNSPECIFIED = 0
    AMPLE = 1
    NORMAL = 2
    WARN = 3
    SERIOUS = 4
    CRITICAL = 5
    OVERDUE = 6


class MeasureKind(IntEnum):
    """Kind (措施类型) of a measure."""

    SITE_VISIT = 1
    COMMUNITY_LIAISON = 2
    OFFICIALS_TALK = 3
    PETITIONER_MEETING = 4
    STATEMENT = 5
    HEARING = 6
    MEDIATION = 7
    RELIEF = 8
    LEGAL_AID = 9
    JOINT_RECEPTION = 10
    LEADER_TAKES_CASE = 11
    POLICY_PROPOSAL = 12
    SUPERVISION = 13
    BACKLOG_CHECK = 14


class MeasureStatus(IntEnum):
    """Status (措施状态) of a measure."""

    PLANNED = 1
    APPROVED = 2
    STARTED = 3
    COMPLETED = 4
    STOPPED = 5
    REJECTED = 6


class Effect(IntEnum):
    """Effect (效果) of a measure on the problem."""

    UNSPECIFIED = 0
    SOLVED = 1
    PARTLY = 2
    NONE = 3
    WORSE = 4


class FollowUpResult(IntEnum):
    """What a follow-up found (回访结果)."""

    UNSPECIFIED = 0
    SOLVED = 1
    PARTLY = 2
    NOT_SOLVED = 3
    PROMISE_BROKEN = 4
    NEW_FACTS = 5
    UNREACHABLE = 6
    DECLINED = 7


class Outcome(IntEnum):
    """Outcome (意见结论) of an opinion, article 32."""

    SUPPORTED = 1
    EXPLAINED = 2
    NOT_SUPPORTED = 3


class Finding(IntEnum):
    """What the handling of a warning found (结论)."""

    UNSPECIFIED = 0
    CONFIRMED = 1
    EXPLAINED = 2
    FALSE = 3


class StepKind(IntEnum):
    """Step (办理进度) that the petitioner is entitled to see; NONE stays inside."""

    NONE = 0
    OPENED = 1
    ROUTED = 2
    ACCEPTED = 3
    IN_PROGRESS = 4
    EXTENDED = 5
    OPINION_ISSUED = 6
    FOLLOWED_UP = 7
    CLOSED = 8
    NOTIFIED = 9
    SERVED = 10
    REVIEW_REQUESTED = 11
    REVIEW_ISSUED = 12
    REOPENED = 13
    SUPERVISED = 14
    ANSWERED = 15
