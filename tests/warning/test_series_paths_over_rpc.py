"""Every kind of series has its answer in the service: who forecasts it, and at what level."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from google.longrunning.operations_pb2 import WaitOperationRequest
from google.protobuf.duration_pb2 import Duration
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.resources_pb2 import CellForecast, SeriesPath

from tests.warning.conftest import COUNTY, SECOND_COUNTY, START, Post, counts
from tests.warning.rpc_setup import new_id

DAYS = 300
NEW_COUNTY, OPENED_COUNTY = "320505", "320506"
BASELINE = "baseline/seasonal"
FAMILIES = {"classical", "regression", "lstm"}
ONLY_BASELINE, ONLY_CLASSICAL = (
    {"baseline": 1.0},
    {"classical": 1.0, "regression": 0.0, "lstm": 0.0},
)


def series() -> dict[tuple[str, str], list[int]]:
    """Daily counts by county and category, all of which end on the day before START."""
    rng = np.random.default_rng(5)
    burst = ([0] * 35 + [1, 0, 0, 0, 0, 0, 0] + [9, 0, 0, 0, 0, 0, 0] + [0] * 7) * 6
    drawn = {
        (COUNTY, "01"): rng.poisson(2.0, DAYS),
        (SECOND_COUNTY, "01"): rng.poisson(3.0, DAYS),
        (COUNTY, "02"): np.concatenate([rng.poisson(1.0, DAYS - 58), rng.poisson(6.0, 58)]),
        (COUNTY, "03"): np.arange(DAYS) % 30 == 3,
        (COUNTY, "04"): np.array(burst[-DAYS:]),
        (NEW_COUNTY, "01"): rng.poisson(2.0, 90),
        (OPENED_COUNTY, "01"): rng.poisson(2.0, 20),
    }
    return {cell: values.astype(int).tolist() for cell, values in drawn.items()}


async def forecasts(post: Post) -> dict[tuple[str, str], CellForecast]:
    request = pb.BatchForecastRequest(page_size=500, horizon_days=7)
    page = await post.stub().BatchForecast(request)
    return {(item.cell.region_code, item.cell.category_code): item for item in page.forecasts}


async def train(post: Post) -> str:
    """Train for a moment and put the result to use, however good it is."""
    start = pb.TrainForecasterRequest(request_id=new_id(), max_seconds=3)
    operation = await post.stub("steward").TrainForecaster(start)
    operations = post.operations("steward")
    while not operation.done:
        wait = WaitOperationRequest(name=operation.name, timeout=Duration(seconds=5))
        operation = await operations.WaitOperation(wait)
    await post.rows("UPDATE forecaster SET state = 2")
    [row] = await post.rows("SELECT uid FROM forecaster")
    return f"forecasters/{row['uid']}"


async def test_every_path_has_its_answer_with_and_without_a_trained_model(post: Post) -> None:
    for (region, category), daily in series().items():
        first = START - timedelta(days=len(daily))
        await post.record(counts(daily, first, region, category))
    expected = {
        (COUNTY, "01"): (SeriesPath.SERIES_PATH_REGULAR, 8, 20),
        (COUNTY, "02"): (SeriesPath.SERIES_PATH_BROKEN, 30, 55),
        (COUNTY, "03"): (SeriesPath.SERIES_PATH_SPARSE, 0.05, 0.7),
        (COUNTY, "04"): (SeriesPath.SERIES_PATH_INTERMITTENT, 0.4, 2.2),
        (NEW_COUNTY, "01"): (SeriesPath.SERIES_PATH_SHORT, 7, 20),
        (OPENED_COUNTY, "01"): (SeriesPath.SERIES_PATH_INSUFFICIENT, 0, 0),
    }
    before = await forecasts(post)
    model = await train(post)
    after = await forecasts(post)
    for cell, (path, low, high) in expected.items():
        for found, trained in ((before[cell], False), (after[cell], True)):
            assert found.path == path, cell
            if path == SeriesPath.SERIES_PATH_INSUFFICIENT:
                assert found.outcome == CellForecast.OUTCOME_INSUFFICIENT_HISTORY
                assert (len(found.days), len(found.horizons), found.forecaster) == (0, 0, "")
                continue
            assert found.outcome == CellForecast.OUTCOME_FORECAST
            week = found.horizons[0]
            assert low <= week.expected_count <= high, (cell, trained)
            values = [item.value for item in week.quantiles]
            assert values == sorted(values)
            by_model = trained and path != SeriesPath.SERIES_PATH_SHORT
            assert found.forecaster == (model if by_model else BASELINE), cell
            shares = {share.family: share.weight for share in found.models}
            if not by_model:
                assert shares == ONLY_BASELINE
            elif path == SeriesPath.SERIES_PATH_BROKEN:
                assert shares == ONLY_CLASSICAL
            else:
                assert set(shares) == FAMILIES
                assert sum(shares.values()) == pytest.approx(1.0)
