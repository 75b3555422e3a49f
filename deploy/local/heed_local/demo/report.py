"""Prints what a duty officer wants to see, in the office's own words."""

from __future__ import annotations

from collections import Counter

from heed.classifier.v1 import resources_pb2 as classifier
from heed.common.v1 import matter_pb2
from heed.intake.v1 import resources_pb2 as intake
from heed.warning.v1 import warning_service_pb2
from rich.console import Console

from heed_local.demo import score
from heed_local.demo.replay import shown
from heed_local.demo.report_cases import print_cases
from heed_local.demo.report_parts import ROWS, Report, heading, new_table
from heed_local.demo.results import Results
from heed_local.demo.score import Score
from heed_local.demo.words import BANDS, LEVELS, SIZES, WARNING_STATES
from heed_shared.clock import SHANGHAI


def print_report(console: Console, report: Report) -> None:
    """Prints all sections, most urgent knowledge first within each."""
    _registered(console, report)
    _sorted(console, report)
    _warned(console, report)
    _incidents(console, report.results)
    print_cases(console, report)
    _life(console, report)
    _machinery(console, report)


def _registered(console: Console, report: Report) -> None:
    petitions = report.replayed.registered
    heading(console, "一、登记 Registered")
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
    heading(console, "二、分类 Sorted")
    matters = [(c, m) for c in results.classifications for m in c.matters]
    table = new_table("内容类别", "件数#", *(f"{title}#" for title in BANDS.values()))
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
    heading(console, "三、预警 Warnings, in time order")
    table = new_table(
        "发出日", "级别", "地区", "类别", "当时件数#", "预计#", "最高#", "起因", "现状"
    )
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
    table = new_table("预设事件", "规模", "件数#", "起始日", "高峰日", "预警日", "预警类别", "结果")
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
        f"仅由办理指标(如逾期)提出的预警 {len(scored.of_handling)} 条"
    )
    for lag in scored.lags:
        when = f"发现,{lag.warning.fired_on}" if lag.warning else "未发现"
        console.print(f"预设拖延单位 {lag.unit.title}: {when}")
    if scored.lags:
        console.print(f"办理指标预警中与拖延单位无关的 {len(scored.unrelated)} 条")


def _incidents(console: Console, results: Results) -> None:
    heading(console, "四、事件 Incidents: petitions on one matter")
    table = new_table("件数#", "首次", "最近", "事件", "关键词")
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


def _life(console: Console, report: Report) -> None:
    if report.life is None:
        return
    heading(console, "六、一件信访的全程 One petition from end to end")
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
    heading(console, "七、运行 How it ran")
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
