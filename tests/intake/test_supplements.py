"""SupplementPetition: what was written stays, what is added is masked, sorted anew and shown."""

import asyncio
import re
import uuid
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import grpc
from heed.feed.v1 import feed_service_pb2 as feed
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources
from heed.intake.v1.events_pb2 import PetitionEvent

from heed_intake.application.check_progress import WRONG_CODES
from heed_shared.errors import info_of, reason_of
from heed_shared.ids import petition_name
from tests.intake.changes import ACCUSING, WRONG_CODE, addition, taking_back
from tests.intake.conftest import Office, refusal, wrong_fields
from tests.intake.test_progress import check
from tests.intake.test_sealed_lane import events_of, everything_in, forms_of

PERSON = {"display_name": "欧阳明月", "contact": "13912345678"}
PHOTO = {"file_name": "欧阳明月.jpg", "media_type": "image/jpeg", "sha256": b"x" * 32}
Kind = PetitionEvent


async def read(office: Office, answer: pb.RegisterPetitionResponse) -> resources.Petition:
    """The petition as a clerk reads it."""
    request = pb.GetPetitionRequest(name=answer.petition.name)
    response: pb.GetPetitionResponse = await office.stub().GetPetition(request)
    return response.petition


async def texts_of(office: Office, answer: pb.RegisterPetitionResponse) -> pb.MaskedText:
    """The petition as the classifier reads it."""
    request = pb.BatchGetMaskedTextsRequest(names=[answer.petition.name])
    response: pb.BatchGetMaskedTextsResponse = await office.stub(
        "service/classifier"
    ).BatchGetMaskedTexts(request)
    return response.texts[0]


def later(office: Office, **span: int) -> None:
    """Move the business clock."""
    office.service.clock.advance(office.service.clock.now() + timedelta(**span))  # type: ignore[attr-defined]


async def test_an_addition_is_masked_kept_in_order_told_and_shown(office: Office) -> None:
    answer = await office.register(petitioner=PERSON)
    later(office, days=1)
    text = "欧阳明月补充：请打13912345678，停水已五天。"
    first = await office.stub("portal").SupplementPetition(
        addition(answer, text=text, evidence=[PHOTO])
    )
    later(office, days=1)
    clerk = office.stub("clerk")
    await clerk.SupplementPetition(addition(answer, text="来信补充：六天了。", query_code=""))

    (told,) = first.petition.supplements
    assert told.masked_text == "【姓名】补充：请打【联系方式】，停水已五天。"
    assert told.evidence[0].file_name == "【姓名】.jpg"
    assert (first.petition.name, first.petition.masked_facts) == (answer.petition.name, "")
    petition = await read(office, answer)
    assert [item.masked_text for item in petition.supplements] == [
        "【姓名】补充：请打【联系方式】，停水已五天。",
        "来信补充：六天了。",
    ]
    assert petition.supplements[0] == told
    assert petition.masked_facts == answer.petition.masked_facts
    shown = await texts_of(office, answer)
    assert list(shown.supplements) == [item.masked_text for item in petition.supplements]
    assert shown.etag == petition.etag != answer.petition.etag
    events = await events_of(office)
    assert [event.petition.kind for event in events] == [
        Kind.KIND_REGISTERED,
        Kind.KIND_SUPPLEMENTED,
        Kind.KIND_SUPPLEMENTED,
    ]
    assert events[1].etag == first.petition.etag
    page = await office.stub("portal").CheckProgress(check(answer))
    assert [(step.text, step.reached_at.ToDatetime().day) for step in page.steps[1:]] == [
        ("已收到您补充的材料。", 3),
        ("已收到您补充的材料。", 4),
    ]
    stored = await everything_in(office, "intake")
    assert not any(form in stored for form in forms_of("请打13912345678"))
    snapshot = feed.GetFeedSnapshotRequest(feed="intake.petitions")
    parts = [part async for part in office.feed().GetFeedSnapshot(snapshot)]
    assert [event.petition.kind for part in parts for event in part.events] == [
        Kind.KIND_SUPPLEMENTED
    ]


