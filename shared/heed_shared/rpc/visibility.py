"""Takes out of each answer what the caller's roles may not see.

The contract names the data class of a field, a matrix says what a role sees of a class, and this is
the one place where both meet: no handler can forget it. Methods whose answers hold no such field
cost nothing, because that is found out once, from the descriptors.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from heed.common.v1.access_pb2 import access
from heed.common.v1.visibility_pb2 import DataClass, data_class

from heed_shared.identity import Caller
from heed_shared.reference.visibility import Matrix, Shown, shown

HIDDEN = "（已隐去）"
_NUMBER = re.compile(r"[\d+()\- ]{7,}")
_ALL_BUT_FOUR = re.compile(r"\d(?=(?:\D*\d){4})")

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class _Field:
    """A field of a message type on the way to, or with, a data class."""

    name: str
    repeated: bool
    is_map: bool
    data_class: int
    inside: str
    """Full name of the message type to go on in; empty when nothing in it has a data class."""


class Veil:
    """What one method's answers show to whom."""

    def __init__(self, method: MethodDescriptor, matrix: Matrix) -> None:
        """Find the fields with a data class in the answers of ``method``."""
        self._matrix = matrix
        self._types = _types_below(method.output_type)
        self._classes = {
            field.data_class
            for fields in self._types.values()
            for field in fields
            if field.data_class
        }
        self._root = method.output_type.full_name
        own = method.GetOptions().Extensions[access].own
        self.needed = self._root in self._types and not own

    def over(self, response: M, caller: Caller) -> M:
        """Return the answer as the caller may see it; the given one is left as it is."""
        views = self._views(caller)
        if all(view is Shown.FULL for view in views.values()):
            return response
        seen = type(response)()
        seen.CopyFrom(response)
        self._cover(seen, self._root, views)
        return seen

    def _views(self, caller: Caller) -> Mapping[int, Shown]:
        return {number: shown(self._matrix, number, caller.roles) for number in self._classes}

    def _cover(self, message: Message, type_name: str, views: Mapping[int, Shown]) -> None:
        for field in self._types[type_name]:
            view = views[field.data_class] if field.data_class else Shown.FULL
            if view is Shown.NONE:
                message.ClearField(field.name)
            elif field.inside:
                for part in _parts(message, field):
                    self._cover(part, field.inside, views)
            elif view is Shown.MASKED:
                _mask(message, field)


def veils(methods: Sequence[MethodDescriptor], matrix: Matrix) -> dict[str, Veil]:
    """Return the veils of the methods that need one, by path, ``/service/method``."""
    made = {
        f"/{method.containing_service.full_name}/{method.name}": Veil(method, matrix)
        for method in methods
    }
    return {path: veil for path, veil in made.items() if veil.needed}


def _types_below(root: Descriptor) -> dict[str, tuple[_Field, ...]]:
    """Return, by message type, the fields with a data class and those that lead to one."""
    reached: dict[str, Descriptor] = {}
    waiting = [root]
    while waiting:
        descriptor = waiting.pop()
        if descriptor.full_name not in reached:
            reached[descriptor.full_name] = descriptor
            waiting += [_value_type(field) for field in descriptor.fields if _value_type(field)]
    leading = {name for name, found in reached.items() if any(map(_class_of, found.fields))}
    while True:
        more = {
            name
            for name, found in reached.items()
            if any(_name_of(_value_type(field)) in leading for field in found.fields)
        }
        if more <= leading:
            break
        leading |= more
    return {
        name: tuple(
            _field(field, leading)
            for field in reached[name].fields
            if _class_of(field) or _name_of(_value_type(field)) in leading
        )
        for name in leading
    }


def _field(field: FieldDescriptor, leading: Collection[str]) -> _Field:
    return _Field(
        name=field.name,
        repeated=field.is_repeated,
        is_map=_is_map(field),
        data_class=_class_of(field),
        inside=_name_of(_value_type(field)) if _name_of(_value_type(field)) in leading else "",
    )


def _class_of(field: FieldDescriptor) -> int:
    return field.GetOptions().Extensions[data_class]


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _value_type(field: FieldDescriptor) -> Any:
    """Return the message type of a field, of a map the type of its values; None for scalars."""
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        return entry.fields_by_name["value"].message_type
    return entry


def _name_of(descriptor: Descriptor | None) -> str:
    return descriptor.full_name if descriptor is not None else ""


def _parts(message: Message, field: _Field) -> Iterable[Message]:
    """Return the messages in a field of messages."""
    value = getattr(message, field.name)
    if field.is_map:
        parts: Iterable[Message] = value.values()
        return parts
    if field.repeated:
        return list(value)
    return [value] if message.HasField(field.name) else []


def _mask(message: Message, field: _Field) -> None:
    value = getattr(message, field.name)
    if isinstance(value, str):
        setattr(message, field.name, masked(value, field.data_class))
    elif field.repeated and all(isinstance(item, str) for item in value):
        value[:] = [masked(item, field.data_class) for item in value]
    else:
        message.ClearField(field.name)


def masked(text: str, data_class_number: int) -> str:
    """Return what a role that sees a class of data masked gets of a text; nothing of nothing."""
    if not text:
        return ""
    if data_class_number == DataClass.DATA_CLASS_NAME:
        return text[0] + "**"
    if data_class_number == DataClass.DATA_CLASS_CONTACT and _NUMBER.fullmatch(text):
        return _ALL_BUT_FOUR.sub("*", text)
    return HIDDEN
