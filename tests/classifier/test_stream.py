"""ClassifyStream: order, errors of single texts, a slow client that is waited for, clean ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1.classifier_service_pb2_grpc import ClassifierServiceStub
from heed.common.v1 import error_reason_pb2

from heed_classifier.api import stream_rpcs
from heed_classifier.api.servicer import ClassifierServicer
from heed_classifier.application.batching import MOST_STREAMED, Batches
from heed_classifier.application.sorting import Answer, ToSort
from heed_classifier.domain.text import PetitionText
from heed_shared.errors import RateLimited, reason_of
from tests.classifier.builders import sorting
from tests.classifier.serving import Serving

TEXTS = ("路灯坏了三天没人修", "工地拖欠工资，请求讨薪", "化工厂夜里排放刺鼻气体", "公交站牌不见了")


def asked(sequence: int, text: str = "", **fields: Any) -> pb.ClassifyStreamRequest:
    request = text or f"{TEXTS[sequence % len(TEXTS)]}，编号{sequence}"
    return pb.ClassifyStreamRequest(
        sequence=sequence, text=pb.ClassifyRequest(request=request, **fields)
    )


async def sent(requests: Sequence[pb.ClassifyStreamRequest]) -> AsyncIterator[Any]:
    for request in requests:
        yield request


def servicer(served: Serving) -> ClassifierServicer:
    """The object behind the RPCs."""
    found = served.service.servicers[0][1]
    assert isinstance(found, ClassifierServicer)
    return found


def reason(status: status_pb2.Status) -> str:
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    assert error_reason_pb2.ErrorReason.Value(f"ERROR_REASON_{info.reason}")
    return str(info.reason)


def fields(status: status_pb2.Status) -> list[str]:
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in status.details)
    return [violation.field for violation in bad.field_violations]


async def test_answers_come_in_the_order_of_the_texts_and_equal_single_calls(
    served: Serving,
) -> None:
    stub = served.stub("peer")
    requests = [asked(number) for number in range(300)]
    answers = [answer async for answer in stub.ClassifyStream(sent(requests))]
    assert [answer.sequence for answer in answers] == list(range(300))
    for number in (0, 1, 2, 3, 299):
        alone = await stub.Classify(requests[number].text)
        assert answers[number].classification == alone.classification


async def test_a_bad_text_gets_its_own_error_and_the_stream_goes_on(served: Serving) -> None:
    requests = [
        asked(7),
        pb.ClassifyStreamRequest(sequence=8),
        asked(9, "字" * 20_001, facts="事" * 100_001),
        asked(10, "好\0坏"),
        asked(11, region_code="999999"),
        asked(12, people_bucket=99),
        asked(13, region_code="110105"),
    ]
    answers = [answer async for answer in served.stub("clerk").ClassifyStream(sent(requests))]
    assert [answer.sequence for answer in answers] == list(range(7, 14))
    assert [answer.WhichOneof("result") for answer in answers] == [
        "classification", *["error"] * 5, "classification",
    ]  # fmt: skip
    invalid = grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert {answer.error.code for answer in answers[1:6]} == {invalid}
    assert [reason(answer.error) for answer in answers[1:6]] == [
        "INVALID_FIELD", "INVALID_FIELD", "INVALID_FIELD", "UNKNOWN_REGION", "INVALID_FIELD",
    ]  # fmt: skip
    assert [fields(answer.error) for answer in answers[1:6]] == [
        ["text"],
        ["text.request", "text.facts"],
        ["text.request"],
        ["text.region_code"],
        ["text.people_bucket"],
    ]
    assert answers[-1].classification.region_code == "110105"


async def test_a_text_that_cannot_be_sorted_at_all_fails_alone(
    served: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = servicer(served)._classifier.batches._sorting
    sort_now = inner.sort_now

    def breaking(items: Sequence[ToSort]) -> list[Answer]:
        if any("毒" in item.text.joined for item in items):
            raise RuntimeError("poison")
        return sort_now(items)

    monkeypatch.setattr(inner, "sort_now", breaking)
    requests = [asked(number, "毒" if number == 20 else "") for number in range(40)]
    answers = [answer async for answer in served.stub().ClassifyStream(sent(requests))]
    assert [answer.sequence for answer in answers] == list(range(40))
    failed = [answer for answer in answers if answer.HasField("error")]
    assert [answer.sequence for answer in failed] == [20]
    assert reason(failed[0].error) == "INTERNAL"
    assert "poison" not in str(failed[0].error)


async def test_a_client_that_does_not_read_is_not_read_from(
    served: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(monkeypatch)
    async with narrow_channel(served) as (stub, metadata):
        call = stub.ClassifyStream(sent([asked(n) for n in range(3000)]), metadata=metadata)
        stalled = await stalled_at(counted)
        assert counted.in_hand <= stream_rpcs.WINDOW, "read further than the window"
        assert stalled < 3000, "the client's own buffers took all answers"
        for number in range(stalled):
            assert (await call.read()).sequence == number
        assert await stalled_at(counted) > stalled, "did not go on when the client read"
        assert counted.most_in_hand <= stream_rpcs.WINDOW
        call.cancel()


async def stalled_at(counted: Counted) -> int:
    """Texts that the server has read when it reads no more."""
    async with asyncio.timeout(20):
        while True:
            before = counted.read
            await asyncio.sleep(0.7)
            if 0 < before == counted.read:
                return before


@asynccontextmanager
async def narrow_channel(served: Serving) -> AsyncIterator[tuple[Any, Any]]:
    """A client whose buffers hold little, so that what it does not read stays at the server."""
    folder, ca = served.authority.directory, served.authority.ca
    credentials = grpc.ssl_channel_credentials(
        ca.read_bytes(), (folder / "client.key").read_bytes(), (folder / "client.pem").read_bytes()
    )
    options = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1024))
    token = served.authority.token("staff/peer", "系统", "市", ["ROLE_PEER_SYSTEM"], "")
    target = f"127.0.0.1:{served.service.port}"
    async with grpc.aio.secure_channel(target, credentials, options) as channel:
        yield ClassifierServiceStub(channel), (("authorization", f"Bearer {token}"),)


class Counted:
    """Counts the texts that a stream has read, and those that it has answered and got rid of."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read = self.answered = self.most_in_hand = 0
        accept, answer = stream_rpcs._Stream._accept, ClassifierServicer._answered

        async def accepting(stream: Any, request: Any) -> Any:
            self.read += 1
            self.most_in_hand = max(self.most_in_hand, self.in_hand)
            return await accept(stream, request)

        async def answering(servicer: Any, item: Any) -> Any:
            self.answered += 1
            return await answer(servicer, item)

        monkeypatch.setattr(stream_rpcs._Stream, "_accept", accepting)
        monkeypatch.setattr(ClassifierServicer, "_answered", answering)

    @property
    def in_hand(self) -> int:
        """Texts read whose answer has not been taken; the last one answered still waits."""
        return self.read - max(0, self.answered - 1)


