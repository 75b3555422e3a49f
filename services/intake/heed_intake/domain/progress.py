"""The progress page (办理进度): which steps a petitioner sees, in which words.

Every step is dated. Of a petition in the sealed lane only the stages are shown, in the words of the
ordinary lane, with no unit and no date of what is due.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from heed_shared.clock import day_end, local_day

ROUTING_DAYS = 15
"""Days from receipt until the petition office has routed it: 信访工作条例 art. 22."""


class Stage(IntEnum):
    """Stage (环节) that a petition has reached."""

    REGISTERED = 1
    CASE_OPENED = 2
    ROUTED = 3
    ACCEPTED = 4
    IN_PROGRESS = 5
    EXTENDED = 6
    OPINION_ISSUED = 7
    FOLLOWED_UP = 8
    CLOSED = 9
    ANSWERED = 10
    NOTIFIED = 11
    SERVED = 12
    REVIEW_REQUESTED = 13
    REVIEW_ISSUED = 14
    REOPENED = 15
    SUPERVISED = 16
    SUPPLEMENTED = 17
    WITHDRAWN = 18


@dataclass(frozen=True)
class Step:
    """A step as it was reported."""

    stage: Stage
    reached_at: datetime
    due_at: datetime | None = None
    unit: str = ""


@dataclass(frozen=True)
class ShownStep:
    """A step as the petitioner sees it, in Chinese."""

    stage: Stage
    reached_at: datetime
    due_at: datetime | None
    text: str
    unit: str


_WORDS = {
    Stage.REGISTERED: "您的信访事项已登记",
    Stage.CASE_OPENED: "已完成分类并立案",
    Stage.ROUTED: "已转送、交办{unit}处理",
    Stage.ACCEPTED: "{unit}已受理",
    Stage.IN_PROGRESS: "{unit}正在办理",
    Stage.EXTENDED: "因情况复杂,办理期限已依规延长",
    Stage.OPINION_ISSUED: "{unit}已出具处理意见,您可以查阅并在收到后30日内申请复查",
    Stage.FOLLOWED_UP: "已就办理结果进行回访",
    Stage.CLOSED: "已办结",
    Stage.ANSWERED: "{unit}已答复",
    Stage.NOTIFIED: "{unit}已书面告知不予受理或者应当通过的法定途径",
    Stage.SERVED: "处理意见书已送达,您可以自收到之日起30日内申请复查",
    Stage.REVIEW_REQUESTED: "已收到您的复查、复核申请",
    Stage.REVIEW_ISSUED: "已出具复查、复核意见",
    Stage.REOPENED: "已重新办理",
    Stage.SUPERVISED: "已对办理情况进行督办",
    Stage.SUPPLEMENTED: "已收到您补充的材料",
    Stage.WITHDRAWN: "您已撤回信访事项",
}
_NEXT = {
    Stage.REGISTERED: "转送有权处理的机关、单位",
    Stage.CASE_OPENED: "作出下一步答复",
    Stage.ROUTED: "告知您是否受理",
    Stage.ACCEPTED: "出具处理意见",
    Stage.IN_PROGRESS: "出具处理意见",
    Stage.EXTENDED: "出具处理意见",
    Stage.OPINION_ISSUED: "申请复查",
    Stage.REVIEW_REQUESTED: "出具复查、复核意见",
    Stage.REOPENED: "出具处理意见",
}


_FOLLOWING_WITHDRAWAL = (Stage.CASE_OPENED, Stage.CLOSED)


def routing_due_at(received_at: datetime) -> datetime:
    """Return the last second in which the routing is in time; the day of receipt is not counted."""
    last_day = local_day(received_at) + timedelta(days=ROUTING_DAYS)
    return day_end(last_day) - timedelta(seconds=1)


def shown_steps(
    received_at: datetime, registered_at: datetime, steps: Sequence[Step]
) -> list[ShownStep]:
    """Return the page of a petition in the ordinary lane, oldest step first.

    That a withdrawn petition is closed follows from the petitioner's own wish and is no answer of
    the office, so the page does not show it as one.
    """
    registered = Step(Stage.REGISTERED, registered_at, routing_due_at(received_at))
    withdrawn_at = next((s.reached_at for s in steps if s.stage is Stage.WITHDRAWN), None)
    shown = [
        step
        for step in steps
        if withdrawn_at is None
        or step.stage not in _FOLLOWING_WITHDRAWAL
        or step.reached_at < withdrawn_at
    ]
    return [_shown(step) for step in (registered, *shown)]


def sealed_steps(registered_at: datetime, steps: Sequence[Step]) -> list[ShownStep]:
    """Return the page of a sealed petition: its stages, dated, and nothing else.

    The words are those of the ordinary lane, without unit and without what is due.
    """
    stages = [Step(step.stage, step.reached_at) for step in steps]
    return [_shown(step) for step in (Step(Stage.REGISTERED, registered_at), *stages)]


def _shown(step: Step) -> ShownStep:
    text = _WORDS[step.stage].format(unit=step.unit or "有权处理的机关、单位") + "。"
    if step.due_at is not None:
        owed = _NEXT.get(step.stage, "作出下一步答复")
        day = local_day(step.due_at)
        text += f"最迟于{day.year}年{day.month}月{day.day}日前{owed}。"
    return ShownStep(step.stage, step.reached_at, step.due_at, text, step.unit)
