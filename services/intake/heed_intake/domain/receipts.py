"""Receipt numbers (受理编号) and query codes (查询码).

The number is gap-free per office and year and no secret; the code is the secret. Its alphabet
leaves out characters that are mistaken for each other on paper or by telephone.
"""

import re
from datetime import datetime

from heed_shared.clock import local_day

CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 characters without 0, O, 1 and I: five bits each."""
CODE_CHARACTERS = 12
CODE_BITS = 5 * CODE_CHARACTERS
_GROUP = 4
OFFICE = re.compile(r"[0-9A-Z]{6}(-[0-9A-Z]{1,12})?")
"""An office (登记机构): its region's code, with a mark of its own where a region has several."""
_NUMBER = re.compile(r"[0-9A-Z]{6}(-[0-9A-Z]{1,12})?-[0-9]{4}-[0-9]{6,12}")
_SEPARATORS = re.compile(r"[\s\-—–－_]+")


def receipt_year(registered_at: datetime) -> int:
    """Return the local year whose numbers a registration counts in."""
    return local_day(registered_at).year


def receipt_number(office: str, year: int, serial: int) -> str:
    """Return the receipt number, such as ``110105-2026-000042``."""
    return f"{office}-{year:04d}-{serial:06d}"


def normal_receipt_number(text: str) -> str:
    """Return a receipt number as petitioners type it in the form in which it is stored.

    A text that can be no receipt number comes back as the empty string, which no petition has.
    """
    number = text.strip().upper()
    return number if _NUMBER.fullmatch(number) else ""


def query_code(random_bits: int) -> str:
    """Return the query code of 60 random bits, such as ``7KQF-M2XW-9RTB``."""
    letters = [CODE_ALPHABET[random_bits >> shift & 31] for shift in range(CODE_BITS - 5, -5, -5)]
    groups = (letters[start : start + _GROUP] for start in range(0, CODE_CHARACTERS, _GROUP))
    return "-".join("".join(group) for group in groups)


def normal_query_code(text: str) -> str:
    """Return a typed query code without separators, in capitals, for hashing."""
    return _SEPARATORS.sub("", text).upper()
