"""Two people at one case at the same moment: one change happens, and each hears the truth."""

import asyncio

import grpc
from heed.disposal.v1 import disposal_service_pb2 as pb

from heed_shared.errors import reason_of
from tests.disposal.serving import Serving, on, open_request, route_request


async def test_of_two_changes_with_one_etag_one_wins_and_the_other_is_told(
    disposal: Serving,
) -> None:
    case = await disposal.opened()
    stub = disposal.stub()
    requests = [route_request(case, unit=f"单位{n}") for n in range(8)]
    answers = await asyncio.gather(
        *(stub.RouteCase(request) for request in requests), return_exceptions=True
    )
    won = [answer for answer in answers if isinstance(answer, pb.RouteCaseResponse)]
    lost = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert len(won) == 1
    assert [reason_of(error) for error in lost] == ["STALE_ETAG"] * 7
    stored = (await stub.GetCase(pb.GetCaseRequest(name=case.name))).case
    assert stored == won[0].case


async def test_one_request_sent_many_times_at_once_happens_once(disposal: Serving) -> None:
    case = await disposal.routed()
    request = pb.AcceptCaseRequest(**on(case))
    stub = disposal.stub("handler")
    answers = await asyncio.gather(*(stub.AcceptCase(request) for _ in range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert [d.code for d in answers[0].case.deadlines].count("D05") == 1


async def test_one_matter_opened_by_many_at_once_has_one_case(disposal: Serving) -> None:
    stub = disposal.stub()
    answers = await asyncio.gather(
        *(stub.OpenCase(open_request(1)) for _ in range(6)), return_exceptions=True
    )
    names = {a.case.name for a in answers if isinstance(a, pb.OpenCaseResponse)}
    refusals = {reason_of(a) for a in answers if isinstance(a, grpc.aio.AioRpcError)}
    assert len(names) == 1
    assert refusals <= {"CONFLICT"}
