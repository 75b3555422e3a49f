"""Prints what became of the cases: who did what, what burns, how warnings are dealt with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from heed.disposal.v1 import disposal_service_pb2
from heed.disposal.v1 import resources_pb2 as disposal
from rich.console import Console

from heed_local.demo.office import ROUTING_TIME, WHOLE_LIFE_EVERY, Office
from heed_local.demo.report_parts import ROWS, Report, heading, new_table
from heed_local.demo.words import DEADLINE_BANDS, LEVELS, TRACKS

OVERDUE_ROWS = 5


def print_cases(console: Console, report: Report) -> None:
    """Prints the section of cases."""
    results = report.results
    heading(console, "五、案件 Cases, deadlines, measures")
    tracks = Counter(case.track for case in results.cases)
    console.print("、".join(f"{TRACKS.get(t, t)} {n} 件" for t, n in tracks.most_common()))
    bands = Counter(owed.deadline.band for owed in results.deadlines)
    console.print(
        "进行中的期限: "
        + "、".join(f"{DEADLINE_BANDS.get(b, b)} {bands[b]}" for b in sorted(bands))
        + ("" if report.office else "(自有数据回放中没有人办理案件,到期即逾期)")
    )
    if report.office is not None:
        _handled(console, report.office)
    table = new_table("到期", "档位", "期限", "应办单位", "案件")
    for owed in _burning(results.deadlines):
        table.add_row(
            owed.deadline.due_internal,
            DEADLINE_BANDS.get(owed.deadline.band, "-"),
            f"{owed.deadline.code} {owed.deadline.title}"[:22],
            owed.unit or "待转办",
            owed.title[:24],
        )
    console.print(table)
    for case in [c for c in results.cases if c.track == disposal.Case.TRACK_WARNING][:3]:
        _case(console, case)


def _handled(console: Console, office: Office) -> None:
    """Prints what the people of the office did, and what is only a sample."""
    acts = "、".join(f"{word} {count}" for word, count in office.done.most_common())
    console.print(f"办理: {acts}")
    console.print(
        f"  每 {WHOLE_LIFE_EVERY} 件抽 1 件走完全程(咨询、建议为答复),共 {office.sampled} 件;"
        f"其余申诉求决只办到受理,最后 {ROUTING_TIME.days} 天收到、尚未到期的不再处理;"
        f"拖延单位搁置 {office.left_lying} 件"
    )


def _burning(
    deadlines: Sequence[disposal_service_pb2.CaseDeadline],
) -> list[disposal_service_pb2.CaseDeadline]:
    """A few of those overdue longest, then what falls due next."""
    overdue = [d for d in deadlines if d.deadline.band == disposal.Deadline.BAND_OVERDUE]
    running = [d for d in deadlines if d.deadline.band != disposal.Deadline.BAND_OVERDUE]
    return overdue[:OVERDUE_ROWS] + running[: ROWS - OVERDUE_ROWS]


def _case(console: Console, case: disposal.Case) -> None:
    console.print()
    level = LEVELS.get(case.assessment.response_level, "-")
    console.print(f"[bold]{case.title}[/bold]  响应级别 {level}")
    for reason in case.assessment.reasons[:4]:
        console.print(f"  理由: {reason}", markup=False)
    for doubt in case.assessment.uncertainties[:2]:
        console.print(f"  未知: {doubt}", markup=False)
    for measure in case.measures:
        console.print(
            f"  措施: {measure.title};{measure.owner_unit},{measure.due_on} 前;"
            f"待{measure.approver_role}批准",
            markup=False,
        )
    for follow_up in case.follow_ups[:1]:
        console.print(f"  回访: {follow_up.scheduled_on} {follow_up.occasion}", markup=False)
