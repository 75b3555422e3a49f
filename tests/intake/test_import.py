"""Batches and imports: each petition is answered by itself, in order."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from heed.intake.v1 import intake_service_pb2 as pb

from heed_shared.errors import reason_of
from tests.intake.conftest import Office, reason_in, refusal, registration


def rows(
    requests: Iterable[pb.RegisterPetitionRequest], first: int = 1
) -> list[pb.ImportPetitionsRequest]:
    """Rows of an import, numbered."""
    return [
        pb.ImportPetitionsRequest(row=number, registration=request)
        for number, request in enumerate(requests, first)
    ]


async def imported(
    office: Office, sent: Iterable[pb.ImportPetitionsRequest], identity: str = "clerk"
) -> list[pb.ImportRowResult]:
    """Every answer of an import, in the order in which they came."""
    call = office.stub(identity).ImportPetitions(iter(sent))
    return [result async for response in call for result in response.results]


async def answer_of(call: Any) -> pb.ImportPetitionsResponse:
    """The next answer of an import."""
    async with asyncio.timeout(5):
        answer: pb.ImportPetitionsResponse = await call.read()
    return answer


async def test_each_petition_of_a_batch_is_answered_in_its_place(office: Office) -> None:
    reused = str(uuid.uuid4())
    requests = [
        registration(reused),
        registration(facts="", request=""),
        registration(region_code="999999"),
        registration("no uuid"),
        registration(reused, facts="另一件。"),
        registration(declared_nature="NATURE_ACCUSATION"),
        registration(),
    ]
    answer = await office.stub().BatchRegisterPetitions(
        pb.BatchRegisterPetitionsRequest(requests=requests)
    )
    assert [reason_in(result) for result in answer.results] == [
        "",
        "INVALID_FIELD",
        "UNKNOWN_REGION",
        "INVALID_FIELD",
        "REQUEST_ID_REUSED",
        "",
        "",
    ]
    registered = [result.registered for result in answer.results if result.HasField("registered")]
    assert {item.petition.receipt_number[-1] for item in registered} == {"1", "2", "3"}


async def test_a_batch_sent_again_gets_the_same_answers(office: Office) -> None:
    batch = pb.BatchRegisterPetitionsRequest(requests=[registration() for _ in range(50)])
    first = await office.stub().BatchRegisterPetitions(batch)
    assert await office.stub().BatchRegisterPetitions(batch) == first


async def test_a_clean_batch_is_one_transaction_in_each_lane(office: Office) -> None:
    requests = [
        registration(declared_nature="NATURE_ACCUSATION" if index % 2 else "NATURE_ENQUIRY")
        for index in range(100)
    ]
    batch = pb.BatchRegisterPetitionsRequest(requests=requests)
    await office.stub().BatchRegisterPetitions(batch)
    for table in ("intake.petition", "intake_sealed.petition"):
        (row,) = await office.rows(
            f"SELECT count(*) AS n, count(DISTINCT xmin::text) AS transactions FROM {table}"
        )
        assert (row["n"], row["transactions"]) == (50, 1), table


async def test_a_batch_has_1_to_500_petitions(office: Office) -> None:
    for count in (0, 501):
        batch = pb.BatchRegisterPetitionsRequest(requests=[registration()] * count)
        error = await refusal(office.stub().BatchRegisterPetitions(batch))
        assert reason_of(error) == "INVALID_FIELD"


async def test_out_of_region_petitions_of_a_batch_are_refused_in_place(office: Office) -> None:
    clerk = office.caller(["ROLE_INTAKE_CLERK"], "110105")
    answer = await clerk.BatchRegisterPetitions(
        pb.BatchRegisterPetitionsRequest(
            requests=[registration(), registration(region_code="310101")]
        )
    )
    assert [reason_in(result) for result in answer.results] == ["", "REGION_NOT_ALLOWED"]


async def test_batches_and_imports_need_the_role(office: Office) -> None:
    batch = pb.BatchRegisterPetitionsRequest(requests=[registration()])
    assert reason_of(await refusal(office.stub("officer").BatchRegisterPetitions(batch))) == (
        "ROLE_REQUIRED"
    )
    # A portal registers for one person at a time.
    for identity, status in (
        ("portal", grpc.StatusCode.PERMISSION_DENIED),
        ("nobody", grpc.StatusCode.UNAUTHENTICATED),
    ):
        error = await refusal(imported(office, rows([registration()]), identity))
        assert error.code() is status


async def test_every_row_is_answered_in_order_and_poison_in_its_place(office: Office) -> None:
    await office.rows("ALTER TABLE intake.petition ADD CHECK (external_id <> 'POISON')")
    requests = [registration(external_id=f"{number}") for number in range(501)]
    requests[3] = registration(facts="停水\0三天")
    requests[250] = registration(external_id="POISON")
    requests[251] = registration(region_code="999999")
    results = await imported(office, rows(requests, first=2))
    assert [result.row for result in results] == list(range(2, 503))
    refused = {result.row - 2: reason_in(result.result) for result in results}
    assert {row: reason for row, reason in refused.items() if reason} == {
        3: "INVALID_FIELD",
        250: "INVALID_FIELD",
        251: "UNKNOWN_REGION",
    }
    numbers = [
        result.result.registered.petition.receipt_number
        for result in results
        if result.result.HasField("registered")
    ]
    assert numbers == [f"110105-2026-{serial:06d}" for serial in range(1, 499)]
    stored = await office.rows("SELECT count(*) AS n FROM intake.petition")
    assert stored[0]["n"] == 498


async def test_an_import_sent_again_registers_nothing_twice(office: Office) -> None:
    sent = rows([registration() for _ in range(300)])
    first = await imported(office, sent)
    assert await imported(office, sent) == first
    stored = await office.rows("SELECT count(*) AS n FROM intake.petition")
    assert stored[0]["n"] == 300


async def test_rows_are_answered_while_the_stream_is_still_open(office: Office) -> None:
    more = asyncio.Event()

    async def slowly() -> AsyncIterator[pb.ImportPetitionsRequest]:
        yield rows([registration()])[0]
        await more.wait()
        yield rows([registration()], first=2)[0]

    call = office.stub().ImportPetitions(slowly())
    first = await answer_of(call)
    assert [result.row for result in first.results] == [1]
    more.set()
    assert [result.row for result in (await answer_of(call)).results] == [2]
    assert await call.read() is grpc.aio.EOF


async def test_an_empty_import_ends_at_once(office: Office) -> None:
    assert await imported(office, []) == []


async def test_a_cancelled_import_keeps_whole_batches_only(office: Office) -> None:
    sent = rows([registration() for _ in range(600)])
    call = office.stub().ImportPetitions(iter(sent))
    first = await answer_of(call)
    call.cancel()
    results = await imported(office, sent)
    assert [result.row for result in results] == list(range(1, 601))
    assert list(results[: len(first.results)]) == list(first.results)
    numbers = {result.result.registered.petition.receipt_number for result in results}
    assert numbers == {f"110105-2026-{serial:06d}" for serial in range(1, 601)}


async def test_a_row_without_a_registration_is_refused_in_place(office: Office) -> None:
    sent = [pb.ImportPetitionsRequest(row=7), *rows([registration()], first=8)]
    results = await imported(office, sent)
    assert [reason_in(result.result) for result in results] == ["INVALID_FIELD", ""]
