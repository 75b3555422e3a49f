"""The words of the procedure beside the merits, as enums with the numbers of the contract."""

from enum import IntEnum


class RouteKind(IntEnum):
    """How a case is routed: with or without a duty to report."""

    TRANSFER = 1
    ASSIGN = 2


class LegalRoute(IntEnum):
    """Legal route (法定途径) of article 31."""

    UNSPECIFIED = 0
    LITIGATION = 1
    ARBITRATION = 2
    PARTY_APPEAL = 3
    ADMINISTRATIVE = 4
    DUTY = 5
    PETITION = 6


class ObjectionState(IntEnum):
    """State (状态) of an objection to a route."""

    OPEN = 1
    AGREED = 2
    REFUSED = 3


class NoticeKind(IntEnum):
    """Kind (告知类型) of a notice that ends or diverts a case."""

    NOT_ACCEPTED = 1
    NO_LONGER_ACCEPTED = 2
    DIVERTED = 3


class ServiceMethod(IntEnum):
    """How an opinion reached the petitioner (送达方式)."""

    IN_PERSON = 1
    POST = 2
    ELECTRONIC = 3
    LEFT = 4
    PUBLIC_NOTICE = 5


class ReviewResult(IntEnum):
    """Result (结论) of a review or re-check."""

    UNSPECIFIED = 0
    UPHELD = 1
    CHANGED = 2
    REVOKED = 3


class SupervisionKind(IntEnum):
    """Kind (建议类型) of a supervision suggestion, article 40."""

    IMPROVE_WORK = 1
    IMPROVE_POLICY = 2
    PURSUE_RESPONSIBILITY = 3


class ReopenGround(IntEnum):
    """Why a concluded case is opened again (重新办理理由)."""

    NEW_FACTS = 1
    NOT_PERFORMED = 2
    NOT_SOLVED = 3
    ORDERED = 4


class RatingGrade(IntEnum):
    """How a petitioner rates (满意度评价); unspecified is no rating and never satisfaction."""

    UNSPECIFIED = 0
    SATISFIED = 1
    BASICALLY_SATISFIED = 2
    DISSATISFIED = 3


class ReportStage(IntEnum):
    """Stage (报告阶段) of the reports of a major or urgent matter."""

    FIRST = 1
    FURTHER = 2
    FINAL = 3
