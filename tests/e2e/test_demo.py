"""`heed demo` as a user runs it: on the simulated city, on an own file, on real petitions."""

import csv
import gzip
import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from heed_local.demo import run
from heed_local.demo.run import run_demo

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

TEXTS = [
    "工地拖欠我们三个月工资,包工头失联,请求帮助讨薪。",
    "夜间工厂排放刺鼻气味,多次投诉没有结果。",
    "路口没有红绿灯,学生过马路危险,请尽快增设。",
    "手术后出现并发症,医院拒绝复印病历。",
    "交房两年仍未办下房产证,开发商一直推脱,请求协调办理。",
]


def test_the_demonstration_on_the_simulated_city_ends_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A shorter live stretch than `make demo`, which the continuous integration budget allows.
    monkeypatch.setattr(run, "LIVE_DAYS", 14)
    monkeypatch.setattr(run, "HISTORY_DAYS", 200)
    code = run_demo(None, tmp_path / "out", 7, {})
    printed = capsys.readouterr().out
    assert code in {0, 1}, printed  # a fortnight may end before a large incident is ripe
    assert "丢失 0" in printed, printed
    for heading in ("一、登记", "二、分类", "三、预警", "四、事件", "五、案件", "六、", "七、运行"):
        assert heading in printed, printed
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["registered_count"] > 200
    assert summary["lost_event_count"] == 0
    assert summary["acts"]["受理"] > 0, "people of the office work on cases"
    assert summary["handling_warning_count"] == 0, "nobody is late within a fortnight"
    cases = json.loads((tmp_path / "out" / "cases.json").read_text())
    assert all(case["deadlines"] for case in cases if case["track"] != "TRACK_WARNING")


def test_a_users_file_is_taken_whole_or_reported_row_by_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mailbox.csv"
    with path.open("w", newline="", encoding="gb18030") as file:
        table = csv.writer(file)
        table.writerow(["留言编号", "留言时间", "地区", "留言主题", "留言详情"])
        for number in range(40):
            day = date(2025, 3, 3) + timedelta(days=number // 8)
            area = ["A1区", "A2区", "", "110105"][number % 4]
            table.writerow([number, f"{day} 09:{number:02d}:00", area, "求助", TEXTS[number % 5]])
        table.writerow(["x1", "去年", "A1区", "时间不对", "内容"])
        table.writerow(["x2", "2025-03-04", "A1区", "", ""])
        table.writerow(["x3", "2025-03-04", "A1区", "太长", "长" * 100_001])
    code = run_demo(path, tmp_path / "out", 1, {})
    printed = capsys.readouterr().out
    assert code == 0, printed
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["registered_count"] == 40
    rejected = {row["line"]: row["reason"] for row in summary["rejected_rows"]}
    assert set(rejected) == {42, 43, 44}
    assert "去年" in rejected[42]
    assert "empty" in rejected[43]
    assert "facts" in rejected[44]
    cases = json.loads((tmp_path / "out" / "cases.json").read_text())
    assert {case["region_code"] for case in cases} == {"9Z0101", "9Z0102", "9Z0100", "110105"}


def test_a_file_without_a_time_column_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("who,detail\n1,停水三天\n")
    assert run_demo(path, None, 1, {}) == 2
    assert "received_at" in capsys.readouterr().out


def test_real_petitions_run_through(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], heed_data: Path
) -> None:
    source = heed_data / "petitions" / "stream_one_city.csv.gz"
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["time"].startswith("2019-09-0")]
    path = tmp_path / "september.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    code = run_demo(path, tmp_path / "out", 1, {})
    printed = capsys.readouterr().out
    assert code == 0, printed
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["registered_count"] == len(rows) > 50
    assert summary["lost_event_count"] == 0
