"""Checks messages against the rules in the contracts and names wrong fields as clients do.

The interceptor checks every request. Items of a batch that carry ``ignore = IGNORE_ALWAYS`` are
checked by the use case, item by item, with ``violations`` or ``validate`` and the item's prefix.
"""

from typing import Any

import protovalidate
from google.protobuf.message import Message

from heed_shared.errors import FieldViolation, InvalidFields

# What the rule engine says in its own words -> what a caller understands.
_PLAIN = {
    "required": "is required",
    "enum.not_in": "must be one of the named values, not the unspecified one",
    "enum.defined_only": "must be one of the named values",
    "string.uuid": "must be a UUID",
}


def violations(message: Message, prefix: str = "") -> list[FieldViolation]:
    """Return what is wrong with a message; ``prefix`` (``requests[3]``) goes before each path."""
    return [
        FieldViolation(_path(violation.proto, prefix), _description(violation.proto))
        for violation in protovalidate.collect_violations(message)
    ]


def validate(message: Message, prefix: str = "") -> None:
    """Check a message.

    Raises:
        InvalidFields: with every wrong field.
    """
    found = violations(message, prefix)
    if found:
        raise InvalidFields(found)


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
