"""Who sees which class of data: the matrix of data classes and roles, read from ``visibility.csv``.

Source: the practice of petition offices under articles 18, 30 and 46 of the Regulations on
the Work of Handling Petitions (信访工作条例) and articles 6 and 25 of the Personal Information
Protection Law. What a cell does not grant is refused: a role that is absent sees nothing.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import cache
from pathlib import Path

from heed.common.v1.access_pb2 import Role
from heed.common.v1.visibility_pb2 import DataClass

from heed_shared.reference.mounted_table import BadLine, BadTableError, read_table

_FILE = Path(__file__).with_name("visibility.csv")


class Shown(IntEnum):
    """How much of a field a role sees; of several roles the one that sees most counts."""

    NONE = 0
    MASKED = 1
    FULL = 2


Matrix = Mapping[tuple[int, int], Shown]
"""By number of data class and number of role."""


def read_matrix(path: Path = _FILE) -> Matrix:
    """Read a matrix; every data class and every role has a cell.

    Raises:
        BadTableError: a class or role is missing or unknown, or a cell is none of the three words.
    """
    roles = {name.removeprefix("ROLE_").lower(): number for name, number in Role.items() if number}
    classes = {
        name.removeprefix("DATA_CLASS_").lower(): number
        for name, number in DataClass.items()
        if number
    }
    bad: list[BadLine] = []
    matrix: dict[tuple[int, int], Shown] = {}
    for line, row in read_table(path, ["data_class", *roles]):
        number = classes.get(row["data_class"])
        if number is None:
            bad.append(BadLine(line, f"{row['data_class']!r} is no data class"))
            continue
        for role, role_number in roles.items():
            word = row[role].upper()
            if word in Shown.__members__:
                matrix[number, role_number] = Shown[word]
            else:
                bad.append(BadLine(line, f"{role} must be none, masked or full, not {row[role]!r}"))
    told = {number for number, _ in matrix}
    bad += [BadLine(0, f"{name} has no line") for name, n in classes.items() if n not in told]
    if bad:
        raise BadTableError(path, bad)
    return matrix


@cache
def shipped_matrix() -> Matrix:
    """Return the matrix that comes with the suite."""
    return read_matrix()


def shown(matrix: Matrix, data_class: int, roles: Iterable[int]) -> Shown:
    """Return how much of a data class someone with these roles sees."""
    return max((matrix.get((data_class, role), Shown.NONE) for role in roles), default=Shown.NONE)