async def test_the_same_request_again_adds_once_and_gets_the_same_answer(office: Office) -> None:
    for nature in ("NATURE_UNSPECIFIED", "NATURE_ACCUSATION"):
        answer = await office.register(declared_nature=nature)
        request = addition(answer)
        portal = office.stub("portal")

        async def add(
            request: pb.SupplementPetitionRequest = request,
        ) -> pb.SupplementPetitionResponse:
            response: pb.SupplementPetitionResponse = await office.stub(
                "portal"
            ).SupplementPetition(request)
            return response

        answers = await asyncio.gather(*(add() for _ in range(8)))
        await portal.SupplementPetition(addition(answer))
        await portal.WithdrawPetition(taking_back(answer))
        answers.append(await add())
        assert len({item.SerializeToString(deterministic=True) for item in answers}) == 1
        other = addition(answer, request_id=request.request_id, text="别的。")
        error = await refusal(portal.SupplementPetition(other))
        assert reason_of(error) == "REQUEST_ID_REUSED"
    for schema in ("intake", "intake_sealed"):
        rows = await office.rows(f"SELECT number FROM {schema}.supplement ORDER BY number")
        assert [row["number"] for row in rows] == [1, 2], schema


async def test_concurrent_additions_are_all_kept(office: Office) -> None:
    answer = await office.register()
    texts = [f"补充{number}" for number in range(8)]

    async def add(text: str) -> None:
        await office.stub("portal").SupplementPetition(addition(answer, text=text))

    await asyncio.gather(*map(add, texts))
    petition = await read(office, answer)
    assert sorted(item.masked_text for item in petition.supplements) == texts


async def test_a_wrong_code_and_an_unknown_petition_are_one_answer_and_throttled(
    office: Office,
) -> None:
    answer, other = await office.register(), await office.register()
    portal = office.stub("portal")
    stranger = petition_name("110105", uuid.uuid4())
    additions = [
        addition(answer, query_code=WRONG_CODE),
        addition(answer, query_code=other.query_code),
        addition(answer, name=stranger),
    ]
    errors = [await refusal(portal.SupplementPetition(item)) for item in additions]
    errors.append(await refusal(portal.WithdrawPetition(taking_back(answer, name=stranger))))
    assert {(reason_of(error), error.details()) for error in errors} == {
        ("RECEIPT_NOT_FOUND", "the receipt number or the query code is wrong")
    }
    reasons = [
        reason_of(await refusal(portal.SupplementPetition(addition(answer, query_code="AAAA"))))
        for _ in range(WRONG_CODES)
    ]
    assert reasons[-1] == "RATE_LIMITED"
    await portal.SupplementPetition(addition(answer))
    error = await refusal(portal.SupplementPetition(addition(answer, query_code="")))
    assert wrong_fields(error) == {"query_code"}


async def test_a_clerk_adds_in_the_own_region_only_and_others_nowhere(office: Office) -> None:
    answer = await office.register()
    elsewhere = office.caller(["ROLE_INTAKE_CLERK"], "31")
    for name in (answer.petition.name, petition_name("310101", uuid.uuid4())):
        calls: list[Awaitable[Any]] = [
            elsewhere.SupplementPetition(addition(answer, name=name, query_code="")),
            elsewhere.WithdrawPetition(taking_back(answer, name=name, query_code="")),
        ]
        for call in calls:
            error = await refusal(call)
            assert (error.code(), reason_of(error)) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
            assert error.details() == f"{name} does not exist"
    for identity in ("officer", "handler", "leader", "supervisor", "peer", "service/disposal"):
        stub = office.stub(identity)
        by_role: list[Awaitable[Any]] = [
            stub.SupplementPetition(addition(answer)),
            stub.WithdrawPetition(taking_back(answer)),
        ]
        for call in by_role:
            assert reason_of(await refusal(call)) == "ROLE_REQUIRED", identity
    assert list((await read(office, answer)).supplements) == []


async def test_wrong_fields_of_an_addition_are_named(office: Office) -> None:
    answer = await office.register()
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"text": " "}, "text"),
        ({"text": "好\0"}, "text"),
        ({"text": "字" * 100_001}, "text"),
        ({"evidence": [PHOTO | {"sha256": b"x"}]}, "evidence[0].sha256"),
        ({"evidence": [PHOTO | {"sha256": bytes(32)}]}, "evidence[0].sha256"),
        ({"evidence": [PHOTO | {"file_name": "/home/a/b.jpg"}]}, "evidence[0].file_name"),
        ({"evidence": [PHOTO | {"media_type": "照片"}]}, "evidence[0].media_type"),
        ({"evidence": [PHOTO] * 51}, "evidence"),
        ({"name": "petitions/1"}, "name"),
        ({"request_id": "7"}, "request_id"),
    ]
    for fields, path in wrong:
        error = await refusal(office.stub("portal").SupplementPetition(addition(answer, **fields)))
        assert (reason_of(error), wrong_fields(error)) == ("INVALID_FIELD", {path})
    only_evidence = addition(answer, text="", evidence=[PHOTO])
    await office.stub("portal").SupplementPetition(only_evidence)