async def test_many_streams_together_hold_a_bounded_number_of_texts() -> None:
    batches = Batches(sorting())
    held = asyncio.Event()

    async def never(items: Sequence[ToSort]) -> list[Answer]:
        await held.wait()
        return []

    batches._sorting.sort = never  # type: ignore[method-assign]
    item = ToSort(PetitionText("停水", ""))
    taken = [await batches.accept(item) for _ in range(MOST_STREAMED)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await batches.accept(item)
    taken[0].cancel()
    async with asyncio.timeout(1):
        await batches.accept(item)
    assert batches._at_work is not None
    batches._at_work.cancel()


async def test_single_calls_go_before_streams_and_are_refused_when_too_many_wait() -> None:
    order: list[str] = []
    batches = Batches(sorting())
    go = asyncio.Event()

    async def noting(items: Sequence[ToSort]) -> list[Answer]:
        await go.wait()
        order.extend(item.text.request for item in items)
        return [None] * len(items)  # type: ignore[list-item]

    batches._sorting.sort = noting  # type: ignore[method-assign]
    streamed = [await batches.accept(ToSort(PetitionText(f"流{n}", ""))) for n in range(100)]
    single = [
        asyncio.ensure_future(batches.sort(ToSort(PetitionText(f"单{n}", "")))) for n in range(256)
    ]
    await asyncio.sleep(0)
    with pytest.raises(RateLimited):
        await batches.sort(ToSort(PetitionText("太多", "")))
    single[3].cancel()
    go.set()
    await asyncio.gather(*streamed, *single, return_exceptions=True)
    assert order.index("单255") < order.index("流99")
    assert "单3" not in order, "nobody waits for it any more"


async def test_a_cancelled_stream_leaves_nothing_waiting(served: Serving) -> None:
    batches = servicer(served)._classifier.batches
    call = served.stub().ClassifyStream()
    for number in range(30):
        await call.write(asked(number))
    await call.read()
    call.cancel()
    async with asyncio.timeout(5):
        while batches._streamed or batches._at_work:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert batches._room._value == MOST_STREAMED
    await served.stub().Classify(pb.ClassifyRequest(request="路灯坏了"))


async def test_a_deadline_ends_a_stream_that_idles(served: Serving) -> None:
    call: Any = served.stub().ClassifyStream(timeout=0.6)
    await call.write(asked(1))
    assert (await call.read()).sequence == 1
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_stopping_server_answers_what_it_read_and_ends_the_stream(
    served: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = asyncio.Event()
    monkeypatch.setattr(stream_rpcs, "current_stopping", lambda: stopping)
    call: Any = served.stub().ClassifyStream()
    for number in range(10):
        await call.write(asked(number))
    answers = [(await call.read()).sequence for _ in range(10)]
    stopping.set()
    async with asyncio.timeout(2):
        assert await call.read() is grpc.aio.EOF
    assert answers == list(range(10))
    assert await call.code() == grpc.StatusCode.OK


@pytest.mark.parametrize("caller", ["leader", "portal", "operator", "service/intake"])
async def test_a_stream_is_closed_to_those_who_may_not_classify(
    served: Serving, caller: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in served.stub(caller).ClassifyStream(sent([asked(1)])):
            pass
    assert reason_of(caught.value) == "ROLE_REQUIRED"
