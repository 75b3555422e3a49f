"""Grouping: same problem of the same thing near in time, by the order of arrival alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from heed_classifier.adapters.data_files import content_book
from heed_classifier.adapters.ordinary_language import term_reader
from heed_classifier.domain.incident_summary import summarize, whole_names
from heed_classifier.domain.incidents import (
    CityGrouping,
    IncidentKey,
    Known,
    MatterKey,
    TermCounts,
)
from heed_classifier.domain.text import PetitionText
from heed_classifier.learning.corpus import CorpusWriter
from tests.classifier.builders import NOON

CONCRETE = (
    ("桃源丽都小区旁违建搅拌站", "桃源丽都旁边的搅拌站日夜生产，粉尘噪音严重，居民不敢开窗"),
    ("桃源丽都附近搅拌站噪音扰民", "搅拌站噪音粉尘污染，桃源丽都业主无法睡觉"),
    ("投诉搅拌站粉尘污染", "我们桃源丽都小区门口的搅拌站天天扬尘，要求搬迁"),
)
PROPERTY = (
    ("桃源丽都物业乱收费", "桃源丽都物业公司把停车费翻倍，没有经过业主大会"),
    ("桃源丽都停车费涨价", "桃源丽都的物业乱涨停车费，业主都不同意"),
)
ELSEWHERE = ("金河湾旁搅拌站噪音扰民", "金河湾旁边的搅拌站日夜生产，粉尘噪音严重，居民不敢开窗")


class City:
    """One city's grouping with some ordinary petitions in it, so that rarity means something."""

    def __init__(self) -> None:
        counts = TermCounts({}, 0)
        self.counts = counts
        self.grouping = CityGrouping(counts)
        self.number = 0
        self.next_key: MatterKey | None = None
        self.reader = term_reader()
        for sample in CorpusWriter(content_book(), 12).write(150):
            self.arrive(sample.text[:30], sample.text[30:], NOON - timedelta(days=200))

    def arrive(self, request: str, facts: str = "", at: datetime = NOON) -> Known:
        self.number += 1
        terms = self.reader.read(PetitionText(request, facts))
        profile = self.counts.arrive(terms)
        key = self.next_key or MatterKey("110105", UUID(int=self.number))
        self.next_key = None
        arrival = Known(key, profile, at, "05", request)
        incident = IncidentKey("110100", UUID(int=10_000 + self.number))
        placed = self.grouping.add(arrival, terms.names.keys(), incident)
        self.joined = placed.joined
        return placed.known


def test_the_first_matter_stands_alone_and_the_second_founds_an_incident() -> None:
    city = City()

    first = city.arrive(*CONCRETE[0])
    second = city.arrive(*CONCRETE[1])

    assert first.incident is None
    assert second.incident is not None
    assert city.joined == (first.key,)


def test_a_further_matter_joins_the_incident_without_renaming_it() -> None:
    city = City()
    city.arrive(*CONCRETE[0])
    second = city.arrive(*CONCRETE[1])

    third = city.arrive(*CONCRETE[2])

    assert third.incident == second.incident
    assert city.joined == ()


def test_two_problems_of_one_estate_stay_two() -> None:
    city = City()
    for text in CONCRETE:
        concrete = city.arrive(*text)
    for text in PROPERTY:
        charges = city.arrive(*text)

    assert concrete.incident is not None
    assert charges.incident is not None
    assert concrete.incident != charges.incident


def test_one_problem_in_two_places_stays_two() -> None:
    city = City()
    for text in CONCRETE:
        city.arrive(*text)

    assert city.arrive(*ELSEWHERE).incident is None


def test_a_late_joiner_finds_its_incident() -> None:
    city = City()
    city.arrive(*CONCRETE[0])
    incident = city.arrive(*CONCRETE[1]).incident
    for sample in CorpusWriter(content_book(), 8).write(40):
        city.arrive(sample.text[:30], sample.text[30:], NOON + timedelta(days=10))

    late = city.arrive(*CONCRETE[2], at=NOON + timedelta(days=45))

    assert late.incident == incident


def test_a_matter_long_after_starts_afresh() -> None:
    city = City()
    city.arrive(*CONCRETE[0])
    city.arrive(*CONCRETE[1])

    assert city.arrive(*CONCRETE[2], at=NOON + timedelta(days=200)).incident is None


def test_a_text_that_names_the_thing_late_joins_all_the_same() -> None:
    city = City()
    for text in CONCRETE:
        incident = city.arrive(*text).incident
    story = "我住在这里十年了，家里有老人和小孩，本来生活安静，大家相处融洽，周末常去河边散步" * 2

    late = city.arrive("粉尘噪音太大了", f"{story}。自从桃源丽都小区门口建了搅拌站，粉尘噪音不断")

    assert late.incident == incident


def test_a_lone_matter_is_taken_in_when_enough_tell_what_it_is_about() -> None:
    city = City()
    lone = city.arrive("桃源丽都小区门口", "桃源丽都旁边搅拌站粉尘，业主要求搬迁")
    assert lone.incident is None
    joined: list[MatterKey] = []
    for day, text in enumerate((*CONCRETE, *CONCRETE), 1):
        city.arrive(*text, at=NOON + timedelta(days=day))
        joined += city.joined

    assert lone.key in joined


def test_two_matters_of_one_petition_make_no_incident() -> None:
    city = City()
    first = city.arrive(*CONCRETE[0])
    city.next_key = MatterKey(first.key.region, first.key.uid, 2)

    assert city.arrive(*CONCRETE[1]).incident is None


def test_what_is_out_of_reach_is_forgotten_and_told_as_ended() -> None:
    city = City()
    keys = [city.arrive(*text).key for text in CONCRETE]
    later = city.arrive(*PROPERTY[0], at=NOON + timedelta(days=300))

    ended = city.grouping.forget(NOON + timedelta(days=200))

    assert keys in [[member.key for member in members] for members in ended]
    assert len(city.grouping) == 1
    assert city.arrive(*PROPERTY[1], at=NOON + timedelta(days=301)).incident is not None
    assert city.joined == (later.key,)


def test_a_summary_is_made_of_the_members() -> None:
    city = City()
    for day, text in enumerate(CONCRETE):
        last = city.arrive(*text, at=NOON + timedelta(days=5 * day))
    assert last.incident is not None

    summary = summarize(city.grouping.members(last.incident))

    assert summary.matter_count == 3
    assert summary.recent_count == 2
    assert summary.first_seen_at == NOON
    assert summary.last_seen_at == NOON + timedelta(days=10)
    assert summary.title in {request for request, _ in CONCRETE}
    assert "搅拌站" in summary.keywords
    assert any("桃源丽" in keyword for keyword in summary.keywords)


TITLES = [
    "投诉伊景园滨河苑捆绑销售车位",
    "A市伊景园滨河苑捆绑车位",
    "请问伊景园滨河苑的车位为何强卖",
    "武广新城伊景园滨河苑违规",
]


def test_a_name_is_shown_whole_and_without_words_of_the_problem() -> None:
    assert whole_names(TITLES, ["景园滨", "滨河苑"], ["捆绑", "车位", "违规"]) == ["伊景园滨河苑"]


def test_a_piece_that_stands_in_no_title_is_not_shown() -> None:
    assert whole_names(TITLES, ["粤语歌"], []) == []
