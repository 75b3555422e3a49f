"""Prints what a duty officer wants to see, in the office's own words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from heed.classifier.v1 import resources_pb2 as classifier
from heed.common.v1 import matter_pb2
from heed.disposal.v1 import disposal_service_pb2
from heed.disposal.v1 import resources_pb2 as disposal
from heed.intake.v1 import resources_pb2 as intake
from heed.warning.v1 import resources_pb2 as warning
from heed.warning.v1 import warning_service_pb2
from rich.console import Console
from rich.table import Table

from heed_local.demo import score
from heed_local.demo.life import Life
from heed_local.demo.replay import Replayed, shown
from heed_local.demo.results import Results
from heed_local.demo.score import Score
from heed_local.demo.words import BANDS, DEADLINE_BANDS, LEVELS, SIZES, TRACKS, WARNING_STATES
from heed_local.importing.reader import RejectedRow
from heed_shared.clock import SHANGHAI

ROWS = 15
OVERDUE_ROWS = 5


@dataclass(frozen=True)
class Report:
    """Everything that is printed."""

    title: str
    replayed: Replayed
    rejected: Sequence[RejectedRow]
    results: Results
    score: Score | None
    warnings: Sequence[warning.Warning]
    life: Life | None
    trace: str


def print_report(console: Console, report: Report) -> None:
    """Prints all sections, most urgent knowledge first within each."""
    _registered(console, report)
    _sorted(console, report)
    _warned(console, report)
    _incidents(console, report.results)
    _cases(console, report.results)
    _life(console, report)
    _machinery(console, report)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.rule(f"[bold]{text}", align="left")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in columns:
        right = column.endswith("#")
        table.add_column(column.removesuffix("#"), justify="right" if right else "left")
    return table


def _registered(console: Console, report: Report) -> None:
    petitions = report.replayed.registered
    _heading(console, "一、登记 Registered")
    days = f"{petitions[0].day} 至 {petitions[-1].day}" if petitions else "无"
    console.print(
        f"{report.title}: 登记 {len(petitions)} 件,{days};未能受理 {len(report.rejected)} 行"
    )
    for row in report.rejected[:ROWS]:
        console.print(f"  第 {row.line} 行: {row.reason}", markup=False)
    if len(report.rejected) > ROWS:
        console.print(f"  ……另有 {len(report.rejected) - ROWS} 行")


def _sorted(console: Console, report: Report) -> None:
    results = report.results
    _heading(console, "二、分类 Sorted")
    matters = [(c, m) for c in results.classifications for m in c.matters]
    table = _table("内容类别", "件数#", *(f"{title}#" for title in BANDS.values()))
    by_category = Counter(matter.category_code for _, matter in matters)
    for code, count in by_category.most_common():
        bands = Counter(m.band for _, m in matters if m.category_code == code)
        title = results.category_titles.get(code, code)
        table.add_row(title, str(count), *(str(bands[band]) for band in BANDS))
    bands = Counter(m.band for _, m in matters)
    table.add_row("合计", str(len(matters)), *(str(bands[band]) for band in BANDS))
    console.print(table)
    urgent = sum(m.urgency == matter_pb2.URGENCY_U0 for _, m in matters)
    rules = sum(c.decision.method == classifier.Decision.METHOD_RULES for c, _ in matters)
    console.print(f"危急(U0)事项 {urgent} 件;由规则而非模型判定 {rules} 件")
    accuracy = _accuracy(report)
    if accuracy:
        console.print(accuracy)


def _accuracy(report: Report) -> str:
    truth = {p.name: p.truth.category_code for p in report.replayed.registered if p.truth}
    judged = [
        (matter.band, matter.category_code == truth[c.petition])
        for c in report.results.classifications
        if c.petition in truth
        for matter in c.matters[:1]
    ]
    if not judged:
        return ""
    right = sum(ok for _, ok in judged)
    auto = [ok for band, ok in judged if band == classifier.BAND_AUTO]
    words = f"与模拟真值相比: 一级类别正确 {right}/{len(judged)} ({right / len(judged):.1%})"
    if auto:
        words += f";自动档 {len(auto)} 件,正确 {sum(auto) / len(auto):.1%}"
    return words


def _warned(console: Console, report: Report) -> None:
    _heading(console, "三、预警 Warnings, in time order")
    table = _table("发出日", "级别", "地区", "类别", "当时件数#", "预计#", "最高#", "起因", "现状")
    at_firing = score.at_firing(report.replayed.warnings)
    for one in report.warnings:
        evaluation = at_firing.get(one.name, one.latest_evaluation)
        level = LEVELS.get(one.effective_level, "-")
        if one.proposed_level == matter_pb2.WARNING_LEVEL_RED != one.effective_level:
            level += "(建议红)"
        state = WARNING_STATES.get(one.state, "-")
        table.add_row(
            one.fired_on,
            level,
            one.region_title,
            one.category_title,
            str(evaluation.observed_count),
            f"{evaluation.expected_count:.1f}",
            str(one.peak_count),
            "件数" if score.by_count(evaluation) else "办理指标",
            f"{state} {one.resolved_on}".strip(),
        )
    console.print(table if report.warnings else "没有预警")
    if report.score is not None:
        _planted(console, report.score)


def _planted(console: Console, scored: Score) -> None:
    console.print()
    console.print("[bold]与预设事件对照 against what was planted")
    table = _table("预设事件", "规模", "件数#", "起始日", "高峰日", "预警日", "预警类别", "结果")
    for finding in scored.findings:
        planted = finding.planted
        if finding.fired_on is None:
            outcome = "漏报"
        elif finding.lead_days is not None and finding.lead_days > 0:
            outcome = f"发现,早于高峰 {finding.lead_days} 天"
        else:
            outcome = f"发现,晚于高峰 {-(finding.lead_days or 0)} 天"
        table.add_row(
            planted.title,
            SIZES.get(planted.size, planted.size),
            str(planted.count),
            str(planted.first_day),
            str(planted.peak_day),
            str(finding.fired_on or "-"),
            finding.warning.category_title if finding.warning else "-",
            outcome,
        )
    console.print(table)
    found = sum(finding.fired_on is not None for finding in scored.findings)
    console.print(
        f"预设 {len(scored.findings)} 起: 发现 {found},漏报 {len(scored.findings) - found};"
        f"件数超过阈值而与预设事件无关的预警 {len(scored.unmatched)} 条;"
        f"仅由办理指标(如逾期)提出的预警 {len(scored.of_handling)} 条(演示中没有人办理案件)"
    )


def _incidents(console: Console, results: Results) -> None:
    _heading(console, "四、事件 Incidents: petitions on one matter")
    table = _table("件数#", "首次", "最近", "事件", "关键词")
    for incident in results.incidents[:ROWS]:
        first, last = (
            moment.ToDatetime(tzinfo=SHANGHAI).date()
            for moment in (incident.first_seen_at, incident.last_seen_at)
        )
        table.add_row(
            str(incident.matter_count),
            str(first),
            str(last),
            incident.title[:32],
            "、".join(incident.keywords[:4]),
        )
    console.print(table if results.incidents else "没有三件以上的同一事项")
    if len(results.incidents) > ROWS:
        console.print(f"……另有 {len(results.incidents) - ROWS} 起")


def _cases(console: Console, results: Results) -> None:
    _heading(console, "五、案件 Cases, deadlines, measures")
    tracks = Counter(case.track for case in results.cases)
    console.print("、".join(f"{TRACKS.get(t, t)} {n} 件" for t, n in tracks.most_common()))
    bands = Counter(owed.deadline.band for owed in results.deadlines)
    console.print(
        "进行中的期限: "
        + "、".join(f"{DEADLINE_BANDS.get(b, b)} {bands[b]}" for b in sorted(bands))
        + "(演示中没有人办理案件,到期即逾期)"
    )
    table = _table("到期", "档位", "期限", "应办单位", "案件")
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


def _life(console: Console, report: Report) -> None:
    if report.life is None:
        return
    _heading(console, "六、一件信访的全程 One petition from end to end")
    life = report.life
    console.print(f"受理编号 {life.petition.receipt_number},凭查询码可查:")
    for step in life.progress.steps:
        due = f"(应于 {_moment(step.due_at)[:10]} 前答复)" if step.HasField("due_at") else ""
        console.print(f"  {_moment(step.reached_at)}  {step.text}{due}", markup=False)
    if report.trace:
        console.print()
        console.print("登记到立案的调用链 trace across the services:")
        console.print(report.trace, markup=False, highlight=False)


def _moment(stamp: intake.ProgressStep | object) -> str:
    return shown(stamp.ToDatetime(tzinfo=SHANGHAI))  # type: ignore[union-attr]


def _machinery(console: Console, report: Report) -> None:
    _heading(console, "七、运行 How it ran")
    for training in report.replayed.trainings:
        console.print(_training(training))
    seconds = sorted(report.replayed.seconds.items(), key=lambda item: -item[1])
    for step, spent in seconds:
        console.print(f"  {spent:7.1f} s  {step}")
    if seconds:
        console.print(f"最慢的一步: {seconds[0][0]}")
    counts = report.results.feed_counts
    published = sum(count.published for count in counts)
    console.print(
        f"事件: 发布 {published}(按消费者计),应用 {sum(c.applied for c in counts)},"
        f"搁置 {sum(c.parked for c in counts)},丢失 {report.results.lost_events}"
    )


def _training(training: warning_service_pb2.TrainForecasterResponse) -> str:
    model = training.forecaster
    verdict = "已启用" if training.promoted else "未优于基线,未启用"
    return (
        f"LSTM 预测模型: {model.cell_count} 个单元,{model.data_from} 至 {model.data_to};"
        f"留出期损失 {model.validation_loss:.3f},季节基线 {model.baseline_loss:.3f};{verdict}"
    )
