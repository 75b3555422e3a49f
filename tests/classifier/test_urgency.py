"""Danger to life is found before any model, in every sentence of a written set.

The set was written in rounds, each before the words that its sentences lacked were added: then the
rules knew 24 % of the second round, 20 % of the third, 67 % of the fourth and 50 % of the last. So
recall on the set is 1.0, and in phrasings that nobody has thought of yet it is lower.
"""

from __future__ import annotations

import pytest

from heed_classifier.domain.nature import Urgency
from tests.classifier.builders import grades
from tests.classifier.written import written

ROWS = written("danger")
DANGERS = [row["text"] for row in ROWS if row["danger"] == "yes"]
ORDINARY = [row["text"] for row in ROWS if row["danger"] == "no"]


def test_danger_to_life_is_always_raised() -> None:
    assert [text for text in DANGERS if grades(text).urgency is not Urgency.U0] == []


def test_what_is_feared_past_denied_or_a_manner_of_speaking_is_no_danger_now() -> None:
    false = [text for text in ORDINARY if grades(text).urgency is Urgency.U0]

    print(f"{len(DANGERS)} dangers found, {len(false)} of {len(ORDINARY)} falsely")  # noqa: T201
    assert len(false) <= 0.02 * len(ORDINARY), false


def test_the_written_set_is_large_enough_to_mean_something() -> None:
    assert len(set(DANGERS)) >= 150
    assert len(set(ORDINARY)) >= 100


def test_danger_says_on_which_words_it_rests() -> None:
    for text in DANGERS:
        evidence = grades(text).evidence
        assert evidence, text
        assert all(text[e.start : e.end] == e.phrase for e in evidence)


def test_danger_anywhere_in_a_long_text_is_found_with_its_place() -> None:
    text = "小区路灯坏了，" * 200 + "刚刚楼下着火了，" + "请维修路灯。" * 50

    hits = [hit for hit in grades(text).hits if hit.phrase == "着火了"]

    assert text[hits[0].start : hits[0].end] == "着火了"


URGENT = [
    ("小区停水三天", Urgency.U1, "utilities"),
    ("包工头拖欠工资，马上过年了", Urgency.U1, "wages before a holiday"),
    ("包工头拖欠工资", Urgency.U2, "wages, no holiday near"),
    ("路口坑洼不平", Urgency.U2, "nothing urgent"),
    ("路口坑洼不平，老人摔伤了", Urgency.U1, "someone who needs protection came to harm"),
    ("路口坑洼不平，老人出行", Urgency.U2, "no harm yet"),
    ("权属争议多年未决，几个部门互相推诿", Urgency.U3, "several units, old dispute"),
    ("权属争议多年未决，小区停电", Urgency.U1, "urgent comes before complex"),
]


@pytest.mark.parametrize(("text", "urgency", "reason"), URGENT)
def test_urgency_follows_the_facts(text: str, urgency: Urgency, reason: str) -> None:
    assert grades(text).urgency is urgency, reason


RANKS = {Urgency.U0: 0, Urgency.U1: 1, Urgency.U3: 2, Urgency.U2: 3}
SAMPLE = [*DANGERS[::7], *ORDINARY[::4], *(text for text, _, _ in URGENT)]

# What is no fact of the matter: how often, how loud, how kind, how long, how many wrote.
SAID_BESIDES = [
    "我已经反映了十几次",
    "多次向有关部门反映都没有结果",
    "打了二十遍12345热线没人管",
    "上访了八年",
    "这是我第三次写信了",
    "你们这些废物，全是吃干饭的",
    "太气愤了！！！！！！",
    "感谢领导，辛苦了",
    "谢谢！祝工作顺利",
    "我们以前也投诉过别的事",
    "我是老上访户",
    "有一百个人跟我一起投诉过",
]


@pytest.mark.parametrize("besides", SAID_BESIDES)
@pytest.mark.parametrize("place", ["before", "after", "without a stop"])
def test_history_tone_and_repeats_change_nothing(besides: str, place: str) -> None:
    for text in SAMPLE:
        more = {
            "before": f"{besides}，{text}",
            "after": f"{text}。{besides}。",
            "without a stop": f"{text.rstrip('。')}{besides}",
        }[place]
        before, after = grades(text), grades(more)
        assert (after.urgency, after.importance, after.hazard) == (
            before.urgency,
            before.importance,
            before.hazard,
        ), more


@pytest.mark.parametrize("person", ["残疾", "孤寡老人", "孕妇", "留守儿童"])
def test_vulnerability_never_lowers_urgency(person: str) -> None:
    for text in SAMPLE:
        more = grades(f"{text}。家里有{person}")
        assert RANKS[more.urgency] <= RANKS[grades(text).urgency], text


@pytest.mark.parametrize("marks", ["！", "！！！！！", "？？？", "……", "!!!"])
def test_marks_and_capitals_change_nothing(marks: str) -> None:
    for text in SAMPLE:
        loud = grades(text.replace("。", marks).upper() + marks)
        assert (loud.urgency, loud.importance) == (grades(text).urgency, grades(text).importance)


def test_a_grade_of_importance_says_why() -> None:
    assert grades("路灯坏了").importance_reason == "未见安全隐患，未见涉及多人"
    assert grades("全村饮用水被污染").importance_reason == "存在安全隐患、涉及人数众多"
    assert "危及生命" in grades("楼下着火了").importance_reason
