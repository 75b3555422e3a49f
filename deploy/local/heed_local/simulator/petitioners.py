"""Names, telephone numbers and head-counts of petitioners; nobody has them.

Given names and surnames are drawn apart from short lists, and the numbers begin with 13x0000, which
no operator assigns in this form.
"""

from dataclasses import dataclass

import numpy as np
from heed.common.v1 import matter_pb2

from heed_local.simulator.slots import pick

_SURNAMES = (*"魏章邵谷祁裴岑苗柏窦云鲍滕韦昌温柴瞿阎涂卜聂", "上官", "欧阳", "司徒")
_GIVEN_FIRST = "长文秀建春小玉志海桂明晓永佳子雨国美红立"
_GIVEN_LAST = "禾川英岚生霞舟平芳远梅波林燕泉山琴宇"

# Upper end of each bucket of the contract, in people.
_BUCKETS = (
    (1, matter_pb2.PEOPLE_BUCKET_ONE),
    (4, matter_pb2.PEOPLE_BUCKET_2_4),
    (10, matter_pb2.PEOPLE_BUCKET_5_10),
    (20, matter_pb2.PEOPLE_BUCKET_11_20),
    (50, matter_pb2.PEOPLE_BUCKET_21_50),
    (100, matter_pb2.PEOPLE_BUCKET_51_100),
)


@dataclass(frozen=True)
class Petitioner:
    """Who signs: both None for an anonymous petition, the contact alone may be missing."""

    name: str | None
    contact: str | None

    @property
    def slots(self) -> dict[str, str]:
        """What a text may say about who wrote it; nothing of it without a contact."""
        if self.name is None or self.contact is None:
            return {}
        return {"name": self.name, "surname": self.name[0], "contact": self.contact}


def draw_petitioner(random: np.random.Generator, anonymous_share: float) -> Petitioner:
    """Return an invented petitioner, or an anonymous one."""
    if random.random() < anonymous_share:
        return Petitioner(None, None)
    given = pick(random, _GIVEN_LAST)
    if random.random() < 0.75:
        given = pick(random, _GIVEN_FIRST) + given
    number = f"13{random.integers(10)}0000{random.integers(10000):04}"
    return Petitioner(pick(random, _SURNAMES) + given, number if random.random() < 0.9 else None)


def draw_people(random: np.random.Generator, joint_share: float) -> int:
    """Return for how many people a petition speaks."""
    if random.random() >= joint_share:
        return 1
    return int(np.clip(np.exp(random.normal(2.7, 0.9)), 2, 400))


def bucket_of(people: int) -> "matter_pb2.PeopleBucket.ValueType":
    """Return the bucket of the contract that holds a number of people."""
    for most, bucket in _BUCKETS:
        if people <= most:
            return bucket
    return matter_pb2.PEOPLE_BUCKET_OVER_100
