"""Whatever a caller sends to disposal, it is answered: refused by field name, or carried out."""

from typing import Any

from google.protobuf.message import Message
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources
from heed.feed.v1 import event_pb2, feed_service_pb2, replay_service_pb2

from tests.contracts.hostile import Call, always, failures
from tests.disposal.builders import MONDAY, REGION
from tests.disposal.serving import Serving, open_request
from tests.disposal.test_rpc_matrix import VERBS, VerbCase

DISPOSAL = pb.DESCRIPTOR.services_by_name["DisposalService"]
FEEDS = feed_service_pb2.DESCRIPTOR.services_by_name["FeedService"]
REPLAY = replay_service_pb2.DESCRIPTOR.services_by_name["ReplayService"]

PERIOD: dict[str, Any] = {"from_day": "2026-09-01", "to_day": "2026-09-30"}
OF_SUPERVISORS = ("ListRatings", "GetDeadlineEscalationStatus")


def verb_call(disposal: Serving, verb: VerbCase) -> Call:
    async def good() -> Message:
        request: Message = verb.request(await verb.prepared(disposal))
        return request

    return Call(DISPOSAL.methods_by_name[verb.rpc], disposal.channel(verb.person), good)


def opening(disposal: Serving) -> Call:
    async def good() -> Message:
        return open_request(next(disposal.numbers))

    return Call(DISPOSAL.methods_by_name["OpenCase"], disposal.channel("officer"), good)


async def reading(disposal: Serving) -> list[Call]:
    case = await disposal.opened()
    asked = {
        "GetCase": pb.GetCaseRequest(name=case.name),
        "ListCases": pb.ListCasesRequest(
            region_prefix=REGION[:4],
            category_code="01",
            states=[resources.Case.STATE_OPENED],
            petition=case.matter[:50],
            unit="住建局",
        ),
        "ListDeadlines": pb.ListDeadlinesRequest(region_prefix=REGION, due_by="2026-10-01"),
        "ListPlaybooks": pb.ListPlaybooksRequest(category_code="01"),
        "ListCaseSteps": pb.ListCaseStepsRequest(name=case.name, page_size=1),
        "RenderDocument": pb.RenderDocumentRequest(
            name=(await disposal.routed()).name, kind=resources.Document.KIND_TRANSFER_LETTER
        ),
        "ListRatings": pb.ListRatingsRequest(region_prefix=REGION, **PERIOD),
        "ListLessons": pb.ListLessonsRequest(region_prefix=REGION, category_code="01"),
        "GetPerformance": pb.GetPerformanceRequest(region_prefix=REGION, **PERIOD),
        "GetPlaybookEffect": pb.GetPlaybookEffectRequest(region_prefix=REGION, **PERIOD),
        "GetDeadlineEscalationStatus": pb.GetDeadlineEscalationStatusRequest(),
    }
    return [
        Call(
            DISPOSAL.methods_by_name[name],
            disposal.channel("supervisor" if name in OF_SUPERVISORS else "officer"),
            always(request),
        )
        for name, request in asked.items()
    ]


def feeds(disposal: Serving) -> list[Call]:
    positions = [event_pb2.ShardPosition(shard=1)]
    feed = "disposal.progress"
    asked: dict[str, Message] = {
        "ListEvents": feed_service_pb2.ListEventsRequest(feed=feed, positions=positions),
        "WatchEvents": feed_service_pb2.WatchEventsRequest(feed=feed, positions=positions),
        "GetFeedSnapshot": feed_service_pb2.GetFeedSnapshotRequest(feed=feed),
        "ListParkedEvents": feed_service_pb2.ListParkedEventsRequest(page_size=1),
        "RetryParkedEvents": feed_service_pb2.RetryParkedEventsRequest(
            feed="intake.petitions", subject="petitions/1"
        ),
    }
    channel = disposal.channel("operator")
    return [
        Call(FEEDS.methods_by_name[name], channel, always(request))
        for name, request in asked.items()
    ]


def clock(disposal: Serving) -> Call:
    request = replay_service_pb2.AdvanceClockRequest()
    request.to.FromDatetime(MONDAY)
    method = REPLAY.methods_by_name["AdvanceClock"]
    return Call(method, disposal.channel("operator"), always(request))


async def test_no_value_in_any_field_is_a_fault_of_disposal(disposal: Serving) -> None:
    calls = [verb_call(disposal, verb) for verb in VERBS]
    calls += [opening(disposal), *await reading(disposal), *feeds(disposal)]
    assert {call.method.name for call in calls} >= set(DISPOSAL.methods_by_name)
    assert await failures(calls) == []
    # A request without fields has one outcome only.
    asked = [call for call in calls if call.method.input_type.fields]
    assert [call.method.name for call in asked if len(call.outcomes) < 2] == []


async def test_no_time_is_a_fault_of_the_clock(disposal: Serving) -> None:
    assert await failures([clock(disposal)]) == []
