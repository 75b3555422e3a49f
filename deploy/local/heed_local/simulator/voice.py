"""Turns a story into words: a register of its own for each telling, as its channel brings it.

The same story told twice gives different texts; what stays is the matter, its places and numbers.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from heed.common.v1 import matter_pb2

from heed_local.simulator.city import TEXTS
from heed_local.simulator.petitioners import Petitioner
from heed_local.simulator.situations import Situation
from heed_local.simulator.slots import Slots, pick

_IN_WRITING = (
    (",", "，"),
    (":", "："),
    ("!", "！"),
    ("?", "？"),
    (";", "；"),
    ("(", "（"),
    (")", "）"),
)
_REASONS_GIVEN, _CONTACT_IN_TEXT, _PEOPLE_IN_TEXT = 0.45, 0.2, 0.8
_ENDS = "。，！？；：…"


@dataclass(frozen=True)
class Story:
    """What happened to whom: a situation, the values of its slots, who tells it and for how many.

    The slots also hold the petitioner's name and contact, where there are any.
    """

    situation: Situation
    slots: Slots
    petitioner: Petitioner
    people: int


@dataclass(frozen=True)
class Telling:
    """One text of a story: the three parts of a petition, and the sentence it is built on."""

    request: str
    facts: str
    reasons: str
    template: str


def draw_channel(random: np.random.Generator) -> str:
    """Return a channel by its share, as the contract names it."""
    channels = _voices()["channels"]
    return _weighted(random, {name: channel["share"] for name, channel in channels.items()})


def tell(story: Story, channel: str, random: np.random.Generator, *, again: bool) -> Telling:
    """Put a story into words. `again` says that it was brought up before."""
    registers = _voices()["channels"][channel]["registers"]
    register = _register(story.situation.nature, _weighted(random, registers))
    lines = story.situation.lines
    number = int(random.integers(len(lines["what"])))
    facts = _facts(story, register, lines["what"][number], random, again=again)
    request = _request(story, register, random)
    reasons = ""
    if lines["why"] and random.random() < _REASONS_GIVEN:
        reasons = _in_register(
            story.slots.fill(pick(random, lines["why"]), random), register, random
        )
        reasons = _in_writing(reasons).rstrip(_ENDS) + "。"
    return Telling(
        request=request,
        facts=facts,
        reasons=reasons,
        template=f"{story.situation.topic_code}/{story.situation.key}/{number}",
    )


def _facts(
    story: Story,
    register: Mapping[str, Any],
    what: str,
    random: np.random.Generator,
    *,
    again: bool,
) -> str:
    lines, voices, slots = story.situation.lines, _voices(), story.slots
    core = what
    if random.random() < register["introduced"]:
        core = f"{pick(random, lines['who'])},{what}"
    body = [core]
    if again:
        body.insert(int(random.integers(2)), pick(random, voices["again"]))
    least, most = register["more"]
    body += _some(random, lines["more"], int(random.integers(least, most + 1)))
    appeal = story.situation.nature == matter_pb2.NATURE_APPEAL_REQUEST
    if appeal and not again and random.random() < register["tried"]:
        body.append(pick(random, voices["tried"]))
    if story.people > 1 and random.random() < _PEOPLE_IN_TEXT:
        body.insert(int(random.integers(1, len(body) + 1)), pick(random, voices["joint"]))
    body += _at_length(lines["what"], what, register, random)
    least, most = register.get("filler", (0, 0))
    for sentence in _some(random, voices["filler"], int(random.integers(least, most + 1))):
        body.insert(int(random.integers(len(body) + 1)), sentence)
    body = [_with_dept(sentence, lines["dept"], random) for sentence in body]
    body = [slots.fill(sentence, random) for sentence in body]
    tail = [slots.fill(pick(random, register["closings"]), random)]
    if slots.get("contact") and random.random() < _CONTACT_IN_TEXT:
        tail.append(slots.fill(pick(random, voices["contact"]), random))
    text = _joined(slots.fill(pick(random, register["openings"]), random), body, register, random)
    text = _in_register(text, register, random)
    for sentence in filter(None, tail):
        text += _stop(text, register, random) + sentence
    return _punctuated(text, random)


def _at_length(
    whats: Sequence[str], told: str, register: Mapping[str, Any], random: np.random.Generator
) -> list[str]:
    """Return what those who write at length add: another fact, and the way so far."""
    voices = _voices()
    added = []
    others = [what for what in whats if what != told]
    if others and random.random() < register.get("also", 0.0):
        added.append(pick(random, voices["also"]) + pick(random, others))
    least, most = register.get("passages", (0, 0))
    return added + _some(random, voices["passages"], int(random.integers(least, most + 1)))


def _register(nature: "matter_pb2.Nature.ValueType", name: str) -> Mapping[str, Any]:
    """Return the register; who suggests or asks something is not angry and ends mildly."""
    registers: Mapping[str, Mapping[str, Any]] = _voices()["registers"]
    if nature not in {matter_pb2.NATURE_SUGGESTION, matter_pb2.NATURE_ENQUIRY}:
        return registers[name]
    register = registers["plain" if name == "angry" else name]
    return {**register, "closings": _voices()["mild_closings"], "passages": (0, 0)}


def _request(story: Story, register: Mapping[str, Any], random: np.random.Generator) -> str:
    template = _with_dept(
        pick(random, story.situation.lines["ask"]), story.situation.lines["dept"], random
    )
    ask = story.slots.fill(template, random)
    match story.situation.nature:
        case matter_pb2.NATURE_APPEAL_REQUEST:
            tail = story.slots.fill(pick(random, _voices()["ask_tail"]), random)
            ask = pick(random, register["ask"]) + ask + tail
        case matter_pb2.NATURE_SUGGESTION:
            ask = pick(random, ("建议", "建议", "希望", "")) + ask
        case _:
            pass
    return _in_writing(ask).rstrip("。")


def _joined(
    opening: str, body: Sequence[str], register: Mapping[str, Any], random: np.random.Generator
) -> str:
    if register.get("numbered") and len(body) > 1:
        mark = pick(random, ("{}、", "{}.", "({})", "第{}点,"))
        body = [mark.format(number) + sentence for number, sentence in enumerate(body, 1)]
        opening += "\n" if random.random() < 0.5 else ""
    text = opening
    for sentence in body:
        text += _stop(text, register, random) + sentence
    return text


def _stop(text: str, register: Mapping[str, Any], random: np.random.Generator) -> str:
    """Return what stands between a text and its next sentence."""
    if not text or text[-1] in ":,】)\n。!?…:，":
        return ""
    return str(pick(random, register["stops"])) or ","


def _punctuated(text: str, random: np.random.Generator) -> str:
    text = _in_writing(text)
    if text[-1] in _ENDS or random.random() < 0.15:
        return text
    return text + "。"


def _in_writing(text: str) -> str:
    """Return the text with the punctuation of Chinese; times and numbers keep theirs."""
    for plain, chinese in _IN_WRITING:
        text = text.replace(plain, chinese)
    return text.strip()


def _in_register(text: str, register: Mapping[str, Any], random: np.random.Generator) -> str:
    """Return the text as a speaker of dialect, a hasty typist or an operator puts it."""
    voices = _voices()
    if register.get("reported"):
        for said, reported in voices["reported"].items():
            text = text.replace(said, reported)
    if register.get("dialect"):
        for standard, local in voices["dialect"].items():
            if random.random() < 0.7:
                text = text.replace(standard, local)
    least, most = register.get("typos", (0, 0))
    slips = [word for word in voices["typos"] if word in text]
    for word in _some(random, slips, int(random.integers(least, most + 1))):
        text = text.replace(word, voices["typos"][word], 1)
    return text


def _with_dept(template: str, depts: Sequence[str], random: np.random.Generator) -> str:
    """Fill in the offices that the people of this situation turn to."""
    for slot, dept in zip(("{dept}", "{dept2}"), _some(random, depts, 2), strict=False):
        template = template.replace(slot, dept)
    return template.replace("{dept2}", "上级单位")


def _some(random: np.random.Generator, options: Sequence[str], number: int) -> list[str]:
    """Return some of the options, each once, in any order."""
    number = min(number, len(options))
    return [options[index] for index in random.permutation(len(options))[:number]]


def _weighted(random: np.random.Generator, weights: Mapping[str, float]) -> str:
    names = list(weights)
    shares = np.fromiter(weights.values(), dtype=float)
    return names[int(random.choice(len(names), p=shares / shares.sum()))]


@cache
def _voices() -> dict[str, Any]:
    return tomllib.loads((TEXTS / "voices.toml").read_text(encoding="utf-8"))
