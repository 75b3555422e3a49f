"""What case officers ask from the command line: one case, what burns, measures, figures."""

from __future__ import annotations

import argparse
from typing import Final

from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as disposal
from heed.disposal.v1.disposal_service_pb2_grpc import DisposalServiceStub

from heed_local.answers import Answer, Command, all_pages, moment, place, plain, plain_list
from heed_local.demo.words import CASE_STATES, DEADLINE_BANDS, LEVELS, TRACKS
from heed_local.desk import Desk

MEASURE_STATES: Final = {
    disposal.Measure.STATUS_PLANNED: "待批准",
    disposal.Measure.STATUS_APPROVED: "已批准",
    disposal.Measure.STATUS_STARTED: "执行中",
    disposal.Measure.STATUS_COMPLETED: "已完成",
    disposal.Measure.STATUS_STOPPED: "已停止",
    disposal.Measure.STATUS_REJECTED: "未批准",
}
_CLOCK_STATES: Final = {
    disposal.Deadline.STATE_PAUSED: "已中止",
    disposal.Deadline.STATE_MET: "按期完成",
    disposal.Deadline.STATE_MET_LATE: "逾期完成",
    disposal.Deadline.STATE_CANCELLED: "已取消",
}
_RESULTS: Final = {
    disposal.FollowUp.RESULT_UNSPECIFIED: "待回访",
    disposal.FollowUp.RESULT_SOLVED: "已解决",
    disposal.FollowUp.RESULT_PARTLY: "部分解决",
    disposal.FollowUp.RESULT_NOT_SOLVED: "未解决",
    disposal.FollowUp.RESULT_PROMISE_BROKEN: "承诺未兑现",
    disposal.FollowUp.RESULT_NEW_FACTS: "有新情况",
    disposal.FollowUp.RESULT_UNREACHABLE: "未联系上",
    disposal.FollowUp.RESULT_DECLINED: "不愿答复",
}
_BANDS: Final = ("normal", "warn", "serious", "critical", "overdue")


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this file to the command line."""
    case = commands.add_parser("case", help="一件案件的全部情况 one case with all it holds")
    case.add_argument("name", metavar="CASE", help="cases/...")
    deadlines = commands.add_parser(
        "deadlines", help="期限清单 running deadlines, what burns first"
    )
    deadlines.add_argument("--unit", default="", help="责任单位")
    deadlines.add_argument("--band", choices=_BANDS, help="at least this share of the time used")
    deadlines.add_argument("--due-by", default="", metavar="YYYY-MM-DD")
    measures = commands.add_parser("measures", help="措施清单 the measures of a case")
    measures.add_argument("name", metavar="CASE", help="cases/...")
    figures = commands.add_parser("performance", help="绩效指标 figures of units for a period")
    figures.add_argument("--from", dest="from_day", default="", metavar="YYYY-MM-DD")
    figures.add_argument("--to", dest="to_day", default="", metavar="YYYY-MM-DD")
    figures.add_argument("--unit", default="", help="只看一个单位 only this unit")
    figures.add_argument("--by-unit", action="store_true", help="分单位 each unit apart")


async def case(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """Show one case: where it stands, its clocks, measures and follow-ups."""
    found = (await _stub(desk).GetCase(pb.GetCaseRequest(name=arguments.name))).case
    rows = [
        ("案件", found.title),
        ("类型", TRACKS.get(found.track, "")),
        ("状态", CASE_STATES.get(found.state, "")),
        ("是否化解", "已化解" if found.solved else "未确认化解"),
        ("地区", place(found.region_code)),
        ("责任单位", found.unit or f"(建议){found.proposed_unit}"),
        ("收到", moment(found, "received_at")),
    ]
    if found.HasField("assessment"):
        signed = "(系统建议,待签署)" if found.assessment.proposed else ""
        level = LEVELS.get(found.assessment.response_level, "")
        rows.append(("响应级别", f"{level}{signed} " + ";".join(found.assessment.reasons)))
    rows += [(f"期限 {item.code}", _clock(item)) for item in found.deadlines]
    rows += [
        (f"措施 {item.name.rsplit('/', 1)[-1]}", _measure_line(item)) for item in found.measures
    ]
    rows += [("回访", _follow_up(item)) for item in found.follow_ups]
    if found.HasField("service"):
        rows.append(("送达", found.service.served_on))
    rows += [("督办", f"{item.text}({_answered(item)})") for item in found.supervisions]
    return Answer(("项目", "内容"), rows, plain(found))


async def deadlines(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """List running deadlines, what burns most first."""
    request = pb.ListDeadlinesRequest(page_size=500, unit=arguments.unit, due_by=arguments.due_by)
    if arguments.band:
        request.band = disposal.Deadline.Band.Value(f"BAND_{arguments.band.upper()}")
    found = await all_pages(_stub(desk).ListDeadlines, request, "deadlines")
    rows = [
        (
            DEADLINE_BANDS.get(item.deadline.band, ""),
            item.deadline.due_internal,
            item.deadline.title,
            item.title,
            item.unit,
            place(item.region_code),
            item.case,
        )
        for item in found
    ]
    columns = ("档次", "内部期限", "事项", "案件", "单位", "地区", "编号")
    return Answer(columns, rows, plain_list(found))


async def measures(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """List the measures of a case."""
    found = (await _stub(desk).GetCase(pb.GetCaseRequest(name=arguments.name))).case
    rows = [
        (
            item.name.rsplit("/", 1)[-1],
            MEASURE_STATES.get(item.status, ""),
            item.title,
            item.owner_unit,
            item.due_on,
            item.approver_role,
            item.result,
        )
        for item in found.measures
    ]
    columns = ("序号", "状态", "措施", "承办", "期限", "批准", "结果")
    return Answer(columns, rows, plain_list(list(found.measures)))


async def performance(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """Show the figures of a period with what they were made of."""
    request = pb.GetPerformanceRequest(
        unit=arguments.unit,
        from_day=arguments.from_day,
        to_day=arguments.to_day,
        by_unit=arguments.by_unit,
    )
    found = await _stub(desk, "leader").GetPerformance(request)
    rows = [("全部", *_figure(item)) for item in found.figures]
    rows += [(unit.unit, *_figure(item)) for unit in found.units for item in unit.figures]
    title = f"指标({found.from_day} 至 {found.to_day})"
    return Answer(("单位", title, "数值", "分子/分母", "未计入"), rows, plain(found))


COMMANDS: Final[dict[str, Command]] = {
    "case": case,
    "deadlines": deadlines,
    "measures": measures,
    "performance": performance,
}


def _stub(desk: Desk, identity: str = "officer") -> DisposalServiceStub:
    return DisposalServiceStub(desk.channel("disposal", identity))


def _clock(item: disposal.Deadline) -> str:
    state = _CLOCK_STATES.get(item.state) or DEADLINE_BANDS.get(item.band, "")
    due = f"{item.due_internal}(法定{item.due_legal})" if item.due_internal else ""
    return "  ".join(part for part in (item.title, due, state) if part)


def _measure_line(item: disposal.Measure) -> str:
    return f"{item.title}  {MEASURE_STATES.get(item.status, '')}  {item.owner_unit} {item.due_on}"


def _follow_up(item: disposal.FollowUp) -> str:
    return f"{item.scheduled_on}  {item.occasion}  {_RESULTS.get(item.result, '')}"


def _answered(item: disposal.Supervision) -> str:
    return item.answer or f"{item.answer_due_on}前答复"


def _figure(item: disposal.PerformanceFigure) -> tuple[str, str, str, str]:
    value = f"{item.value:.1f}{item.unit}" if item.defined else "—"
    parts = f"{item.numerator:g}/{item.denominator:g}"
    return item.title, value, parts, "、".join(item.exclusions)
