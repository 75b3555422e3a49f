"""The demonstration's score is honest: found, missed, false and lead are what they say."""

from datetime import date, timedelta

from heed.classifier.v1 import resources_pb2 as classifier
from heed.common.v1 import matter_pb2
from heed.warning.v1 import resources_pb2

from heed_local.demo.replay import Registered, WarningSeen
from heed_local.demo.score import score, sorted_as
from heed_local.demo.source import Planted, SlowUnit, Truth

FIRST = date(2026, 3, 10)
BLUE, YELLOW = matter_pb2.WARNING_LEVEL_BLUE, matter_pb2.WARNING_LEVEL_YELLOW


def planted(**changes: object) -> Planted:
    fields = {
        "key": "wages",
        "title": "欠薪",
        "size": "large",
        "region_code": "9H0101",
        "category_code": "03",
        "first_day": FIRST,
        "peak_day": FIRST + timedelta(days=6),
        "last_day": FIRST + timedelta(days=12),
        "count": 60,
    }
    return Planted(**{**fields, **changes})  # type: ignore[arg-type]


def seen(
    day: date,
    *,
    name: str = "warnings/1",
    region: str = "9H0101",
    category: str = "03",
    level: "matter_pb2.WarningLevel.ValueType" = BLUE,
    fired_on: date | None = None,
    resolved: bool = False,
    observed: int = 20,
) -> WarningSeen:
    warning = resources_pb2.Warning(
        name=name,
        cell=resources_pb2.Cell(region_code=region, category_code=category),
        proposed_level=level,
        effective_level=level,
        fired_on=(fired_on or day).isoformat(),
        resolved_on=day.isoformat() if resolved else "",
        latest_evaluation=resources_pb2.Evaluation(observed_count=observed, threshold_count=12),
    )
    return WarningSeen(day, warning)


def test_a_warning_in_the_cell_during_the_incident_finds_it_with_its_lead() -> None:
    result = score([planted()], [seen(FIRST + timedelta(days=2))], {})
    [finding] = result.findings
    assert finding.lead_days == 4
    assert result.unmatched == []
    assert result.missed_large == []


def test_a_warning_of_the_city_finds_an_incident_of_its_county() -> None:
    result = score([planted()], [seen(FIRST, region="9H0100")], {})
    assert result.findings[0].fired_on == FIRST


def test_other_places_categories_and_times_do_not_find_it_and_count_as_unrelated() -> None:
    changes = [
        seen(FIRST, name="warnings/1", region="9H0102"),
        seen(FIRST, name="warnings/2", category="05"),
        seen(FIRST - timedelta(days=1), name="warnings/3"),
        seen(FIRST + timedelta(days=20), name="warnings/4"),
    ]
    result = score([planted()], changes, {})
    assert [p.key for p in result.missed_large] == ["wages"]
    assert len(result.unmatched) == 4


def test_an_open_warning_that_the_incident_lifts_finds_it_on_that_day() -> None:
    before = FIRST - timedelta(days=3)
    lifted = FIRST + timedelta(days=3)
    result = score([planted()], [seen(before), seen(lifted, level=YELLOW, fired_on=before)], {})
    assert result.findings[0].fired_on == lifted
    assert result.unmatched == []


def test_an_open_warning_that_only_lasts_or_ends_finds_nothing() -> None:
    before = FIRST - timedelta(days=3)
    changes = [
        seen(before),
        seen(FIRST + timedelta(days=1), fired_on=before),
        seen(FIRST + timedelta(days=2), fired_on=before, level=YELLOW, resolved=True),
    ]
    assert score([planted()], changes, {}).findings[0].fired_on is None


def test_a_missed_small_incident_is_no_failure_of_the_largest_kind() -> None:
    assert score([planted(size="small")], [], {}).missed_large == []


def test_an_incident_is_found_in_the_cell_under_which_its_petitions_were_sorted() -> None:
    changes = [seen(FIRST, category="07"), seen(FIRST, name="warnings/2", category="05")]
    result = score([planted()], changes, {"wages": "07"})
    assert result.findings[0].fired_on == FIRST
    assert [warning.name for warning in result.unmatched] == ["warnings/2"]


def test_most_petitions_decide_under_which_category_an_incident_was_sorted() -> None:
    registered, classifications = [], []
    for number, category in enumerate(["07", "11", "07"]):
        name = f"petitions/{number}"
        truth = Truth("11", "wages")
        registered.append(Registered(name, name, "", "", "9H0101", FIRST, "", truth))
        classifications.append(
            classifier.Classification(
                petition=name, matters=[classifier.Matter(category_code=category)]
            )
        )
    everyday = Registered("x", "petitions/x", "", "", "9H0101", FIRST, "", Truth("05", ""))
    assert sorted_as([*registered, everyday], classifications) == {"wages": "07"}


def test_a_warning_of_the_handling_alone_finds_nothing_and_is_counted_apart() -> None:
    late = seen(FIRST + timedelta(days=2), observed=5)
    result = score([planted()], [late], {})
    assert result.findings[0].fired_on is None
    assert result.unmatched == []
    assert [warning.name for warning in result.of_handling] == ["warnings/1"]


def test_a_slow_unit_is_found_by_a_warning_of_the_handling_in_its_place_and_category() -> None:
    late = {"observed": 5}
    changes = [
        seen(FIRST, **late),  # type: ignore[arg-type]
        seen(FIRST, name="warnings/2", region="9H0102", **late),  # type: ignore[arg-type]
        seen(FIRST, name="warnings/3", category="05"),
    ]
    slow, elsewhere = SlowUnit("慢", "9H0101", "03"), SlowUnit("别处", "9H0103", "05")
    result = score([], changes, {}, [slow, elsewhere])
    assert [lag.warning.name if lag.warning else "" for lag in result.lags] == ["warnings/1", ""]
    assert [warning.name for warning in result.unrelated] == ["warnings/2"]
