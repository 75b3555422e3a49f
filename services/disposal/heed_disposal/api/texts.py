"""Refuses texts that nobody wrote on purpose: control characters, blanks in place of words."""

from collections.abc import Iterator

from google.protobuf.message import Message

from heed_shared.errors import FieldViolation, InvalidFields

_ALLOWED = frozenset("\n\r\t")


def require_plain_texts(request: Message) -> None:
    """Check every text of a request.

    Raises:
        InvalidFields: with each field that holds control characters or nothing but blanks.
    """
    problems = [
        FieldViolation(field, problem)
        for field, text in _texts(request)
        if (problem := _problem(text))
    ]
    if problems:
        raise InvalidFields(problems)


def _texts(message: Message, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a message and of those in it, with the path of its field."""
    for field, value in message.ListFields():
        items = [(f"{prefix}{field.name}", value)]
        if field.is_repeated:
            items = [(f"{prefix}{field.name}[{index}]", item) for index, item in enumerate(value)]
        for path, item in items:
            if isinstance(item, str):
                yield path, item
            elif isinstance(item, Message):
                yield from _texts(item, f"{path}.")


def _problem(text: str) -> str:
    if any(char < " " and char not in _ALLOWED for char in text):
        return "must not contain control characters"
    if not text.strip():
        return "must not be blank"
    return ""
