"""Receipt numbers and query codes."""

import secrets
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heed_intake.domain.receipts import (
    CODE_ALPHABET,
    CODE_BITS,
    normal_query_code,
    normal_receipt_number,
    query_code,
    receipt_number,
    receipt_year,
)

OFFICES = st.from_regex(r"[0-9A-Z]{6}(-[0-9A-Z]{1,12})?", fullmatch=True)


def test_a_number_has_office_year_and_serial() -> None:
    assert receipt_number("110105", 2026, 42) == "110105-2026-000042"
    assert receipt_number("9A0101-XF", 2026, 1_000_000) == "9A0101-XF-2026-1000000"


@pytest.mark.parametrize(
    ("moment", "year"),
    [("2026-12-31T15:59:59", 2026), ("2026-12-31T16:00:00", 2027)],
)
def test_the_year_is_that_of_china(moment: str, year: int) -> None:
    assert receipt_year(datetime.fromisoformat(moment).replace(tzinfo=UTC)) == year


@given(OFFICES, st.integers(2000, 2999), st.integers(1, 10**9))
def test_a_number_is_found_however_it_is_typed(office: str, year: int, serial: int) -> None:
    number = receipt_number(office, year, serial)
    assert normal_receipt_number(f"  {number.lower()}\n") == number


@given(st.text())
def test_what_is_no_number_finds_nothing(text: str) -> None:
    number = normal_receipt_number(text)
    assert number in {"", text.strip().upper()}


def test_a_code_has_at_least_fifty_bits_and_no_ambiguous_characters() -> None:
    assert CODE_BITS >= 50
    assert len(set(CODE_ALPHABET)) == 32
    assert not set(CODE_ALPHABET) & set("0O1I")


@given(st.integers(0, 2**CODE_BITS - 1), st.integers(0, 2**CODE_BITS - 1))
def test_every_bit_counts(first: int, second: int) -> None:
    assert (query_code(first) == query_code(second)) == (first == second)


def test_codes_use_the_whole_alphabet() -> None:
    used = set("".join(query_code(secrets.randbits(CODE_BITS)) for _ in range(500)))
    assert used == set(CODE_ALPHABET) | {"-"}


@pytest.mark.parametrize(
    "typed", ["abcd-efgh-jkmn", "ABCD EFGH JKMN", "ABCDEFGHJKMN", "ABCD－EFGH—JKMN"]
)
def test_separators_and_case_of_a_code_do_not_matter(typed: str) -> None:
    assert normal_query_code(typed) == "ABCDEFGHJKMN"