async def test_after_a_withdrawal_the_advice_is_to_register_anew(office: Office) -> None:
    answer = await office.register()
    await office.stub("portal").WithdrawPetition(taking_back(answer))
    error = await refusal(office.stub("portal").SupplementPetition(addition(answer)))
    assert (error.code(), reason_of(error)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "WRONG_STATE",
    )
    metadata = info_of(error).metadata
    assert metadata["current_state"] == "STATE_WITHDRAWN"
    assert "另行登记" in metadata["advice"]


async def test_an_accusing_addition_seals_the_whole_petition_in_the_same_call(
    office: Office,
) -> None:
    answer = await office.register(facts="某单位的事情。", petitioner=PERSON)
    portal = office.stub("portal")
    await portal.SupplementPetition(addition(answer, text="先补充一点。"))
    request = addition(answer, text=ACCUSING)
    changed = await portal.SupplementPetition(request)
    # The answer is that to any addition: nobody learns from it in which lane the petition lies.
    assert changed.petition.state == resources.Petition.STATE_REGISTERED
    assert [item.masked_text for item in changed.petition.supplements] == [ACCUSING]
    assert (await portal.SupplementPetition(request)) == changed

    assert [event.petition.kind for event in await events_of(office)] == [
        Kind.KIND_REGISTERED,
        Kind.KIND_SUPPLEMENTED,
        Kind.KIND_SEALED,
    ]
    for value in ("某单位的事情", "先补充一点", "收受贿赂", answer.petition.receipt_number):
        for schema in ("intake", "intake_sealed"):
            stored = await everything_in(office, schema)
            if schema == "intake" or value != answer.petition.receipt_number:
                assert not any(form in stored for form in forms_of(value)), (schema, value)
    shown = await texts_of(office, answer)
    assert shown.availability == pb.MaskedText.AVAILABILITY_SEALED
    page = await portal.CheckProgress(check(answer))
    assert [re.sub("。.*", "", step.text) for step in page.steps] == [
        "您的信访事项已登记",
        "已收到您补充的材料",
        "已收到您补充的材料",
    ]
    assert not any(step.HasField("due_at") or step.unit for step in page.steps)
    because = await office.rows("SELECT sealed_because, version FROM intake_sealed.petition")
    assert because[0]["sealed_because"] != ["suspected"]
    numbers = await office.rows("SELECT number FROM intake_sealed.supplement ORDER BY number")
    assert [row["number"] for row in numbers] == [1, 2]


async def test_an_addition_to_a_sealed_petition_stays_in_the_sealed_lane(office: Office) -> None:
    answer = await office.register(declared_nature="NATURE_ACCUSATION", petitioner=PERSON)
    text = "欧阳明月又想起一件事。"
    changed = await office.stub("portal").SupplementPetition(addition(answer, text=text))
    by_clerk = addition(answer, text="来信一封。", query_code="")
    await office.stub("clerk").SupplementPetition(by_clerk)
    assert changed.petition.supplements[0].masked_text == "【姓名】又想起一件事。"
    assert await events_of(office) == []
    # The audit says which petition a caller named, and not in which lane it lies.
    lines = (await everything_in(office, "intake")).splitlines()
    ordinary = "\n".join(line for line in lines if "IntakeService/" not in line)
    uid = answer.petition.name.removeprefix("petitions/110105-")
    for value in (uid, uid.replace("-", ""), answer.petition.receipt_number, "又想起"):
        assert not any(form in ordinary for form in forms_of(value)), value
    sealed = await everything_in(office, "intake_sealed")
    assert not any(form in sealed for form in forms_of("又想起"))
    assert len(await office.rows("SELECT 1 FROM intake_sealed.supplement")) == 2


async def test_the_newest_additions_go_with_the_text_however_many_there_are(
    office: Office,
) -> None:
    answer = await office.register()
    portal = office.stub("portal")
    for text in ("一" * 60_000, "二" * 60_000, "三" * 30_000):
        await portal.SupplementPetition(addition(answer, text=text))
    shown = await texts_of(office, answer)
    assert [text[0] for text in shown.supplements] == ["二", "三"]
    assert len((await read(office, answer)).supplements) == 3
