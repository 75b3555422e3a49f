"""Forecast and BatchForecast over the real service: people, followers, pages that add up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from heed.common.v1.observation_pb2 import MEASURE_PEOPLE
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.resources_pb2 import CellForecast, LikelyFollower, SeriesPath

from heed_shared.database import Database
from heed_warning.domain.panel import Cell
from heed_warning.main import open_service
from heed_warning.settings import WarningSettings
from tests.warning.conftest import (
    CITY,
    COUNTY,
    PROVINCE,
    SECOND_CATEGORY,
    SECOND_COUNTY,
    START,
    Post,
    cell,
    counts,
)
from tests.warning.counts_setup import NOON, observation
from tests.warning.counts_setup import apply as observe
from tests.warning.rpc_setup import FIRST, WEEK, new_id, policy, refused

DAYS = 200


async def with_history(post: Post) -> None:
    """Two counties of one city, in one category; one of them in another as well."""
    await post.record(counts(WEEK * 30, FIRST) + counts(WEEK[::-1] * 30, FIRST, SECOND_COUNTY))
    await post.record(counts(WEEK * 30, FIRST, category=SECOND_CATEGORY))


async def pages(post: Post, **fields: object) -> list[CellForecast]:
    found, token = [], ""
    while True:
        page = await post.stub().BatchForecast(
            pb.BatchForecastRequest(page_size=2, page_token=token, **fields)  # type: ignore[arg-type]
        )
        assert len(page.forecasts) <= 2
        found += page.forecasts
        token = page.next_page_token
        if not token:
            return found


async def test_pages_hold_every_cell_once_and_counties_add_up(post: Post) -> None:
    await with_history(post)
    found = await pages(post)
    cells = [(item.cell.region_code, item.cell.category_code) for item in found]
    assert cells == sorted(set(cells))
    assert len(cells) == 7
    of = dict(zip(cells, found, strict=True))
    for day in range(28):
        counties = sum(
            of[region, "01"].days[day].expected_count for region in (COUNTY, SECOND_COUNTY)
        )
        for above in (CITY, PROVINCE):
            assert of[above, "01"].days[day].expected_count == pytest.approx(counties)
    for place in range(3):
        counties = sum(
            of[region, "01"].horizons[place].expected_count for region in (COUNTY, SECOND_COUNTY)
        )
        assert of[CITY, "01"].horizons[place].expected_count == pytest.approx(counties)


async def test_a_single_forecast_is_the_same_as_that_of_its_page(post: Post) -> None:
    await with_history(post)
    [single] = (
        await post.stub().Forecast(pb.ForecastRequest(cells=[cell(CITY)], horizon_days=14))
    ).forecasts
    paged = await pages(post, region_prefix=CITY, category_code="01", horizon_days=14)
    assert [item.cell.region_code for item in paged] == [CITY, COUNTY, SECOND_COUNTY]
    assert [item.expected_count for item in single.days] == [
        item.expected_count for item in paged[0].days
    ]
    assert [item.horizon_days for item in single.horizons] == [7, 14]
    assert [(share.family, share.weight) for share in single.models] == [("baseline", 1.0)]


async def test_neighbours_and_the_parent_are_named_within_the_callers_region(post: Post) -> None:
    await with_history(post)
    asked = pb.ForecastRequest(cells=[cell()])
    [found] = (await post.stub().Forecast(asked)).forecasts
    relations = {item.cell.region_code: item for item in found.likely_followers}
    assert set(relations) == {SECOND_COUNTY, CITY}
    assert relations[CITY].relation == LikelyFollower.RELATION_PARENT
    assert relations[SECOND_COUNTY].relation == LikelyFollower.RELATION_NEIGHBOUR
    assert relations[CITY].region_title == "江苏省南京市"
    assert all(0 <= item.exceedance_probability <= 1 for item in relations.values())
    county = post.caller(["ROLE_ANALYST"], COUNTY)
    [alone] = (await county.Forecast(asked)).forecasts
    assert not alone.likely_followers


async def test_people_come_from_the_buckets_of_the_last_ninety_days(post: Post) -> None:
    await with_history(post)
    database = await Database.open(post.database["url"], "warning", 2)
    for ago, bucket, number in ((10, 1, 8), (20, 3, 2), (120, 7, 50)):
        given = observation(
            (COUNTY, "01", number), day=START - timedelta(days=ago), measure=MEASURE_PEOPLE,
            at=NOON - timedelta(days=ago),
        )  # fmt: skip
        given.deltas[0].bucket = bucket
        await observe(database, given)
    await database.close()
    [found, other] = (
        await post.stub().Forecast(pb.ForecastRequest(cells=[cell(), cell(SECOND_COUNTY)]))
    ).forecasts
    week = found.horizons[0]
    assert week.expected_people == pytest.approx(week.expected_count * 2.2)
    shares = [item.probability for item in week.people_quantiles]
    assert shares == [0.05, 0.5, 0.95]
    low, middle, high = (item.value for item in week.people_quantiles)
    assert 0 <= low <= middle <= high
    assert other.horizons[0].expected_people == 0
    assert not other.horizons[0].people_quantiles


async def test_a_short_history_is_said_by_its_path_too(post: Post) -> None:
    await post.record(counts([1] * 20, START - timedelta(days=20)))
    [found] = (await post.stub().Forecast(pb.ForecastRequest(cells=[cell()]))).forecasts
    assert found.outcome == CellForecast.OUTCOME_INSUFFICIENT_HISTORY
    assert found.path == SeriesPath.SERIES_PATH_INSUFFICIENT
    assert not found.likely_followers


async def test_a_batch_stays_in_the_callers_region_and_names_what_is_wrong(post: Post) -> None:
    await with_history(post)
    county = post.caller(["ROLE_ANALYST"], SECOND_COUNTY)
    page = await county.BatchForecast(pb.BatchForecastRequest(region_prefix="32"))
    assert [item.cell.region_code for item in page.forecasts] == [SECOND_COUNTY]
    for fields, reason in (
        ({"region_prefix": "999999"}, "UNKNOWN_REGION"),
        ({"category_code": "99"}, "UNKNOWN_CATEGORY"),
        ({"page_token": "abc"}, "BAD_PAGE_TOKEN"),
        ({"as_of": "2030-01-01"}, "INVALID_FIELD"),
    ):
        call = post.stub().BatchForecast(pb.BatchForecastRequest(**fields))  # type: ignore[arg-type]
        assert (await refused(call))[1] == reason


async def test_what_is_kept_between_pages_follows_policies_and_counts(post: Post) -> None:
    await with_history(post)

    async def told() -> tuple[float, float]:
        [found] = (await post.stub().Forecast(pb.ForecastRequest(cells=[cell()]))).forecasts
        return found.horizons[0].expected_count, found.horizons[0].threshold_count

    first = await told()
    assert await told() == first
    request = pb.CreateThresholdPolicyRequest(request_id=new_id(), policy=policy())
    await post.stub().CreateThresholdPolicy(request)
    expected, threshold = await told()
    assert (expected, threshold) == (first[0], 8)
    await post.record(counts([30] * 14, START - timedelta(days=15)))
    assert (await told())[0] > 1.2 * first[0]
    settings = post.service.settings
    assert isinstance(settings, WarningSettings)
    async with open_service(settings) as other:  # a replica that has kept nothing
        day = START - timedelta(days=1)
        foreseer = other.servicers[0][1]._parts.foreseer
        _, [fresh] = await foreseer.forecast([Cell(COUNTY, "01")], day, 28, lambda _: True)
    assert (fresh.outlook.spans[0].expected, fresh.outlook.spans[0].threshold) == await told()
