"""Every cell of the matrix of data classes and roles, tried on the answers of every RPC.

The expected matrix is written down here a second time, by hand, with the columns of the field's own
table: a slip in the file of the suite must not be confirmed by the file itself.
"""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from heed.common.v1.access_pb2 import Role, access
from heed.common.v1.visibility_pb2 import DataClass, data_class

from heed_shared.identity import Caller
from heed_shared.reference.mounted_table import BadTableError
from heed_shared.reference.visibility import Shown, read_matrix, shipped_matrix, shown
from heed_shared.rpc.visibility import HIDDEN, Veil, masked, veils
from tests.contracts.test_access_rules import methods

# F full, m masked, - nothing; the columns in the order of the rows below.
COLUMNS = (
    "INTAKE_CLERK CASE_OFFICER UNIT_HANDLER SUPERVISOR ANALYST OPERATOR AUDITOR PORTAL PEER_SYSTEM"
)
EXPECTED = """
NAME             F F m m - - - - -
ID_NUMBER        - - - - - - - - -
CONTACT          F m m - - - - - -
PLACE            F F F F - - - - -
PETITION_TEXT    F F F F - - - - -
ACCUSATION       - - - - - - - - -
SENSITIVE        m m m m - - - - -
REPRESENTATIVES  F F m m - - - - -
RATING           - m - F - - - - -
REVIEW_FILE      - m F F - - - - -
ACCESS_LOG       - - - m - - F F -
"""
LETTERS = {"F": Shown.FULL, "m": Shown.MASKED, "-": Shown.NONE}
CELLS = [
    (row.split()[0], role, LETTERS[letter])
    for row in EXPECTED.strip().splitlines()
    for role, letter in zip(COLUMNS.split(), row.split()[1:], strict=True)
]
METHODS = methods()
PATHS = {f"/{m.containing_service.full_name}/{m.name}": m for m in METHODS}
VEILS = veils(METHODS, shipped_matrix())


def a_caller(*roles: str) -> Caller:
    return Caller("staff/1", "", "", frozenset(Role.Value(f"ROLE_{role}") for role in roles), "")


def number_of(name: str) -> int:
    return DataClass.Value(f"DATA_CLASS_{name}")


def filled(message: Message, depth: int = 0) -> Message:
    """Fill every string with a mark of its field, every list with one entry."""
    for field in message.DESCRIPTOR.fields:
        inner = field.message_type
        if inner is None:
            if field.type == FieldDescriptor.TYPE_STRING:
                value = f"〔{field.full_name}〕"
                if field.is_repeated:
                    getattr(message, field.name).append(value)
                else:
                    setattr(message, field.name, value)
        elif inner.full_name.startswith("heed.") and not inner.GetOptions().map_entry and depth < 8:
            if field.is_repeated:
                filled(getattr(message, field.name).add(), depth + 1)
            elif field.containing_oneof is None:
                filled(getattr(message, field.name), depth + 1)
    return message


def marks_of(message: Message, number: int) -> set[str]:
    """Return the marks, still in the message, of text in or below fields of a data class."""
    return {
        value
        for field, value in message.ListFields()
        for value in _texts(field, value, number, inside=False)
    }


def _texts(field: FieldDescriptor, value: Any, number: int, *, inside: bool) -> set[str]:
    inside = inside or field.GetOptions().Extensions[data_class] == number
    values = list(value) if field.is_repeated else [value]
    found: set[str] = set()
    for item in values:
        if isinstance(item, Message):
            for inner, part in item.ListFields():
                found |= _texts(inner, part, number, inside=inside)
        elif inside and isinstance(item, str):
            found.add(item)
    return found


def answer_of(method: MethodDescriptor) -> Message:
    return filled(GetMessageClass(method.output_type)())


@pytest.mark.parametrize(("name", "role", "expected"), CELLS)
def test_the_matrix_says_what_the_table_of_the_field_says(
    name: str, role: str, expected: Shown
) -> None:
    assert shown(shipped_matrix(), number_of(name), [Role.Value(f"ROLE_{role}")]) is expected


