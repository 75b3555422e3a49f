"""What a clerk does at the counter by `heed register`, `similar`, `progress` and `consult`."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import cast

import grpc
import pytest

from heed_local.answers import Answer
from heed_local.desk import Desk
from heed_local.petition_commands import COMMANDS, add_arguments
from heed_local.submission_input import submission_from
from heed_shared.commands import CommandError
from heed_shared.errors import reason_of
from tests.intake.conftest import COUNTY, Office, refusal
from tests.intake.consultations import WATER

TALK = f"""
登记员：您好,请讲。
信访人：您好！
P: {WATER}
已经第四天了。
"""


def parsed(*words: str) -> argparse.Namespace:
    """The arguments of one command."""
    parser = argparse.ArgumentParser()
    add_arguments(parser.add_subparsers(dest="command", required=True))
    return parser.parse_args(words)


async def heed(office: Office, *words: str) -> Answer:
    """What a command answers."""

    class AtOffice:
        def channel(self, _service: str, identity: str) -> grpc.aio.Channel:
            return office.channel(identity)

    arguments = parsed(*words)
    return await COMMANDS[arguments.command](cast("Desk", AtOffice()), arguments)


def told(answer: Answer) -> dict[str, str]:
    """The rows of an answer of items, by their Chinese names."""
    return {row[0].split(" ")[0]: row[1] for row in answer.rows}


async def test_a_receipt_is_handed_over_and_opens_the_progress(office: Office) -> None:
    words = ("--region", COUNTY, "--request", "请修好路灯", "--channel", "call")
    receipt = told(await heed(office, "register", *words))
    assert receipt["受理编号"] == "110105-2026-000001"
    assert "朝阳区" in receipt["地区"]
    assert "只显示这一次" in receipt["提示"]
    page = await heed(office, "progress", receipt["受理编号"], "--code", receipt["查询码"])
    assert "已登记" in page.rows[0][1]
    wrong = heed(office, "progress", receipt["受理编号"], "--code", "2222-2222-2222")
    assert reason_of(await refusal(wrong)) == "RECEIPT_NOT_FOUND"


async def test_the_same_request_id_registers_nothing_twice(office: Office) -> None:
    words = ("register", "--region", COUNTY, "--request", "请修好路灯", "--request-id")
    first, again = [
        await heed(office, *words, "0b0e7f0a-3f0f-4a2e-8f6c-0123456789ab") for _ in range(2)
    ]
    assert first == again
    with pytest.raises(SystemExit):
        parsed(*words, "7")


async def test_suggestions_that_are_not_to_be_had_hinder_nothing(office: Office) -> None:
    words = ("--region", COUNTY, "--request", "请修好路灯")
    answer = await heed(office, "register", *words, "--suggest")
    assert "不影响登记" in told(answer)["相似件"]
    assert answer.data["suggestions"] == []
    assert told(answer)["受理编号"]
    assert reason_of(await refusal(heed(office, "similar", *words))) == "DEPENDENCY_DOWN"


async def test_a_file_says_what_options_need_not(office: Office, tmp_path: Path) -> None:
    fields = {
        "region_code": COUNTY,
        "channel": "letter",
        "request": "请修好路灯。",
        "petitioner": {"display_name": "测试甲"},
        "received_at": "2026-03-01T09:00:00+08:00",
    }
    files = {
        "p.json": json.dumps(fields, ensure_ascii=False),
        "p.toml": f'region_code = "{COUNTY}"\nchannel = "letter"\nrequest = "请修好路灯。"\n'
        "received_at = 2026-03-01T09:00:00\n[petitioner]\ndisplay_name = '测试甲'\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
        words = ("--file", str(tmp_path / name), "--facts", "测试甲家门口很黑。")
        petition = (await heed(office, "register", *words)).data["petition"]
        assert petition["channel"] == "CHANNEL_LETTER"
        assert petition["received_at"] == "2026-03-01T01:00:00Z"
        assert petition["masked_facts"] == "【姓名】家门口很黑。"


def test_evidence_is_taken_in_by_digest(tmp_path: Path) -> None:
    (tmp_path / "路灯.jpg").write_bytes(b"picture")
    words = ("register", "--region", COUNTY, "--evidence", str(tmp_path / "路灯.jpg"))
    submission = submission_from(parsed(*words, "--target-unit", "路灯管理所", "--confidential"))
    assert submission.evidence[0].file_name == "路灯.jpg"
    assert submission.evidence[0].media_type == "image/jpeg"
    assert submission.evidence[0].size_bytes == 7
    assert submission.evidence[0].sha256 == hashlib.sha256(b"picture").digest()
    assert list(submission.target_units) == ["路灯管理所"]
    assert submission.confidentiality_requested


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("none.json", None, "No such file"),
        ("a.json", b"{", "Expecting"),
        ("a.json", b"[1]", "must hold one submission"),
        ("a.toml", b"= 1", "Invalid"),
        ("a.json", b"\xff\xfe", "is not UTF-8"),
        ("a.json", b'{"occupation": "x"}', "occupation"),
        ("a.json", b'{"channel": "pigeon"}', "CHANNEL_PIGEON"),
        ("a.json", b'{"request": 7}', "request"),
        ("a.json", b'{"petitioner": "x"}', "petitioner"),
        ("a.json", b'{"request": "x"}', "region_code"),
    ],
)
def test_a_wrong_file_is_one_line_with_its_fault(
    tmp_path: Path, name: str, content: bytes | None, problem: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandError) as caught:
        submission_from(parsed("register", "--file", str(tmp_path / name)))
    text = str(caught.value)
    assert problem in text
    assert "\n" not in text


async def test_a_talk_becomes_a_draft_and_on_confirmation_a_petition(
    office: Office, tmp_path: Path
) -> None:
    file = tmp_path / "talk.txt"
    file.write_text(TALK, "utf-8")
    drafted = await heed(office, "consult", "--region", COUNTY, "--talk", str(file))
    shown = told(drafted)
    assert shown["诉求"] == "请尽快恢复供水。"
    assert "已经第四天了。" in shown["事实"]
    assert shown["状态"] == "已成稿 drafted"
    assert any("联系方式" in row[1] for row in drafted.rows)
    words = ("consult", "--name", shown["咨询"], "--confirm", "--place", "幸福里")
    confirmed = await heed(office, *words)
    assert told(confirmed)["受理编号"] == "110105-2026-000001"
    assert confirmed.data["petition"]["consultation"] == shown["咨询"]
    kept = await heed(office, "consult", "--name", shown["咨询"])
    assert told(kept)["状态"] == "已成文登记 registered"


async def test_a_wrong_talk_is_one_line_with_its_fault(office: Office, tmp_path: Path) -> None:
    (tmp_path / "nobody.txt").write_bytes(b"no speaker")
    (tmp_path / "bytes.txt").write_bytes(b"\xff")
    wrong = {"none.txt": "none.txt", "nobody.txt": "line 1", "bytes.txt": "UTF-8"}
    for name, problem in wrong.items():
        words = ("--region", COUNTY, "--talk", str(tmp_path / name))
        with pytest.raises(CommandError, match=problem):
            await heed(office, "consult", *words)
    with pytest.raises(CommandError, match="required"):
        await heed(office, "consult", "--region", COUNTY)
