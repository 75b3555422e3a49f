"""Work in the sealed lane over the wire: the whole life, order, states, repetitions, looks."""

import asyncio
import uuid
from datetime import timedelta

import grpc
import pytest
import pytest_asyncio
from heed.intake.v1 import intake_service_pb2 as intake
from heed.intake.v1 import sealed_service_pb2 as pb

from heed_shared.errors import info_of, reason_of
from heed_shared.rpc.options import MAX_MESSAGE_BYTES
from tests.intake.conftest import NOW, Office, emptied, refusal, wrong_fields
from tests.intake.sealed_desk import (
    ACCUSER,
    PURPOSE,
    STEPS,
    WORDS,
    desk_of,
    desk_of_region,
    request_of,
)

Sealed = pb.SealedPetition
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def office(shared_office: Office) -> Office:
    """The office of this module, empty again."""
    return await emptied(shared_office)


async def test_a_look_shows_the_original_the_accuser_and_a_mark_of_who_looks(
    office: Office,
) -> None:
    desk = desk_of(office)
    text = f"{WORDS}请打13912345678。"
    answer = await desk.sealed(
        facts=text,
        accused_persons=["张三丰"],
        evidence=[{"file_name": "账本.jpg", "media_type": "image/jpeg", "sha256": b"x" * 32}],
    )
    await office.stub("portal").SupplementPetition(
        intake.SupplementPetitionRequest(
            request_id=str(uuid.uuid4()),
            name=answer.petition.name,
            query_code=answer.query_code,
            text="他还收了张某的购物卡。",
        )
    )
    seen = await desk.look(answer.petition.name)
    assert seen.content.facts == text
    assert list(seen.content.supplements) == ["他还收了张某的购物卡。"]
    assert seen.content.evidence[0].file_name == "账本.jpg"
    assert list(seen.content.accused_persons) == ["张三丰"]
    assert list(seen.content.closed_units) == ["朝阳区水务局", "朝阳区水务局供水科"]
    assert seen.accuser.display_name == ACCUSER["display_name"]
    assert seen.accuser.safe_contact_note == ACCUSER["safe_contact_note"]
    for part in ("市纪委监委信访室", "秦正", "staff/1010", "2026-03-02 09:30"):
        assert part in seen.content.watermark
    assert list(seen.petition.sealed_because) == ["declared", "accused"]
    rows = await office.rows(
        "SELECT purpose FROM intake.audit_entry WHERE method LIKE '%GetSealedPetition'"
        " AND resource = $1",
        answer.petition.name,
    )
    assert [row["purpose"] for row in rows] == [PURPOSE]
    short = pb.GetSealedPetitionRequest(name=answer.petition.name, purpose="看")
    assert wrong_fields(await refusal(desk.stub.GetSealedPetition(short))) == {"purpose"}


async def test_a_named_accuser_must_be_told_and_an_anonymous_one_cannot(office: Office) -> None:
    desk = desk_of(office)
    named, anonymous = await desk.sealed(), await desk.sealed(petitioner=None)
    request = request_of("AcceptSealedPetition", name=named.petition.name, notice_method=" ")
    assert wrong_fields(await refusal(desk.stub.AcceptSealedPetition(request))) == {"notice_method"}
    name = anonymous.petition.name
    accepted = await desk.do("AcceptSealedPetition", name)
    assert (accepted.state, accepted.named) == (Sealed.STATE_ACCEPTED, False)
    closed = await desk.do("CloseSealedPetition", name)
    assert not closed.HasField("deadline")
    assert not (await desk.look(name)).HasField("accuser")


async def test_what_burns_first_comes_first_page_by_page(office: Office) -> None:
    desk = desk_of(office)
    received = [NOW - timedelta(days=days) for days in (3, 40, 11, 0, 25)]
    made = [(await desk.sealed(received_at=moment)).petition.name for moment in received]
    done = (await desk.sealed(received_at=NOW - timedelta(days=90))).petition.name
    await desk.do("AcceptSealedPetition", done, notice_method="电话")
    names: list[str] = []
    token = ""
    while True:
        page = await desk.page(page_size=2, page_token=token)
        names += [item.name for item in page.petitions]
        token = page.next_page_token
        if not token:
            break
    expected = [name for _, name in sorted(zip(received, made, strict=True))]
    assert names == [*expected, done]
    waiting = await desk.page(state=Sealed.STATE_SEALED)
    assert [item.name for item in waiting.petitions] == expected
    first = await desk.page(page_size=1)
    other = pb.ListSealedPetitionsRequest(region_prefix="11", page_token=first.next_page_token)
    error = await refusal(desk.stub.ListSealedPetitions(other))
    assert reason_of(error) == "BAD_PAGE_TOKEN"


async def test_a_wrong_state_names_the_present_and_the_possible_ones(office: Office) -> None:
    desk = desk_of(office)
    name = (await desk.sealed()).petition.name
    for method in ("CloseSealedPetition", "TellSealedResult"):
        error = await refusal(desk.do(method, name, **STEPS[method]))
        assert reason_of(error) == "WRONG_STATE"
        info = info_of(error)
        assert info is not None
        assert info.metadata["current_state"] == "STATE_SEALED"
    assert info.metadata["allowed_states"] == "STATE_CLOSED"
    await desk.do("AcceptSealedPetition", name, notice_method="电话")
    error = await refusal(desk.do("UnsealPetition", name, **STEPS["UnsealPetition"]))
    assert reason_of(error) == "WRONG_STATE"


