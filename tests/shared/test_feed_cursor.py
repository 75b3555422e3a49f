"""Cursors carry a position, its feed, shard and epoch, and nothing that a reader could build on."""

import random

import pytest

from heed_shared.errors import BadCursor
from heed_shared.feed.cursor import Position, decode_cursor, encode_cursor

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
