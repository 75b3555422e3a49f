"""Whatever a caller sends to the warning service, it is answered: refused by field, or done."""

from google.longrunning import operations_pb2
from google.protobuf.message import Message
from heed.common.v1 import observation_pb2
from heed.feed.v1 import event_pb2, feed_service_pb2
from heed.warning.v1 import resources_pb2 as resources
from heed.warning.v1 import warning_service_pb2 as pb

from tests.contracts.hostile import Call, always, failures
from tests.warning.conftest import CITY, COUNTY, START, Post, cell, counts
from tests.warning.hostile_life import life_calls
from tests.warning.hostile_policies import policy_calls
from tests.warning.rpc_setup import firing, new_id, policy

WARNING = pb.DESCRIPTOR.services_by_name["WarningService"]
FEEDS = feed_service_pb2.DESCRIPTOR.services_by_name["FeedService"]
OPERATIONS = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
DAY = START.isoformat()


async def recorded() -> Message:
    return pb.RecordObservationsRequest(
        request_id=new_id(), source="history", counts=counts([1], START)
    )


async def policies() -> Message:
    return pb.CreateThresholdPolicyRequest(request_id=new_id(), policy=policy(category_code="01"))


def asking(post: Post, warning: resources.Warning) -> list[Call]:
    """Calls that change nothing, or the same thing again."""
    made: dict[str, Message] = {
        "QuerySeries": pb.QuerySeriesRequest(cell=cell(), from_day=DAY, to_day=DAY),
        "ListPublishedCounts": pb.ListPublishedCountsRequest(
            region_code=CITY, month="2025-01", measure=observation_pb2.MEASURE_ITEMS
        ),
        "Forecast": pb.ForecastRequest(cells=[cell()], as_of=DAY, horizon_days=7),
        "ListThresholdPolicies": pb.ListThresholdPoliciesRequest(page_size=1),
        "Evaluate": pb.EvaluateRequest(as_of=DAY),
        "GetWarning": pb.GetWarningRequest(name=warning.name),
        "ListWarnings": pb.ListWarningsRequest(
            region_prefix=COUNTY, category_code="01", states=[resources.Warning.STATE_FIRING]
        ),
        "ListForecasters": pb.ListForecastersRequest(page_size=1),
    }
    channel = post.channel("analyst")
    return [
        Call(WARNING.methods_by_name[name], channel, always(request))
        for name, request in made.items()
    ]


def verbs(post: Post, warning: resources.Warning) -> list[Call]:
    """What people do with a warning, each upon its newest version."""

    async def on() -> dict[str, str]:
        found = await post.stub().GetWarning(pb.GetWarningRequest(name=warning.name))
        return {"name": warning.name, "etag": found.warning.etag, "request_id": new_id()}

    async def acknowledged() -> Message:
        return pb.AcknowledgeWarningRequest(**await on())

    async def confirmed() -> Message:
        return pb.ConfirmWarningLevelRequest(**await on())

    async def judged() -> Message:
        return pb.JudgeWarningRequest(
            **await on(), verdict=resources.Warning.VERDICT_CONFIRMED, note="已核实"
        )

    async def resolved() -> Message:
        return pb.ResolveWarningRequest(**await on(), note="已解决")

    leader = post.channel("leader")
    method = WARNING.methods_by_name
    return [
        Call(method["AcknowledgeWarning"], leader, acknowledged),
        Call(method["ConfirmWarningLevel"], leader, confirmed),
        Call(method["JudgeWarning"], leader, judged),
        Call(method["ResolveWarning"], leader, resolved),
    ]


def work(post: Post) -> list[Call]:
    """Training, operations and the feed, as the operator sees them."""

    async def trained() -> Message:
        return pb.TrainForecasterRequest(
            request_id=new_id(), data_to="2024-01-01", seed=1, max_seconds=30
        )

    async def promoted() -> Message:
        return pb.PromoteForecasterRequest(
            request_id=new_id(), name="forecasters/train-1", etag="AAAA", reason="近期误差更小"
        )

    channel = post.channel("operator")
    positions = [event_pb2.ShardPosition(shard=1)]
    made: list[Call] = [
        Call(
            WARNING.methods_by_name["TrainForecaster"],
            channel,
            trained,
            answered="INSUFFICIENT_HISTORY",
        ),
        Call(
            WARNING.methods_by_name["PromoteForecaster"],
            post.channel("steward"),
            promoted,
            answered="NOT_FOUND",
        ),
    ]
    for name, request in {
        "GetOperation": operations_pb2.GetOperationRequest(name="operations/train-1"),
        "CancelOperation": operations_pb2.CancelOperationRequest(name="operations/train-1"),
        "DeleteOperation": operations_pb2.DeleteOperationRequest(name="operations/train-1"),
    }.items():
        made.append(
            Call(OPERATIONS.methods_by_name[name], channel, always(request), answered="NOT_FOUND")
        )
    listed = operations_pb2.ListOperationsRequest(name="operations", page_size=1)
    made.append(Call(OPERATIONS.methods_by_name["ListOperations"], channel, always(listed)))
    events = feed_service_pb2.ListEventsRequest(feed="warning.warnings", positions=positions)
    made.append(Call(FEEDS.methods_by_name["ListEvents"], channel, always(events)))
    return made


async def test_no_value_in_any_field_is_a_fault_of_the_warning_service(post: Post) -> None:
    warning = await firing(post)
    analyst, method = post.channel("analyst"), WARNING.methods_by_name
    calls = [
        Call(method["RecordObservations"], analyst, recorded),
        Call(method["CreateThresholdPolicy"], analyst, policies),
        *asking(post, warning),
        *life_calls(post),
        *policy_calls(post),
        *work(post),
    ]
    steps = verbs(post, warning)
    assert {call.method.name for call in (*calls, *steps)} >= set(method)
    assert await failures(calls) == []
    # One after the other: each leaves the warning in the state that the next one needs.
    assert [line for call in steps for line in await failures([call])] == []
