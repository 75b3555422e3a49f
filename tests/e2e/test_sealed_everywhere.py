"""A petition that is sealed is gone from every service: no table of any schema keeps its text."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys

import asyncpg
import pytest
from heed.disposal.v1 import disposal_service_pb2
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as intake

from heed_local.authority import SERVICES
from heed_local.launcher import DATABASE
from tests.e2e.conftest import Office

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="package")]

# Words that no other text has: any of them would give the petition away.
PLACE, PERSON, FIRM = "鹭鸶滩螺蛳桥", "尉迟皓月", "琥珀鲸劳务"
FACTS = f"{PERSON}在{PLACE}的{FIRM}干了三个月,工资一直拖欠不发,多次讨要没有结果,请求帮助讨薪。"
CONTACT = "13787654321"
KEEPS_THE_NAME = {
    "intake.sealed_mark",
    "intake.request_record",
    "intake.audit_entry",
    "intake.feed_event",
    "classifier.feed_event",
    "disposal.feed_event",
}
"""Where the name alone may stay: what was told before, its request id, the audit and the mark."""


async def found_in(office: Office, values: tuple[str, ...]) -> dict[str, set[str]]:
    """Tables of all schemas but the sealed one, with those of the values that stand in them."""
    run_dir = office.suite.run_dir
    passwords = json.loads((run_dir / "passwords.json").read_text("utf-8"))
    (pid_file,) = (run_dir / "postgres").rglob("postmaster.pid")
    port = pid_file.read_text("utf-8").splitlines()[3]
    forms = {value: (value, value.encode().hex(), value.replace("-", "")) for value in values}
    found: dict[str, set[str]] = {}
    for service in SERVICES:
        connection = await asyncpg.connect(
            host="127.0.0.1",
            port=int(port),
            user=f"heed_{service}_owner",
            password=passwords[service]["owner"],
            database=DATABASE,
        )
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = $1", service
        )
        assert len(tables) > 10
        for (table,) in tables:
            rows = await connection.fetch(f'SELECT t::text AS line FROM {service}."{table}" AS t')
            lines = "\n".join(row["line"] for row in rows)
            written = {value for value in values if any(form in lines for form in forms[value])}
            if written:
                found[f"{service}.{table}"] = written
        await connection.close()
    return found


def words_of(name: str) -> tuple[str, ...]:
    """Everything that would give the petition away."""
    return (PLACE, PERSON, FIRM, CONTACT, name.partition("-")[2])


async def heed(office: Office, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command at the desk."""
    command = [sys.executable, "-m", "heed_local.cli", "--run-dir", str(office.suite.run_dir)]
    return await asyncio.to_thread(
        subprocess.run, [*command, *arguments], capture_output=True, text=True, check=False
    )


async def test_no_schema_keeps_what_was_sealed_and_unsealed_it_is_handled_like_any_other(
    office: Office,
) -> None:
    registration = office.registration(FACTS, request=f"请求{FIRM}支付工资")
    registration.submission.petitioner.display_name = PERSON
    registration.submission.petitioner.contact = CONTACT
    answer = await office.intake.RegisterPetition(registration)
    name = answer.petition.name
    await office.feeds.drain()
    uid = name.partition("-")[2]
    before = await found_in(office, words_of(name))
    # The search finds what is there: text in intake and in what others derived from it.
    assert {table.partition(".")[0] for table in before} >= {"intake", "classifier", "disposal"}
    assert any(PLACE in values for values in before.values())

    sealed = await heed(office, "sealed", "seal", name, "--reason", "指名反映")
    assert sealed.returncode == 0, sealed.stderr
    assert FIRM not in sealed.stdout
    await office.feeds.drain()
    after = await found_in(office, words_of(name))
    assert all(values == {uid} for values in after.values()), after
    assert {re.sub("_[0-9]+$", "", table) for table in after} <= KEEPS_THE_NAME
    cases = disposal_service_pb2.ListCasesRequest(petition=name)
    assert list((await office.cases.ListCases(cases)).cases) == []

    shown = await heed(office, "sealed", "show", name, "--purpose", "核实内容", "--output", "json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["content"]["facts"] == FACTS
    unsealed = await heed(office, "sealed", "unseal", name, "--reason", "只讨要工资,不涉及公职人员")
    assert unsealed.returncode == 0, unsealed.stderr
    await office.feeds.drain()
    [case] = (await office.cases.ListCases(cases)).cases
    assert case.category_code == "03"
    progress = pb.CheckProgressRequest(
        receipt_number=answer.petition.receipt_number, query_code=answer.query_code
    )
    stages = [step.stage for step in (await office.portal.CheckProgress(progress)).steps]
    assert stages == [
        intake.ProgressStep.STAGE_REGISTERED,
        intake.ProgressStep.STAGE_CASE_OPENED,
    ]


async def test_an_accusation_is_worked_at_the_command_line(office: Office) -> None:
    accusing = office.registration("云岫区水务局渠成溪收受回扣。", declared_nature=2)
    accusing.submission.target_units.append("区水务局")
    accusing.submission.petitioner.display_name = PERSON
    name = (await office.intake.RegisterPetition(accusing)).petition.name
    listed = await heed(office, "sealed", "list", "--state", "sealed")
    assert listed.returncode == 0, listed.stderr
    assert "D15" in listed.stdout
    assert "待受理" in listed.stdout
    shown = await heed(office, "sealed", "show", name, "--purpose", "核实检举内容")
    for text in ("水印", "秦正", "被检举单位", "不得移送", "云岫区水务局", PERSON):
        assert text in shown.stdout
    forbidden = await heed(office, "sealed", "forward", name, "--unit", "云岫区水务局")
    assert forbidden.returncode == 1
    assert forbidden.stderr.startswith("heed: ROUTE_FORBIDDEN: destination_unit: ")
    steps = {
        "已受理": ("accept", "--notice", "电话"),
        "已移送": ("forward", "--unit", "云岫区纪委监委"),
        "已办结": ("close",),
        "已反馈": ("told", "--notice", "当面"),
    }
    for state, (action, *options) in steps.items():
        done = await heed(office, "sealed", action, name, *options)
        assert done.returncode == 0, done.stderr
        assert state in done.stdout
    late = await heed(office, "sealed", "unseal", name, "--reason", "不涉及任何人")
    assert late.stderr.startswith("heed: WRONG_STATE: ")
