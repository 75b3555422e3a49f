from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heed_shared.errors import InvalidField, StaleEtag
from heed_shared.ids import (
    etag_of,
    new_uid,
    parse_resource_name,
    petition_name,
    require_etag,
    resource_name,
    uid_time,
    version_of,
)

NOW = datetime(2019, 7, 1, 3, 4, 5, 678000, tzinfo=UTC)
UID = UUID("016bab7d-532e-7731-9cdd-fded8c6d3774")


def test_a_uid_is_a_version_7_uuid_of_the_business_time() -> None:
    assert (UID.version, UID.variant) == (7, "specified in RFC 4122")
    assert uid_time(UID) == NOW


def test_uids_sort_by_their_time() -> None:
    times = [NOW + timedelta(milliseconds=n) for n in range(50)]
    uids = [new_uid(moment) for moment in times]
    assert uids == sorted(uids)


def test_uids_of_one_moment_differ() -> None:
    assert len({new_uid(NOW) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("region", ["110101", "9A0100", "9ZZZZZ"])
def test_a_resource_name_gives_back_its_parts(region: str) -> None:
    assert parse_resource_name(petition_name(region, UID), "petitions") == (region, UID)
    assert parse_resource_name(resource_name("cases", region, UID), "cases") == (region, UID)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "petitions/",
        f"cases/110101-{UID}",  # another collection
        f"petitions/110101-{str(UID).upper()}",  # one spelling only
        f"petitions/010101-{UID}",  # no region starts with 0
        f"petitions/110101-{UID}/matters/1",
        f"petitions/110101-{UID}\n",
    ],
)
def test_what_is_no_name_is_an_invalid_field(name: str) -> None:
    with pytest.raises(InvalidField) as raised:
        parse_resource_name(name, "petitions", "petition")
    assert raised.value.violations[0].field == "petition"


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_an_etag_gives_back_its_version(version: int) -> None:
    assert version_of(etag_of(version)) == version


@pytest.mark.parametrize("etag", ["", "1", "AAAA", "é", "AAAAAAAAAAUAAAAA", etag_of(1) + "="])
def test_an_unreadable_etag_is_stale(etag: str) -> None:
    with pytest.raises(StaleEtag):
        version_of(etag, "cases/x")


def test_only_the_current_version_passes() -> None:
    require_etag(etag_of(3), 3, "cases/x")
    with pytest.raises(StaleEtag) as raised:
        require_etag(etag_of(2), 3, "cases/x")
    assert raised.value.metadata == {"name": "cases/x"}


def test_a_uid_is_a_plain_uuid() -> None:
    assert UUID(str(UID)) == UID
