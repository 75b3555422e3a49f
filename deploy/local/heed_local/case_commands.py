"""What case officers ask from the command line: cases, one case, what burns, measures, figures."""

from __future__ import annotations

import argparse
from typing import Final

from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as disposal
from heed.disposal.v1.disposal_service_pb2_grpc import DisposalServiceStub

from heed_local.answers import Answer, Command, first_pages, place, plain, plain_list
from heed_local.case_page import MEASURE_STATES, measure_number, page, unit_of
from heed_local.demo.words import CASE_STATES, DEADLINE_BANDS, TRACKS
from heed_local.desk import Desk

_BANDS: Final = ("normal", "warn", "serious", "critical", "overdue")
_TRACKS: Final = ("appeal", "suggestion", "enquiry", "warning")
_STATES: Final = tuple(
    name.removeprefix("STATE_").lower() for name in disposal.Case.State.keys()[1:]
)
_LIMIT: Final = 100


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this file to the command line."""
    cases = commands.add_parser("cases", help="案件清单 cases, latest first, with what burns most")
    cases.add_argument("--state", choices=_STATES, help="状态 only this state")
    cases.add_argument("--track", choices=_TRACKS, help="类型 only this track")
    cases.add_argument("--region", default="", metavar="CODE", help="地区 region or prefix")
    cases.add_argument("--category", default="", metavar="CODE", help="一级类别 category")
    case = commands.add_parser("case", help="一件案件的全部情况 one case with all it holds")
    deadlines = commands.add_parser(
        "deadlines", help="期限清单 running deadlines, what burns first"
    )
    deadlines.add_argument("--unit", default="", help="责任单位 only this unit")
    deadlines.add_argument("--band", choices=_BANDS, help="档次 this band or beyond")
    deadlines.add_argument("--due-by", default="", metavar="YYYY-MM-DD", help="此日前到期 due by")
    measures = commands.add_parser("measures", help="措施清单 the measures of a case")
    for one in (case, measures):
        one.add_argument("name", metavar="CASE", help="案件编号 cases/... or what follows it")
    for several in (cases, deadlines):
        several.add_argument("--limit", type=_limit, default=_LIMIT, help="最多条数 (%(default)s)")
    figures = commands.add_parser("performance", help="绩效指标 figures of units for a period")
    figures.add_argument("--from", dest="from_day", default="", metavar="YYYY-MM-DD")
    figures.add_argument("--to", dest="to_day", default="", metavar="YYYY-MM-DD")
    figures.add_argument("--unit", default="", help="只看一个单位 only this unit")
    figures.add_argument("--by-unit", action="store_true", help="分单位 each unit apart")


async def cases(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """List cases with the nearest running deadline of each."""
    request = pb.ListCasesRequest(region_prefix=arguments.region, category_code=arguments.category)
    if arguments.state:
        request.states.append(disposal.Case.State.Value(f"STATE_{arguments.state.upper()}"))
    if arguments.track:
        request.track = disposal.Case.Track.Value(f"TRACK_{arguments.track.upper()}")
    found, note = await first_pages(_stub(desk).ListCases, request, "cases", arguments.limit)
    rows = [
        (
            item.title,
            TRACKS.get(item.track, ""),
            place(item.region_code),
            CASE_STATES.get(item.state, ""),
            unit_of(item),
            _nearest_deadline(item),
            _bare(item.name),
        )
        for item in found
    ]
    columns = ("案件", "类型", "地区", "状态", "单位", "最近期限", "编号")
    return Answer(columns, rows, plain_list(found), "没有这样的案件 no such case", note)


async def case(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """Show one case: where it stands, its clocks, measures and follow-ups."""
    found = await _case(desk, arguments.name)
    return Answer(("项目", "内容"), page(found), plain(found))


async def deadlines(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """List running deadlines, what burns most first."""
    request = pb.ListDeadlinesRequest(unit=arguments.unit, due_by=arguments.due_by)
    if arguments.band:
        request.band = disposal.Deadline.Band.Value(f"BAND_{arguments.band.upper()}")
    found, note = await first_pages(
        _stub(desk).ListDeadlines, request, "deadlines", arguments.limit
    )
    rows = [
        (
            DEADLINE_BANDS.get(item.deadline.band, ""),
            item.deadline.due_internal,
            item.deadline.title,
            item.title,
            item.unit or "待转办",
            place(item.region_code),
            _bare(item.case),
        )
        for item in found
    ]
    columns = ("档次", "内部期限", "事项", "案件", "单位", "地区", "编号")
    nothing = "没有这样的期限 no such deadline"
    return Answer(columns, rows, plain_list(found), nothing, note)


async def measures(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """List the measures of a case."""
    found = await _case(desk, arguments.name)
    rows = [
        (
            measure_number(item),
            MEASURE_STATES.get(item.status, ""),
            item.title,
            item.owner_unit or "待定",
            item.due_on,
            item.approved_by.display_name or f"待{item.approver_role}",
            item.result or item.stop_reason,
        )
        for item in found.measures
    ]
    columns = ("序号", "状态", "措施", "承办", "期限", "批准人", "结果")
    nothing = "本案没有措施 the case has no measures"
    return Answer(columns, rows, plain_list(list(found.measures)), nothing)


async def performance(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """Show the figures of a period with what they were made of."""
    request = pb.GetPerformanceRequest(
        unit=arguments.unit,
        from_day=arguments.from_day,
        to_day=arguments.to_day,
        by_unit=arguments.by_unit,
    )
    found = await _stub(desk, "leader").GetPerformance(request)
    whole = arguments.unit or "全部"
    rows = [(whole, *_figure(item)) for item in found.figures]
    rows += [(unit.unit, *_figure(item)) for unit in found.units for item in unit.figures]
    title = f"指标({found.from_day} 至 {found.to_day})"
    columns = ("单位", title, "数值", "分子/分母", "未计入")
    return Answer(columns, rows, plain(found), note="口径见 --output json 中的 formula")


COMMANDS: Final[dict[str, Command]] = {
    "cases": cases,
    "case": case,
    "deadlines": deadlines,
    "measures": measures,
    "performance": performance,
}


async def _case(desk: Desk, name: str) -> disposal.Case:
    whole = name if name.startswith("cases/") else f"cases/{name}"
    return (await _stub(desk).GetCase(pb.GetCaseRequest(name=whole))).case


def _stub(desk: Desk, identity: str = "officer") -> DisposalServiceStub:
    return DisposalServiceStub(desk.channel("disposal", identity))


def _bare(name: str) -> str:
    """Return a case name as `heed case` takes it, short enough for a table."""
    return name.removeprefix("cases/")


def _nearest_deadline(case: disposal.Case) -> str:
    running = [
        (deadline.due_internal or deadline.due_legal, deadline)
        for deadline in case.deadlines
        if deadline.state == disposal.Deadline.STATE_RUNNING
    ]
    if not running:
        return "无"
    due, nearest = min(running, key=lambda item: item[0])
    return f"{due} {DEADLINE_BANDS.get(nearest.band, '')} {nearest.title}"


def _figure(item: disposal.PerformanceFigure) -> tuple[str, str, str, str]:
    value = f"{item.value:.1f}{item.unit}" if item.defined else "—"
    parts = f"{item.numerator:g}/{item.denominator:g}"
    return item.title, value, parts, "、".join(item.exclusions)


def _limit(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 10_000:
        raise argparse.ArgumentTypeError("must be 1 to 10000")
    return number
