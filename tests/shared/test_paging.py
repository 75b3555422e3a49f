import base64

import pytest
from heed.intake.v1 import intake_service_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from heed_shared.errors import BadPageToken, InvalidField
from heed_shared.paging import PageTokens, filter_digest, page_size

KEY = bytes(range(32))
TOKENS = PageTokens(KEY)
METHOD = "/heed.intake.v1.IntakeService/ListPetitions"
DIGEST = filter_digest(pb.ListPetitionsRequest(region_prefix="1101"))
POSITION: list[int | str] = [1767225600000000, "0190aaaa-0000-7000-8000-000000000000"]
TOKEN = TOKENS.encode(METHOD, DIGEST, POSITION)


@given(st.lists(st.integers(-(2**62), 2**62) | st.text(max_size=40), max_size=4))
def test_a_token_gives_back_its_position(position: list[int | str]) -> None:
    assert TOKENS.decode(METHOD, DIGEST, TOKENS.encode(METHOD, DIGEST, position)) == position


def test_a_token_cannot_be_read_by_a_client() -> None:
    assert b"0190aaaa" not in base64.urlsafe_b64decode(TOKEN)


def test_two_tokens_of_one_position_differ() -> None:
    assert TOKENS.encode(METHOD, DIGEST, POSITION) != TOKEN


@pytest.mark.parametrize(
    ("method", "digest", "token"),
    [
        ("/heed.intake.v1.IntakeService/ListOthers", DIGEST, TOKEN),
        (METHOD, filter_digest(pb.ListPetitionsRequest(region_prefix="1102")), TOKEN),
        (METHOD, DIGEST, TOKEN[:-4]),
        (METHOD, DIGEST, "A" + TOKEN[1:] if TOKEN[0] != "A" else "B" + TOKEN[1:]),
        (METHOD, DIGEST, "not base64!"),
        (METHOD, DIGEST, "页"),
        (METHOD, DIGEST, "AAAA"),
        (METHOD, DIGEST, PageTokens(bytes(32)).encode(METHOD, DIGEST, POSITION)),
    ],
    ids=["method", "filter", "cut", "altered", "no base64", "no ascii", "short", "other key"],
)
def test_a_token_of_anything_else_is_bad(method: str, digest: bytes, token: str) -> None:
    with pytest.raises(BadPageToken):
        TOKENS.decode(method, digest, token)


def test_page_size_and_token_are_no_part_of_the_filter() -> None:
    request = pb.ListPetitionsRequest(region_prefix="1101", page_size=7, page_token="x")
    assert filter_digest(request) == DIGEST
    assert request.page_size == 7


@pytest.mark.parametrize(("requested", "sent"), [(0, 50), (1, 1), (500, 500), (501, 500)])
def test_the_page_size_has_a_default_and_a_maximum(requested: int, sent: int) -> None:
    assert page_size(requested) == sent


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(InvalidField):
        page_size(-1)
