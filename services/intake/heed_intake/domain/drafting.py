"""Makes the draft of a petition from a talk (咨询成文): the petitioner's own sentences, in order.

A draft adds no word and leaves none out but greetings and thanks. Each sentence goes whole into
request, facts or reasons; only where a clause of it clearly asks for something does the request
leave the facts told before it, and only at a comma. What the clerk said is never in a draft; it
tells what a bare yes or no answers.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from heed_intake.domain import drafting_cues as cues
from heed_intake.domain.consultation import PetitionDraft, Speaker, Turn

_SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;…]+[”’』」\"']*|[^。！？!?；;\n]+|\n")
_COMMA = re.compile(r"[，,]\s*")
_EDGE: Final = " \t\r\n\u3000"
_SHORTEST_FACT = 6
"""Characters that a clause must have to stand alone before a request."""

_SHOWN_CHARACTERS: Final = 20
_QUESTION_CHARACTERS: Final = 100
"""How much of a clerk's turn is read as its question."""

WANTED = "您希望解决什么问题,想要得到怎样的结果?"
HAPPENED = "请说说事情的经过:发生了什么,现在怎么样了?"
WHEN = "这件事是什么时候发生的,或者从什么时候开始的?记不清具体日期,说个大概时间也可以。"
WHERE = "事情发生在什么地方?例如区县、街道或者乡镇、小区、路口、单位名称。"
UNIT = "您认为这件事应当由哪个单位负责?不清楚也没有关系,由我们来确定。"
EVIDENCE = "您手上有没有合同、收据、照片、聊天记录之类的材料?没有也不影响登记。"
CONTACT = (
    "您愿意的话,可以留下方便的联系方式,便于告知结果;不留也照样登记,凭受理编号和查询码就能查询进展。"
)
SAY_IN_FULL = "您回答的“{answer}”离开了当时的提问就看不明白,请用一句完整的话说一遍。"


class Part(Enum):
    """Where a sentence goes."""

    REQUEST = "request"
    FACTS = "facts"
    REASONS = "reasons"
    NONE = "none"


@dataclass(frozen=True)
class Sentence:
    """A sentence, or clauses of one, as they stand in a turn of the petitioner."""

    turn: int
    start: int
    text: str
    part: Part
    bare: bool = False
    """Whether it answers a question and says nothing without it."""

    @property
    def end(self) -> int:
        """Where it ends in the turn."""
        return self.start + len(self.text)


def compose(turns: Sequence[Turn]) -> PetitionDraft:
    """Return the draft of a talk; time linear in its length."""
    sentences = ordered(turns)
    return PetitionDraft(
        request=_joined(sentences, Part.REQUEST, turns),
        facts=_joined(sentences, Part.FACTS, turns),
        reasons=_joined(sentences, Part.REASONS, turns),
        questions=tuple(_questions(sentences, turns)),
    )


def ordered(turns: Sequence[Turn]) -> list[Sentence]:
    """Return every sentence of the petitioner with the part that it belongs to, as they came."""
    found = []
    for place, turn in enumerate(turns):
        if turn.speaker is Speaker.PETITIONER:
            question = _question_before(place, turns)
            found += [_placed(place, start, text, question) for start, text in _pieces(turn.text)]
    return found


def _question_before(place: int, turns: Sequence[Turn]) -> str:
    """Return the end of the clerk's turn before this one when it is a question, else nothing."""
    if place == 0 or not _asks(turns[place - 1]):
        return ""
    return turns[place - 1].text[-_QUESTION_CHARACTERS:]


def _asks(turn: Turn) -> bool:
    """Say whether a turn is a clerk's question."""
    return turn.speaker is Speaker.CLERK and turn.text.rstrip(_EDGE + '”"').endswith(("?", "？"))


def _placed(turn: int, start: int, text: str, question: str) -> Sentence:
    """Place a sentence; ``question`` is what the clerk asked just before, or empty."""
    if cues.PLEASANTRY.fullmatch(text):
        return Sentence(turn, start, text, Part.NONE)
    if question and cues.BARE_ANSWER.fullmatch(text):
        if cues.MORE.search(question):
            return Sentence(turn, start, text, Part.NONE)
        return Sentence(turn, start, text, Part.FACTS, bare=True)
    if cues.ASSENT.fullmatch(text):
        return Sentence(turn, start, text, Part.NONE)
    return Sentence(turn, start, text, _part_of(text))


def _part_of(text: str) -> Part:
    if _asks_for(text):
        return Part.REQUEST
    if cues.REASON.search(text):
        return Part.REASONS
    return Part.FACTS


