"""One text, several matters: split only where the text clearly speaks of several things."""

from __future__ import annotations

import pytest

from heed_classifier.application.sorting import Answer, ToSort
from heed_classifier.domain.nature import Nature, Urgency
from heed_classifier.domain.splitting import Part, matter_text, shared_text
from heed_classifier.domain.text import PetitionText
from heed_classifier.learning.sorter import TorchSorter
from tests.classifier.builders import REGION, sorting
from tests.classifier.written import written

RULES = sorting()
ROWS = written("several_matters")
# The rest is written to tempt: numbered reasons, lists of demands, "另外" about the same thing.
SEVERAL = [PetitionText(r["request"], r["facts"]) for r in ROWS if r["categories"]]
ONE = [PetitionText(r["request"], r["facts"]) for r in ROWS if not r["categories"]]
LIGHT_AND_SCHOOL = PetitionText(
    "反映两个问题",
    "一、我们小区门口的路灯坏了三个月没人修，晚上一片漆黑。"
    "二、孩子上的民办幼儿园乱收费，每学期多收八百块补课费。以上问题请尽快处理。",
)
ACCUSING = PetitionText(
    "反映村里的事",
    "村主任挪用公款，虚报冒领危房改造补贴，村民敢怒不敢言。"
    "另外，村里的养猪场猪粪污水直排，臭得没法住人，苍蝇满屋。",
)


def answer(text: PetitionText, sorter: TorchSorter | None = None) -> Answer:
    used = sorting(sorter) if sorter else RULES
    return used.sort_now([ToSort(text, REGION)])[0]


def test_a_split_is_right_nearly_always_and_one_matter_stays_one(sorter: TorchSorter) -> None:
    for used in (None, sorter):
        split = [len(answer(text, used).matters) > 1 for text in SEVERAL]
        false = [text for text in ONE if len(answer(text, used).matters) > 1]
        precision = sum(split) / (sum(split) + len(false))
        print(f"split {sum(split)} of {len(SEVERAL)}, falsely {len(false)} of {len(ONE)}")  # noqa: T201
        assert precision >= 0.9, false
        assert sum(split) >= 0.5 * len(SEVERAL)


def test_the_written_set_is_large_enough_to_mean_something() -> None:
    assert len(set(SEVERAL) | set(ONE)) >= 60


def test_the_parts_have_the_categories_that_were_written_into_them() -> None:
    wrong = []
    for row in ROWS:
        found = answer(PetitionText(row["request"], row["facts"])).matters
        codes = " ".join("14" if m.accusation_suspected else m.category_code for m in found)
        if len(found) > 1 and codes != row["categories"]:
            wrong.append((row["request"], codes))

    assert wrong == []


def test_each_matter_has_its_own_category_title_and_place_in_the_text() -> None:
    found = answer(LIGHT_AND_SCHOOL).matters

    assert [matter.category_code for matter in found] == ["01", "07"]
    assert [matter.title for matter in found] == [
        "我们小区门口的路灯坏了三个月没人修",
        "孩子上的民办幼儿园乱收费",
    ]
    joined = LIGHT_AND_SCHOOL.joined
    for matter in found:
        [(start, end)] = matter.spans
        assert joined[start:end].startswith(matter.title)
        assert matter.evidence
        for evidence in (*matter.evidence, *matter.nature_evidence, *matter.urgency_evidence):
            assert joined[evidence.start : evidence.end] == evidence.phrase
            assert start <= evidence.start < evidence.end <= end
    assert "以上问题" not in "".join(joined[a:b] for m in found for a, b in m.spans)


def test_each_matter_goes_to_its_own_unit_by_its_own_route() -> None:
    first, second = answer(LIGHT_AND_SCHOOL).matters

    assert first.target.unit.endswith("城市管理局")
    assert second.target.unit.endswith("教育局")
    assert (first.route_reason, second.route_reason) != ("", "")


def test_points_of_one_category_are_one_matter_with_several_places() -> None:
    text = PetitionText(
        "反映几个问题",
        "一、开发商逾期交房一年，房产证没有办。二、学校强制补课收补课费，老师不退。"
        "三、物业公司乱收物业费，业主委员会不让成立。",
    )

    found = answer(text).matters

    assert [matter.category_code for matter in found] == ["01", "07"]
    assert [len(matter.spans) for matter in found] == [2, 1]


def test_what_is_said_of_all_raises_every_matter() -> None:
    text = PetitionText(LIGHT_AND_SCHOOL.request + "，再不解决我就跳楼", LIGHT_AND_SCHOOL.facts)

    found = answer(text).matters

    assert len(found) == 2
    assert {matter.urgency for matter in found} == {Urgency.U0}


def test_splitting_never_lowers_the_most_urgent() -> None:
    for text in SEVERAL:
        whole = RULES._rules.grades.grade(text.joined, 0).urgency
        assert min(m.urgency for m in answer(text).matters) <= whole


def test_a_part_that_accuses_is_marked_for_the_sealed_lane() -> None:
    found = answer(ACCUSING)

    assert [matter.sealed_lane for matter in found.matters] == [True, False]
    assert found.matters[0].nature is Nature.ACCUSATION
    assert found.accusation_suspected


def test_an_accusation_across_two_parts_is_not_taken_apart() -> None:
    text = PetitionText(
        "",
        "村里的养猪场猪粪污水直排，臭得没法住人，村支书也看见了。另外，"
        "贪污的事不说，公路坑坑洼洼，交通局不修，货车超载压坏路面，公路养护没人管。",
    )

    found = answer(text)

    assert found.accusation_suspected
    assert len(found.matters) == 1


def test_several_suggestions_are_one_matter() -> None:
    text = PetitionText(
        "几点建议",
        "建议一、增加公交线路和路灯，改善市政设施。二、学校食堂和教师待遇要提高，减少补课。",
    )

    assert len(answer(text).matters) == 1


def test_a_declared_nature_is_that_of_every_part() -> None:
    item = ToSort(LIGHT_AND_SCHOOL, REGION, declared_nature=Nature.ENQUIRY)

    found = RULES.sort_now([item])[0]

    assert {matter.nature for matter in found.matters} == {Nature.ENQUIRY}


def test_texts_are_split_in_a_batch_as_they_are_alone() -> None:
    texts = SEVERAL[:6]
    texts.insert(2, PetitionText("路灯坏了", ""))

    together = RULES.sort_now([ToSort(text, REGION) for text in texts])

    assert together == [answer(text) for text in texts]


def test_places_of_a_part_point_into_the_whole_text() -> None:
    joined = "甲乙丙丁戊己庚辛"
    part = Part(((1, 3), (5, 7)), "01")

    assert part.text(joined) == "乙丙\n己庚"
    assert [joined[part.place(at)] for at in (0, 1, 3, 4)] == list("乙丙己庚")
    assert shared_text(joined, [part]) == "甲\n丁戊\n辛"


@pytest.mark.parametrize(
    ("spans", "request_", "facts"),
    [
        ((), "路灯坏了", "晚上很黑"),
        (((0, 4),), "路灯坏了", ""),
        (((5, 9),), "", "晚上很黑"),
        (((2, 7),), "坏了", "晚上"),
    ],
)
def test_the_text_of_a_matter_keeps_request_and_facts_apart(
    spans: tuple[tuple[int, int], ...], request_: str, facts: str
) -> None:
    text = matter_text(PetitionText("路灯坏了", "晚上很黑"), spans)

    assert (text.request, text.facts) == (request_, facts)
