"""Cursors carry a position, its feed, shard and epoch, and nothing that a reader could build on."""

import base64
import hashlib
import random
import struct
from collections.abc import Callable

import asyncpg
import pytest

from heed_shared.errors import BadCursor
from heed_shared.feed.cursor import Position, decode_cursor, encode_cursor
from tests.database_templates import MadeDatabase

_POSITIONS = [
    Position(),
    Position(753, 12),
    Position(2**64 - 1, 2**63 - 1),
    Position(100, 0, "100:110:100,104"),
]


@pytest.mark.parametrize("position", _POSITIONS)
def test_what_is_encoded_comes_back(position: Position) -> None:
    cursor = encode_cursor("intake.petitions", 7, 42, position)
    assert decode_cursor("intake.petitions", 7, cursor) == (42, position)


def test_a_cursor_of_another_feed_or_shard_is_refused() -> None:
    cursor = encode_cursor("intake.petitions", 7, 42, Position(753, 12))
    for feed, shard in (("disposal.progress", 7), ("intake.petitions", 8)):
        with pytest.raises(BadCursor):
            decode_cursor(feed, shard, cursor)


def test_any_damage_is_noticed() -> None:
    cursor = encode_cursor("intake.petitions", 7, 42, Position(753, 12))
    for _ in range(200):
        at = random.randrange(len(cursor))
        other = random.choice("ABCDEFabcdef0123-_")
        damaged = cursor[:at] + other + cursor[at + 1 :]
        if damaged.rstrip("=") == cursor:
            continue
        try:
            assert decode_cursor("intake.petitions", 7, damaged) == (42, Position(753, 12))
        except BadCursor:
            continue


@pytest.mark.parametrize("cursor", ["x", "753:12", "====", "字", "A" * 2000])
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor("intake.petitions", 0, cursor)


def forged(epoch: int = 1, event_id: int = 0, seen: bytes = b"") -> str:
    """A cursor with a right checksum, which needs no secret."""
    body = struct.pack(">BBQQQ", 1, 0, epoch, 753, event_id) + seen
    check = hashlib.blake2b(b"intake.petitions\0" + body, digest_size=8).digest()
    mask = hashlib.shake_128(check).digest(len(body))
    masked = bytes(left ^ right for left, right in zip(body, mask, strict=True))
    return base64.urlsafe_b64encode(check + masked).decode("ascii").rstrip("=")


def test_the_forger_can_make_a_cursor() -> None:
    found = decode_cursor("intake.petitions", 0, forged(7, 2**63 - 1, b"100:110:100,100,104"))
    assert found == (7, Position(753, 2**63 - 1, "100:110:100,100,104"))


@pytest.mark.parametrize(
    "cursor",
    [
        forged(event_id=2**63),
        forged(epoch=2**63),
        *(
            forged(seen=seen)
            for seen in (
                b"abc", b"1", b":", b"1:2", b"0:5:", b"9:5:", b"5:9:4", b"5:9:9", b"5:9:7,6",
                b"5:9:7,", b"5:9: 7", b"-5:9:", b"5:9:7\n", b"5:9:\xff", b"5:9:\0",
                b"1:18446744073709551616:", b"1:" + b"9" * 5000 + b":",
                "5:٩:".encode(),
            )
        ),
    ],
)  # fmt: skip
def test_forged_numbers_and_snapshots_that_no_database_reads_are_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor("intake.petitions", 0, cursor)


@pytest.mark.parametrize(
    "seen", ["5:9:", "5:5:", "5:9:5,5,8", f"1:{2**64 - 1}:", f"{2**64 - 1}:{2**64 - 1}:"]
)
async def test_the_database_reads_every_snapshot_that_a_cursor_may_carry(
    seen: str, make_database: Callable[[str], MadeDatabase]
) -> None:
    decode_cursor("intake.petitions", 0, forged(seen=seen.encode()))
    connection = await asyncpg.connect(make_database("classifier")["url"])
    try:
        assert await connection.fetchval("SELECT $1::text::pg_snapshot IS NOT NULL", seen)
        assert await connection.fetchval("SELECT $1::xid8 IS NOT NULL", 2**64 - 1)
    finally:
        await connection.close()


def test_neighbouring_positions_look_unrelated() -> None:
    first, second = (encode_cursor("f", 0, 1, Position(753, number)) for number in (1, 2))
    assert sum(left == right for left, right in zip(first, second, strict=True)) < 10


def test_a_snapshot_is_dropped_once_it_lies_behind() -> None:
    position = Position(100, 0, "100:110:100,104")
    assert position.advanced(104, 5).seen == position.seen
    assert position.advanced(110, 6) == Position(110, 6)
    assert not position.is_behind(109)
    assert position.is_behind(110)
    assert position.settled() == Position(110, 0)
