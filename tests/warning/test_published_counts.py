"""Officers see no small day, not by subtraction either; everybody sees closed months of a city."""

from datetime import timedelta

import grpc
from heed.warning.v1 import warning_service_pb2 as pb

from tests.warning.conftest import CITY, COUNTY, PROVINCE, SECOND_COUNTY, START, Post, cell, counts
from tests.warning.rpc_setup import refused

DAY = START - timedelta(days=40)
"""2025-04-23."""


async def shown(post: Post, region: str) -> tuple[int, bool]:
    request = pb.QuerySeriesRequest(
        cell=cell(region), from_day=DAY.isoformat(), to_day=DAY.isoformat()
    )
    day = (await post.stub().QuerySeries(request)).days[0]
    return day.count, day.suppressed


async def test_a_small_day_of_a_county_is_not_told_by_those_around_it(post: Post) -> None:
    await post.record([*counts([3], DAY, COUNTY), *counts([9], DAY, SECOND_COUNTY)])
    await post.record(counts([30], DAY, "320106"))
    assert await shown(post, COUNTY) == (0, True)
    # 42 in the city, less 30, less 9: hidden too, for it would tell the 3.
    assert await shown(post, SECOND_COUNTY) == (0, True)
    assert await shown(post, "320106") == (30, False)
    assert await shown(post, CITY) == (42, False)
    assert await shown(post, PROVINCE) == (42, False)


async def test_a_closed_month_of_a_city_is_shown_to_everybody_without_small_counts(
    post: Post,
) -> None:
    await post.record([*counts([26], DAY, COUNTY), *counts([31], DAY, COUNTY, "02")])
    await post.record([*counts([4], DAY, SECOND_COUNTY), *counts([52], DAY, SECOND_COUNTY, "02")])
    await post.record(counts([60], DAY - timedelta(days=30), COUNTY))
    answer = await post.stub("portal").ListPublishedCounts(
        pb.ListPublishedCountsRequest(region_code=CITY, month="2025-04")
    )
    found = {
        (item.region_code, item.category_code): "-" if item.hidden else item.count
        for item in answer.counts
        if not item.own
    }
    # The 4 is hidden; so are the three that would give it away with the sums.
    assert found == {
        (COUNTY, "01"): "-",
        (COUNTY, "02"): "-",
        (COUNTY, ""): 55,
        (SECOND_COUNTY, "01"): "-",
        (SECOND_COUNTY, "02"): "-",
        (SECOND_COUNTY, ""): 55,
        (CITY, "01"): 30,
        (CITY, "02"): 85,
        (CITY, ""): 115,
    }


async def test_a_month_that_is_not_over_and_a_region_that_is_no_city_are_refused(
    post: Post,
) -> None:
    stub = post.stub("portal")
    for request in (
        pb.ListPublishedCountsRequest(region_code=CITY, month="2025-06"),
        pb.ListPublishedCountsRequest(region_code=PROVINCE, month="2025-04"),
        pb.ListPublishedCountsRequest(region_code=COUNTY, month="2025-04"),
    ):
        code, reason = await refused(stub.ListPublishedCounts(request))
        assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    unknown = pb.ListPublishedCountsRequest(region_code="999999", month="2025-04")
    assert (await refused(stub.ListPublishedCounts(unknown)))[1] == "UNKNOWN_REGION"


async def test_a_month_without_anything_is_an_empty_table(post: Post) -> None:
    answer = await post.stub("portal").ListPublishedCounts(
        pb.ListPublishedCountsRequest(region_code=CITY, month="2025-04")
    )
    assert not answer.counts
