"""Forbidden calls over the real wire: all refused with the right code, and nothing given away."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import grpc
import jwt
import pytest
from google.protobuf.message_factory import GetMessageClass
from heed.classifier.v1 import classifier_service_pb2
from heed.disposal.v1 import disposal_service_pb2
from heed.intake.v1 import intake_service_pb2, sealed_service_pb2

from tests.security.attacker import (
    PERSONS,
    Answer,
    Attacker,
    allowed,
    every_method,
    method_of,
    stranger,
)
from tests.security.conftest import SECRET

pytestmark = pytest.mark.asyncio(loop_scope="package")

# What no answer to a forbidden call may hold: insides of the program, secrets, personal data.
LEAKS = re.compile(
    r"Traceback|File \"|asyncpg|sqlalchemy|psycopg|SELECT |INSERT |site-packages"
    rf"|{SECRET}|13800138000|高某某|eyJ|BEGIN .*KEY"
)

BAD_TOKENS: dict[str, Callable[[Attacker], str]] = {
    "expired": lambda a: a.forged(exp=1_700_000_000),
    "without an end": lambda a: a.forged(exp=None),
    "for another audience": lambda a: a.forged(aud="elsewhere"),
    "without an audience": lambda a: a.forged(aud=None),
    "of another issuer": lambda a: a.forged(iss="somebody"),
    "signed by a stranger": lambda a: a.forged(key=stranger()),
    "signed with an unknown key": lambda a: a.forged(kid="no-such-key"),
    "not signed": lambda a: jwt.encode({"sub": "x"}, "", algorithm="none"),
    "signed with a shared secret": lambda a: a.forged(key="k" * 32, algorithm="HS256"),
    "without a region": lambda a: a.forged(region=None),
    "with half a region": lambda a: a.forged(region="%"),
    "without roles": lambda a: a.forged(roles=None),
    "of a service": lambda a: a.forged(sub="service/classifier"),
    "cut off": lambda a: a.forged()[:-6],
    "no token at all": lambda _: "admin",
}


def unleaked(answer: Answer, what: Any) -> None:
    found = LEAKS.search(answer.text)
    assert found is None, (what, found)


async def test_without_a_valid_token_no_method_is_open(attacker: Attacker) -> None:
    wrong = []
    kinds = list(BAD_TOKENS.values())
    for number, (service, method) in enumerate(every_method()):
        # Each method without a token and with two bad ones; all kinds take their turn.
        pair = [kinds[(2 * number + turn) % len(kinds)](attacker) for turn in (0, 1)]
        for token in ["", *pair]:
            answer = await attacker.call(service, method, token=token)
            unleaked(answer, method.full_name)
            if answer.code is not grpc.StatusCode.UNAUTHENTICATED:
                wrong.append((method.full_name, answer.code))
    assert not wrong


@pytest.mark.parametrize("kind", BAD_TOKENS)
async def test_a_bad_token_opens_nothing(attacker: Attacker, kind: str) -> None:
    request = intake_service_pb2.GetPetitionRequest(name=attacker.target.petition)
    answer = await attacker.call(
        "intake", method_of("intake", "GetPetition"), request, BAD_TOKENS[kind](attacker)
    )
    assert answer.code is grpc.StatusCode.UNAUTHENTICATED
    assert answer.reason == "UNAUTHENTICATED"
    unleaked(answer, kind)


async def test_each_wrong_role_is_refused_by_every_method_before_anything_else(
    attacker: Attacker,
) -> None:
    wrong, refused = [], 0
    tokens = {role: attacker.token(role) for role in PERSONS}
    for service, method in every_method():
        for role in sorted(set(PERSONS) - allowed(method)):
            # A request that is empty, so wrong as well: the role is looked at first.
            answer = await attacker.call(service, method, token=tokens[role])
            refused += 1
            unleaked(answer, (method.full_name, role))
            if answer.reason != "ROLE_REQUIRED":
                wrong.append((method.full_name, role, answer.code, answer.reason))
    assert not wrong
    assert refused > 500


async def test_a_role_of_a_service_comes_from_its_certificate_alone(attacker: Attacker) -> None:
    token = attacker.token("ROLE_SERVICE_CLASSIFIER", "ROLE_SERVICE_DISPOSAL")
    method = method_of("intake", "BatchGetMaskedTexts")
    request = intake_service_pb2.BatchGetMaskedTextsRequest(names=[attacker.target.petition])
    answer = await attacker.call("intake", method, request, token)
    assert answer.reason == "ROLE_REQUIRED"
    # Warning has a certificate of the suite, and still no business with texts.
    answer = await attacker.call("intake", method, request, certificate="warning")
    assert answer.reason == "ROLE_REQUIRED"
    unleaked(answer, "masked texts")


def named_reads(attacker: Attacker) -> list[tuple[str, str, Any, Any]]:
    target = attacker.target
    strange = re.sub(r"[0-9a-f]{12}$", "0" * 12, target.petition)
    case = re.sub(r"[0-9a-f]{12}$", "0" * 12, target.case)
    get_petition = intake_service_pb2.GetPetitionRequest
    get_case = disposal_service_pb2.GetCaseRequest
    steps = disposal_service_pb2.ListCaseStepsRequest
    sorting = classifier_service_pb2.GetClassificationRequest
    return [
        ("intake", "GetPetition", get_petition(name=target.petition), get_petition(name=strange)),
        ("disposal", "GetCase", get_case(name=target.case), get_case(name=case)),
        ("disposal", "ListCaseSteps", steps(name=target.case), steps(name=case)),
        (
            "classifier",
            "GetClassification",
            sorting(name=f"{target.petition}/classification"),
            sorting(name=f"{strange}/classification"),
        ),
        (
            "classifier",
            "FindSimilarPetitions",
            classifier_service_pb2.FindSimilarPetitionsRequest(petition=target.petition),
            classifier_service_pb2.FindSimilarPetitionsRequest(petition=strange),
        ),
    ]


async def test_what_lies_in_another_region_looks_like_what_does_not_exist(
    attacker: Attacker,
) -> None:
    roles = ("ROLE_INTAKE_CLERK", "ROLE_CASE_OFFICER", "ROLE_SUPERVISOR")
    token = attacker.token(*roles, region="9H0102")
    for service, name, real, missing in named_reads(attacker):
        method = method_of(service, name)
        answers = [
            await attacker.call(service, method, request, token) for request in (real, missing)
        ]
        assert [answer.reason for answer in answers] == ["NOT_FOUND", "NOT_FOUND"], name
        codes = {answer.code for answer in answers}
        assert codes == {grpc.StatusCode.NOT_FOUND}
        shapes = {shape_of(answer.text) for answer in answers}
        assert len(shapes) == 1, (name, shapes)
        unleaked(answers[0], name)


def shape_of(text: str) -> str:
    """Return an answer without what differs from call to call: ids and traces."""
    return re.sub(r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f-]{27}", "…", text)


async def test_lists_of_another_region_are_empty_or_refused(attacker: Attacker) -> None:
    token = attacker.token("ROLE_INTAKE_CLERK", "ROLE_CASE_OFFICER", region="9H0102")
    for service, name in (
        ("intake", "ListPetitions"),
        ("classifier", "ListClassifications"),
        ("classifier", "ListIncidents"),
        ("disposal", "ListCases"),
        ("disposal", "ListDeadlines"),
    ):
        method = method_of(service, name)
        answer = await attacker.call(service, method, token=token)
        assert answer.code is grpc.StatusCode.OK, (name, answer)
        assert attacker.target.petition not in answer.text
        assert attacker.target.case not in answer.text
        unleaked(answer, name)


async def test_a_sealed_petition_is_not_there_for_any_ordinary_role(attacker: Attacker) -> None:
    ordinary = [role for role in PERSONS if role != "ROLE_ACCUSATION_OFFICER"]
    token = attacker.token(*ordinary)
    name = attacker.target.sealed
    answer = await attacker.call(
        "intake",
        method_of("intake", "GetPetition"),
        intake_service_pb2.GetPetitionRequest(name=name),
        token,
    )
    assert answer.reason == "NOT_FOUND"
    answer = await attacker.call(
        "intake",
        method_of("intake", "GetSealedPetition"),
        sealed_service_pb2.GetSealedPetitionRequest(name=name, purpose="想看一看"),
        token,
    )
    assert answer.reason == "ROLE_REQUIRED"
    for service, listing in (
        ("intake", "ListPetitions"),
        ("classifier", "ListClassifications"),
        ("disposal", "ListCases"),
    ):
        answer = await attacker.call(service, method_of(service, listing), token=token)
        assert name not in answer.text, listing


async def test_a_page_token_is_bound_to_its_list_and_cannot_be_changed(attacker: Attacker) -> None:
    token = attacker.token("ROLE_INTAKE_CLERK", "ROLE_CASE_OFFICER", "ROLE_SUPERVISOR")
    tokens = ["AAAA", "x" * 1000, str(uuid.uuid4()), "gAAAAABl", "'; DROP TABLE petition; --"]
    for service, method in every_method():
        fields = method.input_type.fields_by_name
        if "page_token" not in fields or not allowed(method) & {
            "ROLE_INTAKE_CLERK",
            "ROLE_CASE_OFFICER",
        }:
            continue
        if any(field.name in {"name", "matter", "from_day"} for field in method.input_type.fields):
            continue
        for page_token in tokens:
            request = _request(method, page_token=page_token)
            answer = await attacker.call(service, method, request, token)
            assert answer.reason == "BAD_PAGE_TOKEN", (method.full_name, page_token, answer)


def _request(method: Any, **fields: Any) -> Any:
    return GetMessageClass(method.input_type)(**fields)


async def test_a_request_sent_again_by_somebody_else_gives_them_nothing(
    attacker: Attacker,
) -> None:
    token = attacker.token("ROLE_PORTAL", sub="agency/other")
    method = method_of("intake", "RegisterPetition")
    answer = await attacker.call("intake", method, attacker.target.registration, token)
    assert attacker.target.receipt_number not in answer.text
    assert attacker.target.query_code not in answer.text


async def test_a_wrong_code_and_a_wrong_number_are_one_answer(attacker: Attacker) -> None:
    token = attacker.token("ROLE_PORTAL")
    method = method_of("intake", "CheckProgress")
    answers = [
        await attacker.call(
            "intake",
            method,
            intake_service_pb2.CheckProgressRequest(receipt_number=number, query_code=code),
            token,
        )
        for number, code in (
            (attacker.target.receipt_number, "ABCD-EFGH-JKLM"),
            ("9H0101-2026-999999", "ABCD-EFGH-JKLM"),
        )
    ]
    assert {answer.reason for answer in answers} == {"RECEIPT_NOT_FOUND"}
    assert len({shape_of(answer.text) for answer in answers}) == 1


@pytest.mark.parametrize("service", ["intake", "classifier", "warning", "disposal"])
async def test_bytes_that_are_no_message_are_refused_as_such(
    attacker: Attacker, service: str
) -> None:
    for method in (m for s, m in every_method() if s == service):
        role = sorted(allowed(method) & set(PERSONS))
        if not role:
            continue
        token = attacker.token(*role)
        for data in (b"\xff\xff\xff\xff", b"\x0a\xff\x01", b"\x08" * 9):
            answer = await attacker.call(service, method, data, token)
            assert answer.code is grpc.StatusCode.INVALID_ARGUMENT, (method.full_name, answer)
            unleaked(answer, method.full_name)


@pytest.mark.parametrize("service", ["intake", "classifier", "warning", "disposal"])
async def test_a_message_beyond_all_measure_is_refused_and_the_service_lives(
    attacker: Attacker, service: str
) -> None:
    method = next(m for s, m in every_method() if s == service and not m.client_streaming)
    token = attacker.token(*sorted(allowed(method) & set(PERSONS)))
    answer = await attacker.call(service, method, b"\x0a" * (32 << 20), token)
    assert answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    status = method_of(service, "GetFeedStatus")
    after = await attacker.call(service, status, token=attacker.token("ROLE_OPERATOR"))
    assert after.code is grpc.StatusCode.OK


@pytest.mark.parametrize("service", ["intake", "classifier", "warning", "disposal"])
async def test_without_a_certificate_of_the_authority_there_is_no_connection(
    attacker: Attacker, service: str
) -> None:
    ca = (attacker.suite.authority.directory / "ca.pem").read_bytes()
    bare = grpc.ssl_channel_credentials(ca)
    for credentials in (bare, None):
        target = attacker.suite.targets[service]
        channel = (
            grpc.aio.insecure_channel(target)
            if credentials is None
            else grpc.aio.secure_channel(target, credentials)
        )
        check: Any = channel.unary_unary("/grpc.health.v1.Health/Check")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await check(b"", timeout=3)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        await channel.close()


async def test_reflection_is_closed_to_whoever_does_not_run_the_platform(
    attacker: Attacker,
) -> None:
    path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    token = attacker.token("ROLE_CASE_OFFICER")
    ask: Any = attacker.channel("intake").stream_stream(path)
    metadata = [("authorization", f"Bearer {token}")]
    call = ask(iter([b"\x3a\x01*"]), metadata=metadata, timeout=5)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