@pytest.mark.parametrize(("name", "role", "expected"), CELLS)
def test_no_answer_of_any_method_shows_a_role_more_than_its_cell(
    name: str, role: str, expected: Shown
) -> None:
    for path, veil in VEILS.items():
        whole = answer_of(PATHS[path])
        before = marks_of(whole, number_of(name))
        after = marks_of(veil.over(whole, a_caller(role)), number_of(name))
        if expected is Shown.NONE:
            assert not after, path
        elif expected is Shown.MASKED:
            assert name == "REPRESENTATIVES" or not (after & before), path


def test_an_answer_that_may_be_seen_whole_comes_whole() -> None:
    veil = VEILS["/heed.intake.v1.IntakeService/GetPetition"]
    whole = answer_of(PATHS["/heed.intake.v1.IntakeService/GetPetition"])
    seen = veil.over(whole, a_caller("INTAKE_CLERK", "SERVICE_INTAKE"))
    assert seen == whole


def test_the_answer_that_a_handler_made_is_left_as_it_is() -> None:
    veil = VEILS["/heed.intake.v1.IntakeService/GetPetition"]
    whole = answer_of(PATHS["/heed.intake.v1.IntakeService/GetPetition"])
    kept = type(whole)()
    kept.CopyFrom(whole)
    assert veil.over(whole, a_caller("ANALYST")) != whole
    assert whole == kept


def test_fields_with_a_data_class_are_reached_in_lists_and_in_parts_of_parts() -> None:
    veil = VEILS["/heed.classifier.v1.ClassifierService/ListClassifications"]
    whole = answer_of(PATHS["/heed.classifier.v1.ClassifierService/ListClassifications"])
    number = number_of("PETITION_TEXT")
    phrases = {text for text in marks_of(whole, number) if "Evidence.phrase" in text}
    assert phrases
    assert not marks_of(veil.over(whole, a_caller("ANALYST")), number)
    assert marks_of(veil.over(whole, a_caller("CASE_OFFICER")), number) >= phrases


def test_of_several_roles_the_one_that_sees_most_counts() -> None:
    number = number_of("RATING")
    roles = [Role.ROLE_CASE_OFFICER, Role.ROLE_SUPERVISOR]
    assert shown(shipped_matrix(), number, roles) is Shown.FULL
    assert shown(shipped_matrix(), number, []) is Shown.NONE


def test_what_a_call_itself_brought_is_given_back_whole() -> None:
    owns = {m.name for m in METHODS if m.GetOptions().Extensions[access].own}
    assert {"RegisterPetition", "Classify", "CheckProgress"} <= owns
    assert not {m.rpartition("/")[2] for m in VEILS} & owns


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("王小明", "NAME", "王**"),
        ("13812345678", "CONTACT", "*******5678"),
        ("0731-82345678", "CONTACT", "****-****5678"),
        ("岳麓区某路 12345678 号", "CONTACT", HIDDEN),
        ("me@example.org", "CONTACT", HIDDEN),
        ("讲得清楚，办得慢", "RATING", HIDDEN),
        ("", "RATING", ""),
    ],
)
def test_masked_text_shows_no_more_than_it_takes_to_recognise_it(
    text: str, name: str, expected: str
) -> None:
    assert masked(text, number_of(name)) == expected


def test_a_matrix_with_a_hole_or_a_strange_word_is_refused_with_every_fault(
    tmp_path: Path,
) -> None:
    path = tmp_path / "matrix.csv"
    roles = [name.removeprefix("ROLE_").lower() for name, number in Role.items() if number]
    header = ",".join(["data_class", *roles])
    rows = [["name", *["some"] * len(roles)], ["rumour", *["none"] * len(roles)]]
    path.write_text("\n".join([header, *map(",".join, rows)]), "utf-8")
    with pytest.raises(BadTableError) as refused:
        read_matrix(path)
    problems = str(refused.value)
    assert "must be none, masked or full, not 'some'" in problems
    assert "'rumour' is no data class" in problems
    assert "contact has no line" in problems


def test_a_method_that_shows_nothing_of_a_petition_needs_no_veil() -> None:
    assert not Veil(PATHS["/heed.warning.v1.WarningService/ListWarnings"], shipped_matrix()).needed
