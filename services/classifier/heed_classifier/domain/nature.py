"""Nature (性质) and the other small vocabularies of a matter.

The numbers are those of the contract's enums, so that a stored row means the same everywhere.
"""

from __future__ import annotations

from enum import IntEnum


class Nature(IntEnum):
    """Nature of a matter (性质), XF22 articles 29 to 31; an enquiry is no petition."""

    UNKNOWN = 0
    SUGGESTION = 1
    ACCUSATION = 2
    APPEAL_REQUEST = 3
    ENQUIRY = 4


class Route(IntEnum):
    """Legal route (法定途径) of an appeal or request, XF22 article 31."""

    NONE = 0
    LITIGATION = 1
    ARBITRATION = 2
    PARTY_APPEAL = 3
    ADMINISTRATIVE = 4
    DUTY = 5
    PETITION = 6


class Urgency(IntEnum):
    """Urgency (紧急程度) of a matter; U0 is danger to life now."""

    UNKNOWN = 0
    U0 = 1
    U1 = 2
    U2 = 3
    U3 = 4


class Importance(IntEnum):
    """Importance (重要程度) of a matter."""

    UNKNOWN = 0
    ORDINARY = 1
    IMPORTANT = 2
    MAJOR = 3


class Band(IntEnum):
    """What a clerk may do with an answer (置信档次)."""

    UNKNOWN = 0
    AUTO = 1
    REVIEW = 2
    UNCERTAIN = 3


class Level(IntEnum):
    """Level of government (层级)."""

    UNKNOWN = 0
    STATE = 1
    PROVINCE = 2
    CITY = 3
    COUNTY = 4
    TOWNSHIP = 5


class Method(IntEnum):
    """What made a classification (判定方式)."""

    UNKNOWN = 0
    MODEL = 1
    RULES = 2
    PERSON = 3
