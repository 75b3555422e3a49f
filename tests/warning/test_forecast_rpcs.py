"""Forecasts, trained forecasters, hidden counts and the snapshot, over mutual TLS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from google.longrunning.operations_pb2 import WaitOperationRequest
from google.protobuf.duration_pb2 import Duration
from heed.disposal.v1.events_pb2 import OutcomeEvent, WarningVerdict
from heed.feed.v1 import feed_service_pb2
from heed.feed.v1.event_pb2 import Event
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.resources_pb2 import (
    SERIES_PATH_INSUFFICIENT,
    SERIES_PATH_REGULAR,
    CellForecast,
    Forecaster,
)
from heed.warning.v1.resources_pb2 import Warning as WarningMessage

from heed_shared.database import Database
from heed_shared.feed import Delivery
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy
from heed_warning.adapters.counts import PostgresCounts
from heed_warning.adapters.observation_handler import OutcomeHandler
from heed_warning.application.places import Places
from tests.warning.conftest import COUNTY, PROVINCE, SECOND_COUNTY, START, Post, cell, counts
from tests.warning.counts_setup import desk_at
from tests.warning.rpc_setup import FIRST, WEEK, firing, new_id, refused


async def hear(post: Post, warning: str, finding: int) -> None:
    """Apply a verdict as the consumer of disposal.outcomes does."""
    database = await Database.open(post.database["url"], "warning", 2)
    desk = desk_at(datetime(2025, 6, 4, tzinfo=UTC))
    places = Places(Regions.load(None), Taxonomy.load(None))
    verdict = WarningVerdict(warning=warning, finding=finding)  # type: ignore[arg-type]
    delivery = Delivery(Event(outcome=OutcomeEvent(verdict=verdict)), "")
    async with database.transaction() as tx:
        await OutcomeHandler(PostgresCounts(), places, desk).apply(tx, [delivery], None)
        await tx.commit()
    await database.close()


async def test_what_handling_found_is_taken_over_unless_a_person_has_judged(post: Post) -> None:
    warning = await firing(post)
    name = pb.GetWarningRequest(name=warning.name)
    await hear(post, warning.name, WarningVerdict.FINDING_EXPLAINED)
    heard = (await post.stub().GetWarning(name)).warning
    assert heard.verdict == WarningMessage.VERDICT_EXPLAINED
    assert not heard.HasField("judged_by")
    judge = pb.JudgeWarningRequest(
        name=heard.name, etag=heard.etag, request_id=new_id(),
        verdict=WarningMessage.VERDICT_CONFIRMED, note="属实",
    )  # fmt: skip
    await post.stub().JudgeWarning(judge)
    await hear(post, warning.name, WarningVerdict.FINDING_FALSE)
    kept = (await post.stub().GetWarning(name)).warning
    assert kept.verdict == WarningMessage.VERDICT_CONFIRMED


async def test_small_counts_are_hidden_and_zero_is_not(post: Post) -> None:
    await post.record(counts([0, 1, 4, 5, 12], START - timedelta(days=4)))
    request = pb.QuerySeriesRequest(cell=cell(PROVINCE), from_day="2025-05-29", to_day="2025-06-02")
    days = (await post.stub().QuerySeries(request)).days
    assert [(day.count, day.suppressed) for day in days] == [
        (0, False), (0, True), (0, True), (5, False), (12, False),
    ]  # fmt: skip


async def test_a_forecast_has_days_horizons_and_probabilities(post: Post) -> None:
    await post.record(counts(WEEK * 28, FIRST))
    await post.advance(START)
    asked = pb.ForecastRequest(cells=[cell(), cell(SECOND_COUNTY)])
    answer = (await post.stub().Forecast(asked)).forecasts
    made, short = answer
    assert short.outcome == CellForecast.OUTCOME_INSUFFICIENT_HISTORY
    assert not short.days
    assert made.outcome == CellForecast.OUTCOME_FORECAST
    assert made.forecaster == "baseline/seasonal"
    assert [(share.family, share.weight) for share in made.models] == [("baseline", 1.0)]
    assert (made.path, short.path) == (SERIES_PATH_REGULAR, SERIES_PATH_INSUFFICIENT)
    assert (made.as_of, len(made.days)) == ("2025-06-01", 28)
    assert made.days[0].day == "2025-06-02"
    assert [item.horizon_days for item in made.horizons] == [7, 14, 28]
    assert made.horizons[0].expected_count == pytest.approx(10, rel=0.25)
    chances = [item.exceedance_probability for item in made.horizons]
    assert chances == sorted(chances)
    assert 0.0 <= chances[0] <= 0.1
    values = [item.value for item in made.horizons[0].quantiles]
    assert values == sorted(values)
    assert (await post.stub().Forecast(asked)).forecasts == answer, "the same again"


async def test_training_runs_as_an_operation_and_its_result_is_used_if_better(post: Post) -> None:
    start = pb.TrainForecasterRequest(request_id=new_id(), max_seconds=6)
    assert (await refused(post.stub("steward").TrainForecaster(start)))[1] == "INSUFFICIENT_HISTORY"
    for number, category in enumerate(("01", "02", "03")):
        shape = [number + 1, 2, 3, 2, 1 + number, 0, 1]
        await post.record(counts(shape * 28, FIRST, COUNTY, category))
    await post.advance(START)
    operation = await post.stub("steward").TrainForecaster(start)
    assert (await post.stub("steward").TrainForecaster(start)).name == operation.name
    other = pb.TrainForecasterRequest(request_id=new_id())
    assert (await refused(post.stub("steward").TrainForecaster(other)))[1] == "ALREADY_RUNNING"
    operations = post.operations("steward")  # one channel, not a handshake for each look
    while not operation.done:
        wait = WaitOperationRequest(name=operation.name, timeout=Duration(seconds=5))
        operation = await operations.WaitOperation(wait)
    assert not operation.HasField("error"), operation.error.message
    result, metadata = pb.TrainForecasterResponse(), pb.TrainForecasterMetadata()
    assert operation.response.Unpack(result)
    assert operation.metadata.Unpack(metadata)
    assert metadata.progress == 1.0
    trained = result.forecaster
    assert (trained.kind, trained.seed, trained.cell_count) == ("combination", 1, 9)
    assert (trained.data_from, trained.data_to) == (FIRST.isoformat(), "2025-06-01")
    assert result.promoted == (trained.validation_loss < trained.baseline_loss)
    current = Forecaster.STATE_CURRENT
    assert trained.state == (current if result.promoted else Forecaster.STATE_CANDIDATE)
    listed = await post.stub().ListForecasters(pb.ListForecastersRequest())
    assert [item.name for item in listed.forecasters] == [trained.name]
    forecast = await post.stub().Forecast(pb.ForecastRequest(cells=[cell()]))
    used = trained.name if result.promoted else "baseline/seasonal"
    assert forecast.forecasts[0].forecaster == used
    await post.rows("UPDATE forecaster SET state = 2")
    await post.stub().Forecast(pb.ForecastRequest(cells=[cell()]))
    forecast = await post.stub().Forecast(pb.ForecastRequest(cells=[cell()]))
    assert forecast.forecasts[0].forecaster == trained.name, "another promotion is noticed"
    shares = {share.family: share.weight for share in forecast.forecasts[0].models}
    assert set(shares) == {"classical", "regression", "lstm"}
    assert sum(shares.values()) == pytest.approx(1.0)
    assert (await post.evaluate(START)).cell_count == 9


async def stored(post: Post, state: int, loss: float) -> str:
    """A forecaster in the table whose weights no test loads; returns its name."""
    uid = uuid4()
    await post.rows(
        "INSERT INTO forecaster (uid, state, kind, data_from, data_to, seed, code_version, "
        "validation_loss, baseline_loss, coverage_90, cell_count, trained_at, weights, losses) "
        "VALUES ($1, $2, 'combination', '2024-01-01', '2025-01-01', 1, 'combination-1', $3, 0.5, "
        "0.9, 9, now(), '', $4)",
        uid, state, loss, '[{"family": "lstm", "loss": 0.45, "coverage_90": 0.9}]',
    )  # fmt: skip
    return f"forecasters/{uid}"


async def test_a_steward_puts_a_forecaster_to_use_and_takes_it_back(post: Post) -> None:
    first = await stored(post, Forecaster.STATE_CURRENT, 0.45)
    second = await stored(post, Forecaster.STATE_CANDIDATE, 0.47)

    async def listed() -> dict[str, Forecaster]:
        found = await post.stub().ListForecasters(pb.ListForecastersRequest())
        return {item.name: item for item in found.forecasters}

    def asked(name: str, etag: str) -> pb.PromoteForecasterRequest:
        return pb.PromoteForecasterRequest(
            request_id=new_id(), name=name, etag=etag, reason="近期误差更小"
        )

    steward, before = post.stub("steward"), await listed()
    assert [(loss.family, loss.loss) for loss in before[first].losses] == [("lstm", 0.45)]
    refusals = [
        (asked(first, before[first].etag), "WRONG_STATE"),
        (asked(second, "c3RhbGU="), "STALE_ETAG"),
        (asked("forecasters/none", before[second].etag), "NOT_FOUND"),
        (asked(f"forecasters/{uuid4()}", before[second].etag), "NOT_FOUND"),
    ]
    for request, reason in refusals:
        assert (await refused(steward.PromoteForecaster(request)))[1] == reason
    request = asked(second, before[second].etag)
    used = (await steward.PromoteForecaster(request)).forecaster
    assert (await steward.PromoteForecaster(request)).forecaster == used, "said once"
    assert used.state == Forecaster.STATE_CURRENT
    assert used.HasField("promoted_at")
    assert used.promoted_by.identity
    after = await listed()
    assert after[second] == used
    assert after[first].state == Forecaster.STATE_RETIRED
    back = (await steward.PromoteForecaster(asked(first, after[first].etag))).forecaster
    assert back.state == Forecaster.STATE_CURRENT
    assert (await listed())[second].state == Forecaster.STATE_RETIRED
    kept = await post.rows("SELECT promotion_reason FROM forecaster")
    assert {row[0] for row in kept} == {"近期误差更小"}


async def test_the_snapshot_has_every_warning_once(post: Post) -> None:
    warning = await firing(post)
    events = [
        event
        async for part in post.feed().GetFeedSnapshot(
            feed_service_pb2.GetFeedSnapshotRequest(feed="warning.warnings")
        )
        for event in part.events
    ]
    assert [(event.subject, event.etag) for event in events] == [(warning.name, warning.etag)]
