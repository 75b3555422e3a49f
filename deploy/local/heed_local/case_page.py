"""One case as a page: where it stands, what it owes, what was done, and what it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from heed.disposal.v1 import resources_pb2 as disposal

from heed_local.answers import moment, place
from heed_local.demo.words import CASE_STATES, DEADLINE_BANDS, LEVELS, TRACKS

MEASURE_STATES: Final = {
    disposal.Measure.STATUS_PLANNED: "待批准",
    disposal.Measure.STATUS_APPROVED: "已批准",
    disposal.Measure.STATUS_STARTED: "执行中",
    disposal.Measure.STATUS_COMPLETED: "已完成",
    disposal.Measure.STATUS_STOPPED: "已停止",
    disposal.Measure.STATUS_REJECTED: "未批准",
}
CLOCK_STATES: Final = {
    disposal.Deadline.STATE_PAUSED: "已中止",
    disposal.Deadline.STATE_MET: "按期完成",
    disposal.Deadline.STATE_MET_LATE: "逾期完成",
    disposal.Deadline.STATE_CANCELLED: "已取消",
}
RESULTS: Final = {
    disposal.FollowUp.RESULT_UNSPECIFIED: "待回访",
    disposal.FollowUp.RESULT_SOLVED: "已解决",
    disposal.FollowUp.RESULT_PARTLY: "部分解决",
    disposal.FollowUp.RESULT_NOT_SOLVED: "未解决",
    disposal.FollowUp.RESULT_PROMISE_BROKEN: "承诺未兑现",
    disposal.FollowUp.RESULT_NEW_FACTS: "有新情况",
    disposal.FollowUp.RESULT_UNREACHABLE: "未联系上",
    disposal.FollowUp.RESULT_DECLINED: "不愿答复",
}
OUTCOMES: Final = {
    disposal.Opinion.OUTCOME_SUPPORTED: "支持",
    disposal.Opinion.OUTCOME_EXPLAINED: "解释说明",
    disposal.Opinion.OUTCOME_NOT_SUPPORTED: "不予支持",
}
REVIEW_RESULTS: Final = {
    disposal.Review.RESULT_UNSPECIFIED: "尚未作出",
    disposal.Review.RESULT_UPHELD: "维持",
    disposal.Review.RESULT_CHANGED: "变更",
    disposal.Review.RESULT_REVOKED: "撤销",
}
Row = tuple[str, str]


def page(case: disposal.Case) -> list[Row]:
    """Return the rows of a case, what matters first before what is only kept."""
    return [*_head(case), *_duties(case), *_answers(case), *_family(case)]


def unit_of(case: disposal.Case) -> str:
    """Return the unit that has the case, or the one that is proposed, said to be so."""
    if case.unit:
        return case.unit
    return f"{case.proposed_unit}(建议)" if case.proposed_unit else "待转办"


def measure_number(measure: disposal.Measure) -> str:
    """Return the number of a measure within its case."""
    return str(measure.name.rsplit("/", 1)[-1])


def _head(case: disposal.Case) -> Iterator[Row]:
    yield "编号", case.name
    yield "案件", case.title
    yield "类型", TRACKS.get(case.track, "")
    yield "状态", CASE_STATES.get(case.state, "")
    if case.track != disposal.Case.TRACK_WARNING:
        yield "是否化解", "回访确认已化解" if case.solved else "尚未确认化解"
    yield "地区", place(case.region_code)
    yield "责任单位", unit_of(case)
    yield "收到", moment(case, "received_at")
    if case.HasField("assessment"):
        known = case.assessment
        signed = (
            "(系统建议,待签署)" if known.proposed else f"({known.assessed_by.display_name}签署)"
        )
        yield "响应级别", LEVELS.get(known.response_level, "") + signed
        yield from (("  理由", reason) for reason in known.reasons)


def _duties(case: disposal.Case) -> Iterator[Row]:
    for item in case.deadlines:
        state = CLOCK_STATES.get(item.state) or DEADLINE_BANDS.get(item.band, "")
        due = f"{item.due_internal}前(法定{item.due_legal})" if item.due_internal else ""
        yield f"期限 {item.code}", "  ".join(part for part in (state, due, item.title) if part)
    for measure in case.measures:
        state = MEASURE_STATES.get(measure.status, "")
        by = f"{measure.owner_unit or '承办单位待定'},{measure.due_on}前"
        yield f"措施 {measure_number(measure)}", f"{state}  {measure.title}({by})"
    for asked in case.follow_ups:
        yield "回访", f"{RESULTS.get(asked.result, '')}  {asked.scheduled_on}  {asked.occasion}"
    for told in case.supervisions:
        yield "督办", f"{told.text}({told.answer or f'{told.answer_due_on}前答复'})"


def _answers(case: disposal.Case) -> Iterator[Row]:
    if case.HasField("objection"):
        yield "异议", case.objection.reason
    if case.HasField("notice"):
        yield "告知", case.notice.text
    if case.HasField("opinion"):
        yield "处理意见", f"{OUTCOMES.get(case.opinion.outcome, '')}:{case.opinion.text}"
    if case.HasField("service"):
        yield "送达", case.service.served_on
    if case.HasField("review"):
        yield "复查", _review(case.review)
    if case.HasField("recheck"):
        yield "复核", _review(case.recheck)
    if case.closing_report:
        yield "办结报告", case.closing_report
    if case.reopened:
        yield "重新办理", "是"
    if case.track != disposal.Case.TRACK_WARNING:
        yield "满意度", "已评价" if case.rated else "未评价"


def _review(review: disposal.Review) -> str:
    return f"{REVIEW_RESULTS.get(review.result, '')}  {review.text or review.reason}"


def _family(case: disposal.Case) -> Iterator[Row]:
    if case.warning:
        yield "预警", case.warning
    yield from (("再次预警", name) for name in case.joined_warnings)
    if case.matter:
        yield "事项", case.matter
    if case.incident:
        yield "所属事件", case.incident
    if case.parent:
        yield "上级案件", case.parent
    if case.children:
        more = "(最多列100件)" if len(case.children) == 100 else ""
        yield "并入案件", f"{len(case.children)} 件{more}"
        yield from (("", name) for name in case.children)
