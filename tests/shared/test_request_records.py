"""A repeated request gets the stored answer, a reused id is refused, and races end well."""

import asyncio

import pytest
from heed.feed.v1 import feed_service_pb2 as pb

from heed_shared.database import Database
from heed_shared.errors import RequestIdReused
from heed_shared.request_records import payload_digest, remember, store

_KEY = ("staff/1", "/heed.x/Register", "0190-a")


async def _call(
    database: Database, answer: bytes, digest: bytes = b"d", pause_s: float = 0
) -> bytes:
    async with database.transaction() as tx:
        stored = await remember(tx, *_KEY, digest)
        if stored is not None:
            return stored
        await asyncio.sleep(pause_s)
        await store(tx, *_KEY, answer)
        await tx.commit()
        return answer


async def test_a_repeated_request_gets_the_first_answer(database: Database) -> None:
    assert await _call(database, b"first") == b"first"
    assert await _call(database, b"second") == b"first"


async def test_an_id_is_the_same_in_capital_letters(database: Database) -> None:
    async with database.transaction() as tx:
        await remember(tx, *_KEY, b"d")
        await store(tx, *_KEY, b"first")
        await tx.commit()
    async with database.transaction() as tx:
        assert await remember(tx, _KEY[0], _KEY[1], _KEY[2].upper(), b"d") == b"first"


async def test_another_payload_under_the_same_id_is_refused(database: Database) -> None:
    await _call(database, b"first")
    with pytest.raises(RequestIdReused):
        await _call(database, b"second", b"other")


async def test_another_caller_or_method_may_use_the_same_id(database: Database) -> None:
    await _call(database, b"first")
    async with database.transaction() as tx:
        assert await remember(tx, "staff/2", _KEY[1], _KEY[2], b"other") is None
        assert await remember(tx, _KEY[0], "/heed.x/Other", _KEY[2], b"other") is None


async def test_concurrent_repetitions_do_the_work_once(database: Database) -> None:
    answers = await asyncio.gather(
        *(_call(database, str(number).encode(), pause_s=0.05) for number in range(5))
    )
    assert len(set(answers)) == 1


async def test_a_request_that_failed_may_be_repeated(database: Database) -> None:
    async with database.transaction() as tx:
        assert await remember(tx, *_KEY, b"d") is None
    assert await _call(database, b"second") == b"second"


def test_the_digest_leaves_the_request_id_out_and_nothing_else() -> None:
    request = pb.RetryParkedEventsRequest(feed="a", subject="b")
    same = pb.RetryParkedEventsRequest(feed="a", subject="b")
    other = pb.RetryParkedEventsRequest(feed="a", subject="c")
    assert payload_digest(request, ()) == payload_digest(same, ())
    assert payload_digest(request, ()) != payload_digest(other, ())
    assert payload_digest(request, ("subject",)) == payload_digest(other, ("subject",))
