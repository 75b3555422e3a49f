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


def _texts(request: Message) -> Iterator[tuple[str, str]]:
    for field, value in request.ListFields():
        if isinstance(value, str):
            yield field.name, value
        elif field.is_repeated and field.type == field.TYPE_STRING:
            yield from ((f"{field.name}[{index}]", text) for index, text in enumerate(value))


def _problem(text: str) -> str:
    if any(char < " " and char not in _ALLOWED for char in text):
        return "must not contain control characters"
    if not text.strip():
        return "must not be blank"
    return ""
