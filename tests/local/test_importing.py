"""A user's own file is read whole: every row is taken or reported with its line and a reason."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from heed_local.importing.areas import CITY, Areas
from heed_local.importing.columns import ColumnsError, map_columns
from heed_local.importing.reader import RejectedRow, Row, parse_time, read_rows
from heed_shared.clock import SHANGHAI
from heed_shared.reference.regions import Regions

CSV = "message_id,time,area,subject,detail\n"


def write(tmp_path: Path, text: str, name: str = "petitions.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def test_columns_of_a_mailbox_export_are_guessed() -> None:
    columns = map_columns(["留言编号", "留言主题", "留言时间", "留言详情", "地区"])
    assert columns.by_field == {
        "received_at": "留言时间",
        "request": "留言主题",
        "facts": "留言详情",
        "area": "地区",
        "external_id": "留言编号",
    }


def test_a_lone_title_column_is_taken_as_the_text() -> None:
    assert map_columns(["title", "date"]).by_field["facts"] == "title"


def test_a_missing_column_is_named_together_with_those_there_are() -> None:
    with pytest.raises(ColumnsError, match=r"time of receipt \(received_at\).*foo, detail"):
        map_columns(["foo", "detail"])


def test_a_column_can_be_named_by_hand_and_a_wrong_name_is_refused() -> None:
    assert (
        map_columns(["wann", "detail"], {"received_at": "wann"}).by_field["received_at"] == "wann"
    )
    with pytest.raises(ColumnsError, match="no column 'wen'"):
        map_columns(["wann", "detail"], {"received_at": "wen"})
    with pytest.raises(ColumnsError, match="no field 'when'"):
        map_columns(["wann", "detail"], {"when": "wann"})


def test_rows_that_cannot_be_taken_come_with_line_and_reason(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        CSV
        + '1,2019-01-02 03:04:05,A1区,路灯不亮,"第一行\n第二行"\n'
        + "2,yesterday,A1区,噪音,夜里施工\n"
        + "3,2019-01-03,A2区,,\n"
        + "4,,A2区,漏水,屋顶漏水\n"
        + "5,2019-01-04,A2区,漏水,屋顶漏水,多,余\n"
        + "6,2019-01-05,,停水,停水三天\n",
    )
    rows = list(read_rows(path))
    assert [type(row) for row in rows] == [Row] + [RejectedRow] * 4 + [Row]
    assert [row.line for row in rows] == [2, 4, 5, 6, 7, 8]
    reasons = [row.reason for row in rows if isinstance(row, RejectedRow)]
    assert "'yesterday'" in reasons[0]
    assert "text is empty" in reasons[1]
    assert "time of receipt is empty" in reasons[2]
    assert "2 more cells" in reasons[3]
    first = rows[0]
    assert isinstance(first, Row)
    assert first.facts == "第一行\n第二行"
    assert first.received_at == datetime(2019, 1, 2, 3, 4, 5, tzinfo=SHANGHAI)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, CSV + "1,2019-01-02,A1区,路灯不亮,晚上看不见路\n", encoding=encoding)
    [row] = read_rows(path)
    assert isinstance(row, Row)
    assert (row.request, row.facts, row.external_id) == ("路灯不亮", "晚上看不见路", "1")


def test_bytes_of_no_encoding_are_reported_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "petitions.csv"
    good = (CSV + "1,2019-01-02,A1区,路灯,不亮\n").encode() * 1
    path.write_bytes(
        good + b"2,2019-01-02,A1,\xff\xfe\xff,x\n" + "3,2019-01-02,A1,灯,亮\n".encode()
    )
    rows = list(read_rows(path))
    assert [row.line for row in rows if isinstance(row, RejectedRow)] == [3]
    assert len(rows) == 3


def test_compressed_json_lines_are_read_and_bad_lines_reported(tmp_path: Path) -> None:
    path = tmp_path / "petitions.jsonl.gz"
    lines = [json.dumps({"time": "2019-01-02T03:04:05+08:00", "text": "停电"}), "{", "[1]", ""]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    rows = list(read_rows(path))
    assert isinstance(rows[0], Row)
    assert [(row.line, type(row)) for row in rows[1:]] == [(2, RejectedRow), (3, RejectedRow)]


def test_an_empty_file_and_an_unknown_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ColumnsError, match="no rows"):
        list(read_rows(write(tmp_path, "")))
    with pytest.raises(ColumnsError, match="name it"):
        list(read_rows(write(tmp_path, "x", name="petitions.docx")))


def test_times_without_a_zone_are_local_and_with_a_zone_are_kept() -> None:
    assert parse_time("2019/1/2 3:04") == datetime(2019, 1, 2, 3, 4, tzinfo=SHANGHAI)
    moment = parse_time("2019-01-02T03:04:05+00:00")
    assert moment is not None
    assert moment.utcoffset() == timedelta(0)
    assert moment == datetime(2019, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert parse_time("02.01.2019?") is None


def test_areas_become_a_region_table_that_the_services_can_mount(tmp_path: Path) -> None:
    regions = Regions.load(None)
    areas = Areas(regions, "来件城市")
    assert areas.code_of("110105") == "110105"
    assert areas.code_of("") == CITY
    assert areas.code_of("A1区") == areas.code_of(" A1区 ") == "9Z0101"
    assert [areas.code_of(f"第{n}网格") for n in range(2, 40)][-1] == "9Z0113"
    table = tmp_path / "regions.csv"
    areas.write_table(table)
    mounted = Regions.load(table)
    assert mounted.title("9Z0101") == "来件城市A1区"
    assert mounted.parent("9Z0101") == CITY
    assert "110105" in mounted
