"""The `heed` command talks to a running suite."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest

from tests.e2e.conftest import Office

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="package")]


async def heed(office: Office, *arguments: str) -> subprocess.CompletedProcess[str]:
    run_dir = str(office.suite.run_dir)
    command = [sys.executable, "-m", "heed_local.cli", "--run-dir", run_dir, *arguments]
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False
    )


async def test_a_petition_registered_at_the_command_line_can_be_followed_there(
    office: Office,
) -> None:
    registered = await heed(
        office,
        "register",
        "--region",
        office.county,
        "--request",
        "请求修好路灯",
        "--output",
        "json",
    )
    assert registered.returncode == 0, registered.stderr
    receipt = json.loads(registered.stdout)
    number = receipt["petition"]["receipt_number"]
    progress = await heed(office, "progress", number, "--code", receipt["query_code"])
    assert progress.returncode == 0, progress.stderr
    assert "已登记" in progress.stdout


async def test_a_refusal_is_one_line_with_reason_and_field(office: Office) -> None:
    refused = await heed(office, "register", "--region", "999999", "--request", "请求修好路灯")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith("heed: UNKNOWN_REGION: submission.region_code: ")
    assert refused.stderr.count("\n") == 1


async def test_status_shows_every_feed_of_every_service(office: Office) -> None:
    answer = await heed(office, "status", "--output", "json")
    assert answer.returncode == 0, answer.stderr
    feeds = {
        feed["feed"] for status in json.loads(answer.stdout).values() for feed in status["feeds"]
    }
    assert feeds == {
        "intake.petitions",
        "classifier.classifications",
        "classifier.observations",
        "warning.warnings",
        "disposal.progress",
        "disposal.outcomes",
    }


@pytest.mark.parametrize("question", ["warnings", "cases", "incidents"])
async def test_lists_are_tables_and_json(office: Office, question: str) -> None:
    table = await heed(office, question)
    assert table.returncode == 0, table.stderr
    listed = await heed(office, question, "--output", "json")
    assert isinstance(json.loads(listed.stdout), list)


async def test_a_case_can_be_found_and_read_and_an_empty_list_says_so(office: Office) -> None:
    await office.intake.RegisterPetition(office.registration("小区路灯不亮,请求修好"))
    await office.feeds.drain()
    listed = json.loads((await heed(office, "cases", "--limit", "1", "--output", "json")).stdout)
    name = listed[0]["name"].removeprefix("cases/")
    found, measures, burning, figures, nothing = await asyncio.gather(
        heed(office, "case", name),
        heed(office, "measures", name, "--output", "json"),
        heed(office, "deadlines", "--limit", "1"),
        heed(office, "performance", "--by-unit"),
        heed(office, "cases", "--state", "archived", "--track", "warning"),
    )
    for answer in (found, measures, burning, figures, nothing):
        assert answer.returncode == 0, answer.stderr
    assert listed[0]["title"] in found.stdout
    assert "是否化解" in found.stdout
    assert isinstance(json.loads(measures.stdout), list)
    assert "内部期限" in burning.stdout
    assert "按期答复率" in figures.stdout
    assert nothing.stdout == "没有这样的案件 no such case\n"
    missing = await heed(office, "case", "110101-01998d2c-0000-7000-8000-000000000000")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith("heed: NOT_FOUND")