async def test_an_old_etag_changes_nothing_and_a_repeated_call_gets_its_first_answer(
    office: Office,
) -> None:
    desk = desk_of(office)
    name = (await desk.sealed()).petition.name
    (before,) = (await desk.page()).petitions
    request = request_of("AcceptSealedPetition", name=name, etag=before.etag, notice_method="电话")
    first = await desk.stub.AcceptSealedPetition(request)
    assert await desk.stub.AcceptSealedPetition(request) == first
    request.notice_method = "短信"  # type: ignore[attr-defined]
    error = await refusal(desk.stub.AcceptSealedPetition(request))
    assert reason_of(error) == "REQUEST_ID_REUSED"
    error = await refusal(desk.do("CloseSealedPetition", name, etag=before.etag))
    assert reason_of(error) == "STALE_ETAG"
    steps = await office.rows("SELECT action FROM intake_sealed.step")
    assert [row["action"] for row in steps] == ["accept"]


async def test_of_two_who_take_it_up_at_the_same_time_one_does(office: Office) -> None:
    name = (await desk_of(office).sealed()).petition.name
    desks = (desk_of(office), desk_of_region(office, "1101", "staff/other"))
    calls = (desk.do("AcceptSealedPetition", name, notice_method="电话") for desk in desks)
    done = await asyncio.gather(*calls, return_exceptions=True)
    refused = [item for item in done if isinstance(item, grpc.aio.AioRpcError)]
    assert [reason_of(error) for error in refused] == ["WRONG_STATE"]


async def test_a_forbidden_route_has_no_override_and_names_nobody(office: Office) -> None:
    desk = desk_of(office)
    answer = await desk.sealed(target_units=["区水务局"])
    name = answer.petition.name
    for unit in ("朝阳区水务局", "朝阳区水务局供水科"):
        error = await refusal(desk.do("ForwardSealedPetition", name, destination_unit=unit))
        assert reason_of(error) == "ROUTE_FORBIDDEN"
        info = info_of(error)
        assert info is not None
        assert dict(info.metadata) == {"open_unit": "朝阳区人民政府"}
        assert "水务局" not in (error.details() or "")
    denied = await office.rows(
        "SELECT 1 FROM intake.audit_entry WHERE method LIKE '%ForwardSealedPetition'"
        " AND resource = $1",
        name,
    )
    assert len(denied) == 2
    error = await refusal(desk.do("ForwardSealedPetition", name, destination_unit="某局"))
    assert wrong_fields(error) == {"destination_unit"}
    # Whom only the text names the guard learns from the officer.
    added = await desk.do("AddAccused", name, accused_persons=["罗成"], target_units=["某公司"])
    assert added.state == Sealed.STATE_SEALED
    error = await refusal(desk.do("ForwardSealedPetition", name, destination_unit="朝阳区人民政府"))
    assert reason_of(error) == "ROUTE_FORBIDDEN"
    content = (await desk.look(name)).content
    assert list(content.target_units) == ["区水务局", "某公司"]
    assert list(content.accused_persons) == ["罗成"]
    sent = await desk.do("ForwardSealedPetition", name, destination_unit="朝阳区纪委监委")
    assert sent.destination_unit == "朝阳区纪委监委"
    nobody = request_of("AddAccused", name=name, target_units=[" "])
    assert wrong_fields(await refusal(desk.stub.AddAccused(nobody))) == {"target_units"}


async def test_a_withdrawn_accusation_is_examined_all_the_same(office: Office) -> None:
    desk = desk_of(office)
    answer = await desk.sealed()
    request = intake.WithdrawPetitionRequest(
        request_id=str(uuid.uuid4()), name=answer.petition.name, query_code=answer.query_code
    )
    await office.stub("portal").WithdrawPetition(request)
    (listed,) = (await desk.page(state=Sealed.STATE_WITHDRAWN)).petitions
    assert listed.HasField("withdrawn_at")
    assert list((await desk.page(state=Sealed.STATE_SEALED)).petitions) == []
    error = await refusal(
        desk.do("UnsealPetition", answer.petition.name, **STEPS["UnsealPetition"])
    )
    assert reason_of(error) == "WRONG_STATE"
    added = await desk.do("AddAccused", answer.petition.name, target_units=["区水务局"])
    assert added.state == Sealed.STATE_WITHDRAWN
    accepted = await desk.do("AcceptSealedPetition", answer.petition.name, notice_method="电话")
    assert accepted.state == Sealed.STATE_ACCEPTED
    assert accepted.HasField("withdrawn_at")


async def test_very_many_supplements_still_fit_into_a_message(office: Office) -> None:
    desk = desk_of(office)
    answer = await desk.sealed()
    for number in range(25):
        await office.stub("portal").SupplementPetition(
            intake.SupplementPetitionRequest(
                request_id=str(uuid.uuid4()),
                name=answer.petition.name,
                query_code=answer.query_code,
                text=f"{number}" + "长" * 99_990,
            )
        )
    seen = await desk.look(answer.petition.name)
    assert seen.content.supplements[-1].startswith("24")
    assert seen.ByteSize() < MAX_MESSAGE_BYTES
