"""Checks messages against the rules in the contracts and names wrong fields as clients do.

The interceptor checks every request. Items of a batch that carry ``ignore = IGNORE_ALWAYS`` are
checked by the use case, item by item, with ``violations`` or ``validate`` and the item's prefix.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import protovalidate
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp

from heed_shared.errors import FieldViolation, InvalidField, InvalidFields

# What the rule engine says in its own words -> what a caller understands.
_PLAIN = {
    "required": "is required",
    "enum.not_in": "must be one of the named values, not the unspecified one",
    "enum.defined_only": "must be one of the named values",
    "string.uuid": "must be a UUID",
}
_NANOS = 999_999_999
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # the years 1 to 9999
_LONGEST_S = 315_576_000_000
_NO_TIME = "must be a time in the years 1 to 9999"
_NO_DURATION = "must be a duration of at most 10,000 years"
_NO_TEXT = "must not contain the character U+0000"


UNREADABLE: Final = object()
"""Stands for a request whose bytes are no message of the method."""


def readable(parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Return a parser that answers ``UNREADABLE``, where gRPC would tell the client of its insides.

    ``validate`` refuses that answer, after the caller was found to be allowed to call.
    """

    def parsed(data: bytes) -> Any:
        try:
            return parse(data)
        except DecodeError:
            return UNREADABLE

    return parsed


def violations(message: Message, prefix: str = "") -> list[FieldViolation]:
    """Return what is wrong with a message; ``prefix`` (``requests[3]``) goes before each path."""
    found = [
        FieldViolation(_path(violation.proto, prefix), _description(violation.proto))
        for violation in protovalidate.collect_violations(message)
    ]
    _look_inside(message, prefix, found)
    return found


def validate(message: Message, prefix: str = "") -> None:
    """Check a message.

    Raises:
        InvalidFields: with every wrong field, or because its bytes are no message at all.
    """
    if message is UNREADABLE:
        raise InvalidField("request", "cannot be read as a message of this method")
    found = violations(message, prefix)
    if found:
        raise InvalidFields(found)


def _look_inside(message: Message, prefix: str, found: list[FieldViolation]) -> None:
    """Add what no contract needs to forbid: times that no clock shows, texts with a U+0000.

    Every request passes here, so paths are written only where they are needed.
    """
    for name, is_text, is_repeated in _fields_to_look_at(message.DESCRIPTOR):
        if is_text and not is_repeated:
            if "\0" in getattr(message, name):
                found.append(FieldViolation(_joined(prefix, name), _NO_TEXT))
        elif is_repeated:
            for index, item in enumerate(getattr(message, name)):
                _look_at(item, f"{_joined(prefix, name)}[{index}]", found)
        elif message.HasField(name):
            _look_at(getattr(message, name), _joined(prefix, name), found)


def _look_at(value: Any, path: str, found: list[FieldViolation]) -> None:
    if isinstance(value, str):
        if "\0" in value:
            found.append(FieldViolation(path, _NO_TEXT))
    elif isinstance(value, Timestamp):
        possible = _FIRST_SECOND <= value.seconds <= _LAST_SECOND
        if not (possible and 0 <= value.nanos <= _NANOS):
            found.append(FieldViolation(path, _NO_TIME))
    elif isinstance(value, Duration):
        possible = abs(value.seconds) <= _LONGEST_S and abs(value.nanos) <= _NANOS
        if not (possible and value.seconds * value.nanos >= 0):
            found.append(FieldViolation(path, _NO_DURATION))
    else:
        _look_inside(value, path, found)


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


@cache
def _fields_to_look_at(descriptor: Descriptor) -> tuple[tuple[str, bool, bool], ...]:
    """Return texts, times, and what may contain some; not what the use case checks by itself.

    Each as its name, whether it is a text, and whether there are several.
    """
    return tuple(
        (field.name, field.message_type is None, field.is_repeated)
        for field in descriptor.fields
        if field.type == FieldDescriptor.TYPE_STRING
        or (
            field.message_type is not None
            and not field.message_type.GetOptions().map_entry
            and not _checked_later(field)
        )
    )


def _checked_later(field: FieldDescriptor) -> bool:
    rules = field.GetOptions().Extensions[validate_pb2.field]
    return validate_pb2.IGNORE_ALWAYS in (rules.ignore, rules.repeated.items.ignore)


def _description(violation: Any) -> str:
    rule = str(violation.rule_id)
    plain = _PLAIN.get(rule)
    if plain:
        return plain
    text = str(violation.message) or f"breaks the rule {rule}"
    if rule == "string.pattern":
        return text.replace("does not match regex pattern", "must have the form")
    return text


def _path(violation: Any, prefix: str) -> str:
    """Write a field path as in the contract: ``submission.region_code``, ``deltas[3].delta``."""
    parts = [prefix] if prefix else []
    for element in violation.field.elements if violation.field else ():
        subscript = element.subscript
        index = "" if subscript is None else f"[{_subscript(subscript)}]"
        parts.append(f"{element.field_name}{index}")
    return ".".join(parts)


def _subscript(subscript: Any) -> str:
    value = subscript.value
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
