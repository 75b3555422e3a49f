"""Rules of the simulated stream: it is reproducible, varied, seasonal, and its truth adds up."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from heed.common.v1 import matter_pb2

from heed_local.simulator.city import City
from heed_local.simulator.incidents import plan_incidents
from heed_local.simulator.rates import CATEGORIES, Rates, season_factor, weekday_factor
from heed_local.simulator.scenario import Scenario, SimulatedPetition
from heed_shared.clock import local_day
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy

START, DAYS = date(2026, 3, 2), 42


def days_of(scenario: Scenario) -> list[date]:
    return [scenario.start + timedelta(days=step) for step in range(scenario.days)]


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return Scenario(seed=7, start=START, days=DAYS)


@pytest.fixture(scope="module")
def petitions(scenario: Scenario) -> Sequence[SimulatedPetition]:
    return [petition for day in days_of(scenario) for petition in scenario.petitions(day)]


def test_a_day_does_not_depend_on_the_days_asked_for_before(
    scenario: Scenario, petitions: Sequence[SimulatedPetition]
) -> None:
    day = START + timedelta(days=30)
    fresh = Scenario(seed=7, start=START, days=DAYS).petitions(day)
    assert fresh == [item for item in petitions if local_day(item.received_at) == day]
    assert fresh == scenario.petitions(day)


def test_another_seed_gives_another_stream() -> None:
    one, other = (Scenario(seed=seed, start=START, days=DAYS) for seed in (1, 2))
    assert one.petitions(START) != other.petitions(START)
    assert one.incidents != other.incidents


def test_every_petition_has_an_id_of_its_own_and_comes_on_its_day_in_order(
    scenario: Scenario, petitions: Sequence[SimulatedPetition]
) -> None:
    assert len({item.external_id for item in petitions}) == len(petitions)
    for day in days_of(scenario)[:7]:
        moments = [item.received_at for item in scenario.petitions(day)]
        assert moments == sorted(moments)
        assert {local_day(moment) for moment in moments} == {day}


def test_a_city_sends_some_fifty_petitions_a_day() -> None:
    background = Scenario(seed=3, start=START, days=DAYS, incidents=())
    numbers = [len(background.petitions(day)) for day in days_of(background)]
    assert 40 <= np.mean(numbers) <= 62


def test_no_gap_of_a_text_is_left_open(petitions: Sequence[SimulatedPetition]) -> None:
    marks = re.compile(r"[\[\]{}|]|None")
    for item in petitions:
        assert item.facts
        assert item.request
        assert not marks.search(item.request + item.facts + item.reasons), item.external_id


def test_texts_vary_and_no_template_dominates(petitions: Sequence[SimulatedPetition]) -> None:
    sample = petitions[:2000]
    assert len(sample) == 2000
    assert len({item.facts for item in sample}) > 0.98 * len(sample)
    ordinary = Counter(item.truth.template for item in petitions if not item.truth.incident_key)
    assert max(ordinary.values()) <= 0.02 * sum(ordinary.values())
    assert len(ordinary) > 300
    assert len({item.facts[:6] for item in sample}) > 500


def test_every_category_occurs_and_the_big_ones_are_big(
    petitions: Sequence[SimulatedPetition],
) -> None:
    counts = Counter(item.truth.category_code for item in petitions)
    assert set(counts) == set(CATEGORIES)
    assert counts["01"] > 0.18 * len(petitions)
    assert counts["14"] < 0.03 * len(petitions)


def test_truth_is_of_the_taxonomy_and_the_region_of_the_city(
    scenario: Scenario, petitions: Sequence[SimulatedPetition]
) -> None:
    taxonomy = Taxonomy.load(None)
    districts = {district.code for district in scenario.city.districts}
    for item in petitions:
        assert taxonomy.get(item.truth.topic_code).parent_code == item.truth.category_code
        assert item.region_code in districts


def test_natures_channels_and_head_counts_are_mixed(
    petitions: Sequence[SimulatedPetition],
) -> None:
    natures = Counter(item.truth.nature for item in petitions)
    appeals = natures[matter_pb2.NATURE_APPEAL_REQUEST] / len(petitions)
    assert 0.7 < appeals < 0.92
    assert natures[matter_pb2.NATURE_SUGGESTION] > 100
    assert natures[matter_pb2.NATURE_ENQUIRY] > 100
    assert natures[matter_pb2.NATURE_ACCUSATION] >= 5
    assert len({item.channel for item in petitions}) >= 8
    assert len({item.people_bucket for item in petitions}) >= 6
    urgent = {item.truth.urgency for item in petitions}
    assert {matter_pb2.URGENCY_U0, matter_pb2.URGENCY_U1, matter_pb2.URGENCY_U2} <= urgent


def test_some_petitions_are_anonymous_and_some_name_their_writer_in_the_text(
    petitions: Sequence[SimulatedPetition],
) -> None:
    anonymous = [item for item in petitions if item.petitioner_name is None]
    assert 0.1 < len(anonymous) / len(petitions) < 0.4
    assert all(item.petitioner_contact is None for item in anonymous)
    contacts = [item.petitioner_contact for item in petitions if item.petitioner_contact]
    assert all(re.fullmatch(r"13\d0000\d{4}", contact) for contact in contacts)
    told = [
        item
        for item in petitions
        if item.petitioner_contact and item.petitioner_contact in item.facts
    ]
    assert len(told) > 0.05 * len(petitions)


def test_repeats_tell_the_same_matter_in_other_words(
    petitions: Sequence[SimulatedPetition],
) -> None:
    by_id = {item.external_id: item for item in petitions}
    repeats = [item for item in petitions if item.truth.repeat_of]
    assert len(repeats) > 20
    for item in repeats:
        origin = by_id[item.truth.repeat_of or ""]
        assert origin.truth.repeat_of is None
        assert origin.received_at < item.received_at
        assert origin.petitioner_name == item.petitioner_name
        assert origin.truth.topic_code == item.truth.topic_code
        assert origin.region_code == item.region_code
        assert origin.facts != item.facts


def test_counts_of_history_are_those_of_the_texts(
    scenario: Scenario, petitions: Sequence[SimulatedPetition]
) -> None:
    last = START + timedelta(days=DAYS - 1)
    counted = {row[:3]: row[3] for row in scenario.history_counts(START, last)}
    told = Counter(
        (local_day(item.received_at), item.region_code, item.truth.category_code)
        for item in petitions
        if item.truth.nature == matter_pb2.NATURE_APPEAL_REQUEST
    )
    assert counted == dict(told)


def test_a_year_of_history_has_every_day_cell_and_no_accusations(scenario: Scenario) -> None:
    rows = list(scenario.history_counts(START - timedelta(days=364), START - timedelta(days=1)))
    assert len({row[0] for row in rows}) == 364
    assert {row[1] for row in rows} == {item.code for item in scenario.city.districts}
    assert {row[2] for row in rows} == set(CATEGORIES) - {"14"}
    assert all(row[3] > 0 for row in rows)
    assert 8_000 < len(rows) < 364 * 6 * 16


def test_volumes_follow_the_week_the_holidays_and_the_seasons() -> None:
    assert weekday_factor(date(2026, 3, 9)) > 1.5 * weekday_factor(date(2026, 3, 8))
    assert weekday_factor(date(2026, 10, 1)) < 0.6  # National Day, a Thursday
    assert weekday_factor(date(2026, 10, 10)) == 1.0  # a make-up Saturday
    assert weekday_factor(date(2027, 3, 8)) == 1.22  # no notice yet: an ordinary Monday
    assert season_factor("07", date(2026, 8, 1)) > 2 * season_factor("07", date(2026, 2, 1))
    assert season_factor("03", date(2026, 2, 10)) > 1.7 * season_factor("03", date(2026, 5, 10))
    drawn: dict[int, list[int]] = {day: [] for day in range(7)}
    rates = Rates(City(), seed=5)
    for step in range(364):
        day = date(2025, 3, 3) + timedelta(days=step)
        drawn[day.weekday()].append(int(rates.counts(day).appeals.sum()))
    assert np.mean(drawn[0]) > 1.4 * np.mean(drawn[6])


def test_counts_scatter_more_than_poisson() -> None:
    rates = Rates(City(), seed=5)
    ratios = []
    for step in range(200):
        day = date(2025, 4, 7) + timedelta(days=step)
        expected, drawn = rates.expected(day), rates.counts(day)
        large = expected > 1
        error = (drawn.appeals + drawn.others - expected)[large]
        ratios += list(error**2 / expected[large])
    assert 1.1 < np.mean(ratios) < 2.0


def test_the_region_table_can_be_mounted(tmp_path: Path) -> None:
    City().write_regions(tmp_path / "regions.csv")
    regions = Regions.load(tmp_path / "regions.csv")
    assert regions.title("9H0103") == "澜川省澜宁市雁回区"
    assert len(regions.children("9H0100")) == 6


def test_no_name_of_the_city_is_that_of_a_real_region() -> None:
    shipped = Regions.load(None)
    real = {shipped.get(code).title for code in shipped}
    assert real.isdisjoint(title for _, title, _, _ in City().regions)


def test_shares_of_the_districts_add_up() -> None:
    assert sum(district.share for district in City().districts) == pytest.approx(1.0)


def test_incidents_can_be_given_or_left_out(scenario: Scenario) -> None:
    none = Scenario(seed=7, start=START, days=DAYS, incidents=())
    assert none.incidents == ()
    day = scenario.incidents[0].first_day
    moved = replace(scenario.incidents[0], daily={day: 5})
    one = Scenario(seed=7, start=START, days=DAYS, incidents=(moved,))
    assert len(one.petitions(day)) == len(none.petitions(day)) + 5


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("start", [date(2026, 3, 2), date(2026, 7, 1), date(2025, 11, 20)])
@pytest.mark.parametrize("days", [14, 56])
def test_planned_incidents_lie_in_the_scenario_each_in_a_cell_of_its_own(
    seed: int, start: date, days: int
) -> None:
    rates = Rates(City(), seed)
    incidents = plan_incidents(City(), rates, seed, start, days)
    assert len({item.kind for item in incidents}) == len(incidents)
    assert len({(item.region_code, item.category_code) for item in incidents}) == len(incidents)
    assert len([item for item in incidents if item.size == "large"]) == (1 if days == 14 else 3)
    for item in incidents:
        assert start <= item.first_day <= item.peak_day <= item.last_day
        assert item.last_day < start + timedelta(days=days)


def test_planted_incidents_are_in_the_stream_with_their_numbers(
    scenario: Scenario, petitions: Sequence[SimulatedPetition]
) -> None:
    assert {item.size for item in scenario.incidents} == {"large", "medium", "small"}
    for incident in scenario.incidents:
        own = [item for item in petitions if item.truth.incident_key == incident.key]
        assert len(own) == incident.count
        assert {item.region_code for item in own} == {incident.region_code}
        assert {item.truth.category_code for item in own} == {incident.category_code}
        assert Counter(local_day(item.received_at) for item in own) == incident.daily
        assert len({item.facts for item in own}) > 0.95 * len(own)


@pytest.mark.parametrize("seed", range(8))
def test_a_large_incident_stands_out_of_its_cell_and_a_small_one_hardly(seed: int) -> None:
    scenario = Scenario(seed=seed, start=START, days=56)
    rates = Rates(scenario.city, seed)
    for incident in scenario.incidents:
        cell = rates.cell(incident.region_code, incident.category_code)
        week = [incident.peak_day + timedelta(days=step) for step in range(-3, 4)]
        expected = sum(float(rates.expected(day)[cell]) for day in week)
        planted = sum(incident.daily.get(day, 0) for day in week)
        spread = np.sqrt(expected + expected**2 / 20 + 1)
        if incident.size == "large":
            assert planted > 4 * spread
        if incident.size == "small":
            assert planted <= 7
