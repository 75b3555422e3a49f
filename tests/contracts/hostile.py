"""Calls with hostile values, made from the contract: each field of a good request gone wrong.

Whatever a caller sends, a service answers: it refuses and names the field, or does what was asked.
It never ends in INTERNAL or UNKNOWN, and never hangs.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2

from heed_shared.errors import reason_of, status_of

NO_ANSWERS = frozenset(
    {
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.DATA_LOSS,
    }
)
WAIT_S = 8.0
_DEEPEST = 3
_AT_A_TIME = 3
_TEXTS = (
    "\0",
    "好\0好",
    "\x01\x1b[2J",
    "\x7f\u0085\u202e\ufeff\uffff",
    "%_\\'\";--$1{}",
    "x" * 3000,
    "𠮷" * 1025,
    "2026-02-30",
    "0000-00-00",
    "0001-01-01",
    "9999-12-31",
    "999999",
    "../../etc",
    "٣٣٣٣-١١-١١",
)
_WHOLE = (-1, 0, 1, 2**31 - 1, -(2**31))
_LONG = (*_WHOLE, 2**63 - 1, -(2**63))
_REAL = (float("nan"), float("inf"), float("-inf"), -1.0, 1e308, 5e-324)
_SECONDS = (-62135596800, -62135596801, 253402300799, 253402300800, 2**63 - 1, -(2**63), 0)
_NANOS = (-1, 10**9, 2**31 - 1)
_VALUES: dict[int, tuple[Any, ...]] = {
    FieldDescriptor.CPPTYPE_STRING: _TEXTS,
    FieldDescriptor.CPPTYPE_INT32: _WHOLE,
    FieldDescriptor.CPPTYPE_INT64: _LONG,
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_DOUBLE: _REAL,
    FieldDescriptor.CPPTYPE_FLOAT: _REAL,
    FieldDescriptor.CPPTYPE_BOOL: (False, True),
    FieldDescriptor.CPPTYPE_ENUM: (0, -1, 99, 2**31 - 1),
}
_TIMES = frozenset({"google.protobuf.Timestamp", "google.protobuf.Duration"})

Change = Callable[[Any], None]


@dataclass
class Call:
    """One method, a good request for it, and how to make another once that one was carried out."""

    method: MethodDescriptor
    channel: grpc.aio.Channel
    good: Callable[[], Awaitable[Message]]
    answered: str = "OK"
    """What becomes of the good request; a reason where its subject is not in the right state."""
    outcomes: dict[str, int] = field(default_factory=dict)


def hostile_changes(message: Message, depth: int = 0) -> Iterator[tuple[str, Change]]:
    """Yield what can go wrong with each field of a message, and of the messages inside it."""
    descriptor: Any
    for descriptor in message.DESCRIPTOR.fields:
        if descriptor.message_type is None:
            yield from _of_values(message, descriptor)
        elif descriptor.message_type.full_name in _TIMES:
            yield from _of_times(descriptor)
        elif depth < _DEEPEST and not descriptor.message_type.GetOptions().map_entry:
            yield from _of_messages(message, descriptor, depth)


def _of_values(message: Message, descriptor: FieldDescriptor) -> Iterator[tuple[str, Change]]:
    values = _values_of(message, descriptor)
    name = descriptor.name
    if not descriptor.is_repeated:
        for value in values:
            yield name, partial(_set, name, value)
        return
    for items in (*([value] for value in values), [], [values[0]] * 1001):
        yield f"{name}[]", partial(_replace, name, items)
    yield f"{name}[]", partial(_replace, name, [*getattr(message, name)] * 2)


def _values_of(message: Message, descriptor: FieldDescriptor) -> tuple[Any, ...]:
    if descriptor.type == FieldDescriptor.TYPE_BYTES:
        return b"", b"\0" * 33, b"\xff" * 5000
    values = _VALUES[descriptor.cpp_type]
    if descriptor.cpp_type != FieldDescriptor.CPPTYPE_STRING:
        return values
    good = getattr(message, descriptor.name)
    near = [good] if isinstance(good, str) else list(good[:1])
    return (*values, *(text for own in near for text in _near(own)))


def _near(text: str) -> tuple[str, ...]:
    return f"{text}\n", text.upper(), text[:-1], text * 2, f"{text}\0"


def _of_times(descriptor: FieldDescriptor) -> Iterator[tuple[str, Change]]:
    name = descriptor.name
    if descriptor.is_repeated:
        return
    yield name, partial(_clear, name)
    for part, values in (("seconds", _SECONDS), ("nanos", _NANOS)):
        for value in values:
            yield f"{name}.{part}", partial(_inside, name, partial(_set, part, value))


def _of_messages(message: Message, descriptor: Any, depth: int) -> Iterator[tuple[str, Change]]:
    name = descriptor.name
    yield name, partial(_clear, name)
    inner = getattr(message, name)
    path = name
    if descriptor.is_repeated:
        path = f"{name}[]"
        inner = inner[0] if inner else GetMessageClass(descriptor.message_type)()
        yield path, partial(_replace, name, [inner] * 1001)
    for inner_path, change in hostile_changes(inner, depth + 1):
        yield f"{path}.{inner_path}", partial(_inside, name, change)


def _set(name: str, value: Any, target: Any) -> None:
    setattr(target, name, value)


def _clear(name: str, target: Any) -> None:
    target.ClearField(name)


def _replace(name: str, items: list[Any], target: Any) -> None:
    target.ClearField(name)
    getattr(target, name).extend(items)


def _inside(name: str, change: Change, target: Any) -> None:
    """Make a change to the message in a field, or to the first of several."""
    inner = getattr(target, name)
    if isinstance(inner, Message):
        inner.SetInParent()
        change(inner)
    else:
        change(inner[0] if inner else inner.add())


def always(message: Message) -> Callable[[], Awaitable[Message]]:
    """Return what gives this message each time."""

    async def good() -> Message:
        return message

    return good


async def failures(calls: Sequence[Call]) -> list[str]:
    """Make the hostile calls of several methods, a few at a time; return what failed."""
    free = asyncio.Semaphore(_AT_A_TIME)

    async def one(call: Call) -> list[str]:
        async with free:
            return await hostile_calls(call)

    return [line for lines in await asyncio.gather(*map(one, calls)) for line in lines]


async def hostile_calls(call: Call, seed: int = 1, mixed: int = 10) -> list[str]:
    """Make every hostile call of a method, some with several fields wrong; return what failed."""
    good = await call.good()
    changes = list(hostile_changes(good))
    chance = random.Random(f"{seed} {call.method.full_name}")
    plans: list[list[tuple[str, Change]]] = [[], *([change] for change in changes)]
    plans += [chance.sample(changes, min(3, len(changes))) for _ in range(mixed if changes else 0)]
    failed = []
    for plan in plans:
        request = type(good)()
        request.CopyFrom(good)
        for _, change in plan:
            change(request)
        outcome = await _outcome(call, request)
        if not plan and outcome != call.answered:
            return [f"{call.method.name}: the good request ends in {outcome}"]
        call.outcomes[outcome] = call.outcomes.get(outcome, 0) + 1
        if outcome.startswith("!"):
            paths = ", ".join(path for path, _ in plan)
            failed.append(f"{call.method.name}({paths}): {outcome} {str(request)[:200]!r}")
        if outcome == "OK" and call.method.GetOptions().idempotency_level != 1:
            good = await call.good()
    return failed


async def _outcome(call: Call, request: Message) -> str:
    try:
        async with asyncio.timeout(WAIT_S):
            await _make(call, request)
    except TimeoutError:
        return "! no answer"
    except grpc.aio.AioRpcError as error:
        reason = reason_of(error)
        if error.code() in NO_ANSWERS or not reason:
            return f"! {error.code().name} {reason} {error.details()}"
        if reason == "INVALID_FIELD" and not _names_a_field(error):
            return "! INVALID_FIELD names no field"
        return reason
    return "OK"


def _names_a_field(error: grpc.aio.AioRpcError) -> bool:
    status = status_of(error)
    bad = error_details_pb2.BadRequest()
    found = status is not None and any(detail.Unpack(bad) for detail in status.details)
    return found and all(violation.field for violation in bad.field_violations)


async def _make(call: Call, request: Message) -> None:
    method = call.method
    path = f"/{method.containing_service.full_name}/{method.name}"
    channel: Any = call.channel
    codec = {
        "request_serializer": type(request).SerializeToString,
        "response_deserializer": GetMessageClass(method.output_type).FromString,
    }
    if not method.client_streaming and not method.server_streaming:
        await channel.unary_unary(path, **codec)(request, timeout=WAIT_S)
        return
    if method.client_streaming:
        stream = channel.stream_stream(path, **codec)(_once(request), timeout=WAIT_S)
    else:
        stream = channel.unary_stream(path, **codec)(request, timeout=WAIT_S)
    # The first answer is enough: a watch has no end.
    async for _ in stream:
        break
    stream.cancel()


async def _once(request: Message) -> AsyncIterator[Message]:
    yield request
