"""`heed demo`: runs the whole job once through, prints the report, and leaves nothing running."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console

from heed_local.demo.feeds import NotDrainedError
from heed_local.demo.life import choose, live
from heed_local.demo.office import Office
from heed_local.demo.replay import Replay, Replayed
from heed_local.demo.report import print_report
from heed_local.demo.report_parts import Report
from heed_local.demo.results import Results, collect
from heed_local.demo.score import Score, fired_warnings, score, sorted_as
from heed_local.demo.source import FileSource, SimulatedSource, Source
from heed_local.importing.columns import ColumnsError
from heed_local.launcher import Suite
from heed_shared.clock import day_start

# A live stretch of the made-up city after a year of history; a fixed date keeps runs comparable.
START = date(2026, 3, 2)
LIVE_DAYS = 56
HISTORY_DAYS = 364
WIDTH = 118


def run_demo(input_file: Path | None, out: Path | None, seed: int, named: dict[str, str]) -> int:
    """Runs the demonstration and returns its exit code.

    0: all well. 1: a planted incident of the largest kind was missed, or an event was lost or is
    stuck. 2: the input file cannot be used; the reason is printed.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    try:
        source = _source(input_file, seed, named)
    except (ColumnsError, ValueError, OSError) as error:
        console.print(f"[red]{error}", markup=True)
        return 2
    try:
        report = asyncio.run(_replay(console, source, seed))
    except NotDrainedError as error:
        console.print(f"[red]{error}", markup=True)
        return 1
    print_report(console, report)
    if out is not None:
        write_files(out, report)
        console.print(f"已写入 {out}/summary.json、warnings.json、incidents.json、cases.json")
    return _verdict(console, report)


def _source(input_file: Path | None, seed: int, named: dict[str, str]) -> Source:
    if input_file is not None:
        return FileSource(input_file, named)
    return SimulatedSource(seed, start=START, live_days=LIVE_DAYS, history_days=HISTORY_DAYS)


async def _replay(console: Console, source: Source, seed: int) -> Report:
    with tempfile.TemporaryDirectory(prefix="heed-demo-") as scratch:
        regions = Path(scratch) / "regions.csv"
        source.write_regions(regions)
        suite = Suite(
            clock="replay",
            replay_start=day_start(source.days[0]),
            regions=regions,
            collect_spans=True,
        )
        console.print("正在启动数据库和四个服务…… starting Postgres and the four services")
        async with suite:
            office = (
                Office(suite, seed, source.slow_units, source.days[-1]) if source.planted else None
            )
            replay = Replay(suite, source, _progress(console, source), office)
            replayed = await replay.run()
            results = await collect(suite, replay.feeds)
            chosen = choose(results.cases, replayed.registered)
            life = await live(suite, *chosen) if chosen else None
            trace = await suite.trace_tree(life.petition.trace_id) if life else ""
        return Report(
            title=source.title,
            replayed=replayed,
            rejected=source.rejected,
            results=results,
            score=_scored(source, replayed, results),
            warnings=fired_warnings(replayed.warnings),
            life=life,
            trace=trace,
            office=office,
        )


def _scored(source: Source, replayed: Replayed, results: Results) -> Score | None:
    if not source.planted:
        return None
    under = sorted_as(replayed.registered, results.classifications)
    return score(source.planted, replayed.warnings, under, source.slow_units)


def _progress(console: Console, source: Source) -> Any:
    total = len(source.days)
    step = max(total // 8, 1)

    def on_day(day: date, registered: int) -> None:
        number = (day - source.days[0]).days + 1
        if number % step == 0 or number == total:
            console.print(f"  {day}  第 {number}/{total} 天,已登记 {registered} 件")

    return on_day


def _verdict(console: Console, report: Report) -> int:
    problems = []
    if report.score is not None and report.score.missed_large:
        problems.append("漏报大型事件: " + "、".join(p.title for p in report.score.missed_large))
    if report.results.lost_events:
        problems.append(f"丢失事件 {report.results.lost_events} 个")
    missing = len(report.replayed.registered) - len(report.results.classifications)
    for problem in problems:
        console.print(f"[red]{problem}", markup=True)
    if missing:
        console.print(f"其中 {missing} 件在封存通道,不进入分类、案件和统计")
    console.print("完成 done" if not problems else "[red]有问题 failed")
    return 1 if problems else 0


def write_files(out: Path, report: Report) -> None:
    """Writes the four JSON files; messages are in the contracts' JSON mapping."""
    out.mkdir(parents=True, exist_ok=True)
    _write(out / "summary.json", summary(report.replayed, report.results, report.score, report))
    _write(out / "warnings.json", _messages(report.warnings))
    _write(out / "incidents.json", _messages(report.results.incidents))
    _write(out / "cases.json", _messages(report.results.cases))


def summary(
    replayed: Replayed, results: Results, scored: Score | None, report: Report
) -> dict[str, Any]:
    """The figures of the report as one JSON object."""
    return {
        "title": report.title,
        "registered_count": len(replayed.registered),
        "rejected_rows": [{"line": row.line, "reason": row.reason} for row in report.rejected],
        "classified_count": len(results.classifications),
        "incident_count": len(results.incidents),
        "warning_count": len(report.warnings),
        "case_count": len(results.cases),
        "lost_event_count": results.lost_events,
        "seconds": {step: round(spent, 2) for step, spent in replayed.seconds.items()},
        "planted": [
            {
                "title": finding.planted.title,
                "size": finding.planted.size,
                "petition_count": finding.planted.count,
                "first_day": finding.planted.first_day.isoformat(),
                "peak_day": finding.planted.peak_day.isoformat(),
                "fired_on": finding.fired_on.isoformat() if finding.fired_on else None,
                "lead_days": finding.lead_days,
            }
            for finding in (scored.findings if scored else ())
        ],
        "unmatched_warning_count": len(scored.unmatched) if scored else None,
        "handling_warning_count": len(scored.of_handling) if scored else None,
        "slow_units": [
            {
                "title": lag.unit.title,
                "fired_on": lag.warning.fired_on if lag.warning else None,
            }
            for lag in (scored.lags if scored else ())
        ],
        "acts": dict(report.office.done) if report.office else None,
    }


def _messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    return [MessageToDict(message, preserving_proto_field_name=True) for message in messages]


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