def _asks_for(text: str) -> bool:
    """Say whether the petitioner asks for something here and now."""
    return cues.REQUEST.search(cues.TOLD.sub("", text)) is not None


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield the sentences of a turn without the blanks around them, and where each begins."""
    for match in _SENTENCE.finditer(text):
        whole = match.group()
        stripped = whole.strip(_EDGE)
        if not stripped:
            continue
        start = match.start() + whole.index(stripped)
        if greeting := _greeting_ends(stripped):
            yield start, stripped[:greeting]
            start, stripped = start + greeting, stripped[greeting:]
        cut = _request_begins(stripped)
        if cut is None:
            yield start, stripped
            continue
        before, after = cut
        yield start, stripped[:before]
        yield start + after, stripped[after:]


def _greeting_ends(sentence: str) -> int:
    """Return where the matter begins after greetings that commas part from it; 0 without any."""
    end = 0
    if cues.PLEASANTRY.fullmatch(sentence):
        return end
    for comma in _COMMA.finditer(sentence):
        if not cues.PLEASANTRY.fullmatch(sentence[end : comma.end()]):
            break
        end = comma.end()
    return end


def _request_begins(sentence: str) -> tuple[int, int] | None:
    """Return where facts end and a request begins in one sentence; None where they are one."""
    begin = 0
    for comma in _COMMA.finditer(sentence):
        clause_end = _next_comma(sentence, comma.end())
        if _asks_for(sentence[begin : comma.start()]):
            return None
        if comma.start() >= _SHORTEST_FACT and _asks_for(sentence[comma.end() : clause_end]):
            return comma.start(), comma.end()
        begin = comma.end()
    return None


def _next_comma(sentence: str, start: int) -> int:
    found = _COMMA.search(sentence, start)
    return found.start() if found else len(sentence)


def _joined(sentences: Sequence[Sentence], part: Part, turns: Sequence[Turn]) -> str:
    """Join the sentences of a part: neighbours as they stood, others each on a line of its own."""
    pieces: list[str] = []
    last: Sentence | None = None
    for sentence in sentences:
        if sentence.part is part:
            if last is not None:
                pieces.append(_between(last, sentence, turns))
            pieces.append(sentence.text)
            last = sentence
    return "".join(pieces)


def _between(last: Sentence, sentence: Sentence, turns: Sequence[Turn]) -> str:
    """Return the blanks between two neighbours of one turn; else a new line."""
    if last.turn != sentence.turn:
        return "\n"
    between = turns[last.turn].text[last.end : sentence.start]
    return "\n" if between.strip(_EDGE) else between


def _questions(sentences: Sequence[Sentence], turns: Sequence[Turn]) -> Iterator[str]:
    """Yield what should still be asked; nothing of it is a condition for registering."""
    told = [sentence for sentence in sentences if sentence.part is not Part.NONE]
    whole = "\n".join(sentence.text for sentence in told if not sentence.bare)
    answered = _answered_points(told, turns)
    if not any(sentence.part is Part.REQUEST for sentence in told):
        yield WANTED
    if not any(sentence.part is Part.FACTS and not sentence.bare for sentence in told):
        yield HAPPENED
    points = (
        ("when", cues.WHEN, WHEN),
        ("where", cues.WHERE, WHERE),
        ("unit", cues.UNIT, UNIT),
        ("evidence", cues.EVIDENCE, EVIDENCE),
        ("contact", cues.CONTACT, CONTACT),
    )
    for point, known_by, question in points:
        if point not in answered and not known_by.search(whole):
            yield question
    unclear = [item for item in told if item.bare and not _settles(item, turns)]
    for answer in dict.fromkeys(item.text.rstrip("。.!！,， ") for item in unclear):
        yield SAY_IN_FULL.format(answer=answer[:_SHOWN_CHARACTERS])


def _answered_points(told: Sequence[Sentence], turns: Sequence[Turn]) -> set[str]:
    """Return what was asked before and answered in any way: nobody is asked twice."""
    questions = [_question_before(place, turns) for place in {item.turn for item in told}]
    return {
        point
        for point, asks in cues.TALKED_OF.items()
        if any(asks.search(question) for question in questions)
    }


def _settles(sentence: Sentence, turns: Sequence[Turn]) -> bool:
    """Say whether a bare answer ends a point, such as that there is no evidence."""
    question = _question_before(sentence.turn, turns)
    return any(asks.search(question) for asks in cues.TALKED_OF.values())
