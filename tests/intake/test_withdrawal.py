"""WithdrawPetition: at the petitioner's own wish, once; the petition stays registered."""

import asyncio

import grpc
from heed.disposal.v1.events_pb2 import ProgressEvent
from heed.feed.v1 import feed_service_pb2 as feed
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources
from heed.intake.v1.events_pb2 import PetitionEvent

from heed_shared.errors import info_of, reason_of
from tests.intake.changes import addition, taking_back
from tests.intake.conftest import Office, refusal, wrong_fields
from tests.intake.test_progress import check, progress, told
from tests.intake.test_sealed_lane import events_of, everything_in, forms_of
from tests.intake.test_supplements import later, read, texts_of

WITHDRAWN = resources.Petition.STATE_WITHDRAWN
REASON = "自来水已经恢复了，谢谢。"


async def test_a_withdrawn_petition_stays_registered_and_readable_and_says_so(
    office: Office,
) -> None:
    answer = await office.register()
    later(office, days=1)
    taken = await office.stub("portal").WithdrawPetition(taking_back(answer, reason=REASON))
    assert (taken.petition.state, taken.petition.masked_facts) == (WITHDRAWN, "")
    petition = await read(office, answer)
    assert petition.state == WITHDRAWN
    assert petition.masked_facts == answer.petition.masked_facts
    assert petition.receipt_number == answer.petition.receipt_number
    assert petition.etag == taken.petition.etag
    assert (await texts_of(office, answer)).availability == pb.MaskedText.AVAILABILITY_READABLE
    events = await events_of(office)
    assert [event.petition.kind for event in events] == [
        PetitionEvent.KIND_REGISTERED,
        PetitionEvent.KIND_WITHDRAWN,
    ]
    request = feed.GetFeedSnapshotRequest(feed="intake.petitions")
    parts = [part async for part in office.feed().GetFeedSnapshot(request)]
    assert [event.petition.kind for part in parts for event in part.events] == [
        PetitionEvent.KIND_WITHDRAWN
    ]
    stored = await everything_in(office, "intake")
    assert not any(form in stored for form in forms_of(REASON))


async def test_the_page_ends_with_the_petitioners_own_wish(office: Office) -> None:
    answer = await office.register()
    name = answer.petition.name
    await told(office, progress(name, ProgressEvent.KIND_OPENED))
    later(office, days=5)
    await office.stub("portal").WithdrawPetition(taking_back(answer))
    await told(
        office,
        progress(name, ProgressEvent.KIND_CLOSED),
        progress(name, ProgressEvent.KIND_FOLLOWED_UP),
    )
    page = await office.stub("portal").CheckProgress(check(answer))
    assert [step.text.partition("。")[0] for step in page.steps] == [
        "您的信访事项已登记",
        "已完成分类并立案",
        "您已撤回信访事项",
        "已就办理结果进行回访",
    ]


async def test_withdrawn_twice_is_a_wrong_state_and_the_same_request_the_same_answer(
    office: Office,
) -> None:
    for nature in ("NATURE_UNSPECIFIED", "NATURE_ACCUSATION"):
        answer = await office.register(declared_nature=nature)
        request = taking_back(answer)

        async def take_back(
            request: pb.WithdrawPetitionRequest = request,
        ) -> pb.WithdrawPetitionResponse:
            response: pb.WithdrawPetitionResponse = await office.stub("portal").WithdrawPetition(
                request
            )
            return response

        answers = await asyncio.gather(*(take_back() for _ in range(8)))
        assert len({item.SerializeToString(deterministic=True) for item in answers}) == 1
        error = await refusal(office.stub("portal").WithdrawPetition(taking_back(answer)))
        assert (error.code(), reason_of(error)) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "WRONG_STATE",
        )
        assert info_of(error).metadata["current_state"] == "STATE_WITHDRAWN"
        other = taking_back(answer, request_id=request.request_id, reason="别的")
        error = await refusal(office.stub("portal").WithdrawPetition(other))
        assert reason_of(error) == "REQUEST_ID_REUSED"
    kinds = [event.petition.kind for event in await events_of(office)]
    assert kinds.count(PetitionEvent.KIND_WITHDRAWN) == 1


async def test_an_accusation_is_taken_back_by_its_code_alone_and_shows_the_stage(
    office: Office,
) -> None:
    answer = await office.register(declared_nature="NATURE_ACCUSATION")
    await office.stub("portal").SupplementPetition(addition(answer))
    by_clerk = taking_back(answer, query_code="")
    error = await refusal(office.stub("clerk").WithdrawPetition(by_clerk))
    assert reason_of(error) == "NOT_FOUND"
    at_the_counter = taking_back(answer, reason=REASON)
    taken = await office.stub("clerk").WithdrawPetition(at_the_counter)
    assert taken.petition.state == WITHDRAWN
    page = await office.stub("portal").CheckProgress(check(answer))
    assert [step.text for step in page.steps] == [
        "您的信访事项已登记。",
        "已收到您补充的材料。",
        "您已撤回信访事项。",
    ]
    assert await events_of(office) == []
    rows = await office.rows("SELECT withdrawn_at FROM intake_sealed.petition")
    assert rows[0]["withdrawn_at"] is not None


async def test_a_clerk_takes_back_what_a_petitioner_without_a_code_asks_for(
    office: Office,
) -> None:
    answer = await office.register()
    by_letter = taking_back(answer, query_code="")
    assert (await office.stub("clerk").WithdrawPetition(by_letter)).petition.state == WITHDRAWN
    error = await refusal(office.stub("portal").WithdrawPetition(by_letter))
    assert wrong_fields(error) == {"query_code"}
    nul = taking_back(answer, reason="好\0")
    error = await refusal(office.stub("portal").WithdrawPetition(nul))
    assert wrong_fields(error) == {"reason"}


async def test_an_addition_and_a_withdrawal_at_once_both_count_or_one_is_told_no(
    office: Office,
) -> None:
    answer = await office.register()

    async def add() -> None:
        await office.stub("portal").SupplementPetition(addition(answer))

    async def take_back() -> None:
        await office.stub("portal").WithdrawPetition(taking_back(answer))

    outcomes = await asyncio.gather(add(), take_back(), return_exceptions=True)
    petition = await read(office, answer)
    assert petition.state == WITHDRAWN
    refused = [item for item in outcomes if isinstance(item, grpc.aio.AioRpcError)]
    assert len(petition.supplements) + len(refused) == 1
    assert {reason_of(error) for error in refused} <= {"WRONG_STATE"}
