"""CheckProgress: what a petitioner learns by number and code, and what nobody else learns."""

from datetime import timedelta
from typing import Any

import pytest
from google.rpc import error_details_pb2
from heed.disposal.v1.events_pb2 import ProgressEvent
from heed.feed.v1.event_pb2 import Event
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_intake.adapters.consumers import ProgressHandler
from heed_intake.application.check_progress import WRONG_CODES
from heed_shared.database import Database
from heed_shared.errors import reason_of, status_of
from heed_shared.feed import Delivery
from tests.intake.conftest import NOW, Office, refusal, wrong_fields

Stage = resources.ProgressStep


def check(answer: pb.RegisterPetitionResponse, **changed: Any) -> pb.CheckProgressRequest:
    """The request of the holder of number and code."""
    fields = {"receipt_number": answer.petition.receipt_number, "query_code": answer.query_code}
    return pb.CheckProgressRequest(**(fields | changed))


def progress(petition: str, kind: "ProgressEvent.Kind.ValueType", **fields: Any) -> Delivery:
    """An event as disposal sends it."""
    event = ProgressEvent(kind=kind, petition=petition, **fields)
    event.stepped_at.FromDatetime(NOW + timedelta(days=int(kind)))
    if kind not in (ProgressEvent.KIND_CLOSED, ProgressEvent.KIND_ANSWERED):
        event.due_at.FromDatetime(NOW + timedelta(days=60))
    return Delivery(Event(subject=petition, progress=event), "")


async def told(office: Office, *deliveries: Delivery) -> None:
    """Apply events of disposal as the consumer does."""
    database = await Database.open(office.database["url"], "intake", 1)
    try:
        async with database.transaction() as tx:
            await ProgressHandler().apply(tx, deliveries, None)
            await tx.commit()
    finally:
        await database.close()


async def test_number_and_code_open_the_page_without_an_account(office: Office) -> None:
    answer = await office.register()
    page = await office.stub("portal").CheckProgress(check(answer))
    assert page.receipt_number == answer.petition.receipt_number
    assert page.received_at == answer.petition.received_at
    (step,) = page.steps
    assert step.stage == Stage.STAGE_REGISTERED
    # Fifteen days, the first not counted (article 22): the whole of 17 March in China.
    assert step.due_at.ToDatetime().isoformat() == "2026-03-17T15:59:59"
    assert step.text == ("您的信访事项已登记。最迟于2026年3月17日前转送有权处理的机关、单位。")


@pytest.mark.parametrize("typed", [str.lower, lambda code: f" {code.replace('-', ' ')} "])
async def test_a_code_may_be_typed_as_people_type(office: Office, typed: Any) -> None:
    answer = await office.register()
    request = check(
        answer,
        query_code=typed(answer.query_code),
        receipt_number=f" {answer.petition.receipt_number.lower()} ",
    )
    assert len((await office.stub("portal").CheckProgress(request)).steps) == 1


async def test_unknown_number_and_wrong_code_are_one_answer(office: Office) -> None:
    answer = await office.register()
    other = await office.register()
    requests = [
        check(answer, query_code="AAAA-AAAA-AAAA"),
        check(answer, query_code=other.query_code),
        check(answer, receipt_number="110105-2026-999999"),
        check(answer, receipt_number="'; DROP TABLE receipt"),
    ]
    errors = [await refusal(office.stub("portal").CheckProgress(item)) for item in requests]
    assert {reason_of(error) for error in errors} == {"RECEIPT_NOT_FOUND"}
    assert len({error.details() for error in errors}) == 1


async def test_wrong_codes_are_throttled_but_the_holder_still_passes(office: Office) -> None:
    answer, other = await office.register(), await office.register()
    portal = office.stub("portal")
    wrong = check(answer, query_code="AAAA-AAAA-AAAA")
    reasons = [
        reason_of(await refusal(portal.CheckProgress(wrong))) for _ in range(WRONG_CODES + 2)
    ]
    assert reasons == ["RECEIPT_NOT_FOUND"] * WRONG_CODES + ["RATE_LIMITED"] * 2
    status = status_of(await refusal(portal.CheckProgress(wrong)))
    assert status is not None
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in status.details)
    assert 0 < retry.retry_delay.ToTimedelta().total_seconds() <= 60
    # Another number, another caller and the holder are not concerned.
    for stub, request in (
        (portal, check(other, query_code="AAAA")),
        (office.stub("clerk"), wrong),
    ):
        assert reason_of(await refusal(stub.CheckProgress(request))) == "RECEIPT_NOT_FOUND"
    assert len((await portal.CheckProgress(check(answer))).steps) == 1


async def test_an_unknown_number_is_throttled_alike(office: Office) -> None:
    request = pb.CheckProgressRequest(receipt_number="110105-2026-000009", query_code="AAAA")
    for _ in range(WRONG_CODES):
        await refusal(office.stub("portal").CheckProgress(request))
    error = await refusal(office.stub("portal").CheckProgress(request))
    assert reason_of(error) == "RATE_LIMITED"


async def test_the_page_is_for_portals_and_clerks_and_needs_both(office: Office) -> None:
    answer = await office.register()
    for identity in ("officer", "analyst", "peer", "service/disposal"):
        error = await refusal(office.stub(identity).CheckProgress(check(answer)))
        assert reason_of(error) == "ROLE_REQUIRED", identity
    for field in ("receipt_number", "query_code"):
        error = await refusal(office.stub("portal").CheckProgress(check(answer, **{field: ""})))
        assert wrong_fields(error) == {field}


async def test_every_step_of_disposal_is_shown_with_date_and_words(office: Office) -> None:
    answer = await office.register()
    name = answer.petition.name
    kinds = [kind for kind in ProgressEvent.Kind.values() if kind]
    await told(office, *(progress(name, kind, unit="区水务局") for kind in kinds))
    page = await office.stub("portal").CheckProgress(check(answer))
    assert [step.stage for step in page.steps] == [
        Stage.STAGE_REGISTERED,
        Stage.STAGE_CASE_OPENED,
        Stage.STAGE_ROUTED,
        Stage.STAGE_ACCEPTED,
        Stage.STAGE_IN_PROGRESS,
        Stage.STAGE_EXTENDED,
        Stage.STAGE_OPINION_ISSUED,
        Stage.STAGE_FOLLOWED_UP,
        Stage.STAGE_CLOSED,
        Stage.STAGE_NOTIFIED,
        Stage.STAGE_SERVED,
        Stage.STAGE_REVIEW_REQUESTED,
        Stage.STAGE_REVIEW_ISSUED,
        Stage.STAGE_REOPENED,
        Stage.STAGE_SUPERVISED,
        Stage.STAGE_ANSWERED,
    ]
    routed, closed = page.steps[2], page.steps[8]
    assert routed.unit == "区水务局"
    assert routed.text == "已转送、交办区水务局处理。最迟于2026年5月1日前告知您是否受理。"
    assert not closed.HasField("due_at")
    assert closed.text == "已办结。"


async def test_steps_of_no_petition_of_ours_are_dropped(office: Office) -> None:
    sealed = await office.register(declared_nature="NATURE_ACCUSATION")
    stranger = sealed.petition.name.replace("110105", "110106")
    await told(
        office,
        progress(sealed.petition.name, ProgressEvent.KIND_OPENED),
        progress(stranger, ProgressEvent.KIND_OPENED),
        progress("", ProgressEvent.KIND_OPENED),
    )
    assert await office.rows("SELECT 1 FROM intake.progress_step") == []
