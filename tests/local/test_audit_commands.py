"""`heed audit` shows an auditor who did what, and proves that nothing of it was altered since."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from heed.audit.v1 import audit_service_pb2 as pb
from heed.common.v1.access_pb2 import ROLE_CASE_OFFICER
from heed.intake.v1.intake_service_pb2 import RevealPurpose

from heed_local import audit_commands
from heed_local.authority import make_authority
from heed_local.cli import main
from heed_local.postgres import Cluster
from heed_local.run_state import RunState
from heed_shared.audit import Pending
from heed_shared.audit.server import Audit
from heed_shared.audit.verifying import verify
from heed_shared.database import Database
from heed_shared.identity import Caller
from heed_shared.paging import PageTokens
from tests.shared.conftest import SCHEMA, new_migrated, role_url
from tests.shared.rpc_setup import running


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[Database]:
    opened = await Database.open(role_url(cluster, await new_migrated(cluster), "app"), SCHEMA, 5)
    yield opened
    await opened.close()


@pytest.fixture
async def suite(database: Database, tmp_path: Path) -> AsyncIterator[Path]:
    """The directory of a suite of one service, whose chain has six entries."""
    await write(database, 6)
    recorded = Audit(database, PageTokens(bytes(32)))
    async with running(make_authority(tmp_path / "authority"), audit=recorded) as serving:
        RunState(os.getpid(), {"intake": serving.target}).write(tmp_path)
        await sealed(database, 6)
        yield tmp_path


async def write(database: Database, count: int) -> None:
    caller = Caller("staff/7", "林晓", "市信访局", frozenset({ROLE_CASE_OFFICER}), "")
    looks = [
        Pending(
            caller=caller,
            action=pb.AUDIT_ACTION_REVEAL if number % 2 else pb.AUDIT_ACTION_VIEW,
            method="heed.intake.v1.IntakeService/RevealPetitioner",
            resource=f"petitions/{number}",
            region_code="110101",
            purpose="REVEAL_PURPOSE_NOTICE",
        )
        for number in range(count)
    ]
    async with database.transaction() as tx:
        await tx.record(looks)
        await tx.commit()


async def sealed(database: Database, position: int) -> None:
    for _ in range(100):
        if (await verify(database)).last_position >= position:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the sealer did not come by")


async def heed(suite: Path, *words: str) -> int:
    return await asyncio.to_thread(main, ["--run-dir", str(suite), "audit", *words])


async def test_a_whole_chain_is_told_as_whole_in_words_and_as_data(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await heed(suite, "verify") == 0
    assert "完整" in capsys.readouterr().out
    assert await heed(suite, "verify", "--output", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["intake"]["intact"]
    assert len(found["intake"]["last_digest"]) == 64


async def test_an_altered_entry_is_named_and_ends_the_command_with_an_error(
    suite: Path, cluster: Cluster, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    await tamper(cluster, database, "UPDATE audit_entry SET actor = 'staff/8' WHERE seq = 3")
    assert await heed(suite, "verify", "--service", "intake") == 1
    assert "第3位被篡改" in "".join(capsys.readouterr().out.split())


async def test_a_chain_that_was_rewritten_is_found_by_a_result_that_was_kept(
    suite: Path,
    cluster: Cluster,
    database: Database,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert await heed(suite, "--output", "json", "verify") == 0
    kept = suite / "kept.json"
    kept.write_text(capsys.readouterr().out)
    assert await heed(suite, "verify", "--known", str(kept)) == 0
    await tamper(cluster, database, "DELETE FROM audit_entry WHERE seq > 4")
    await tamper(cluster, database, "DELETE FROM audit_chain WHERE position > 4")
    capsys.readouterr()
    assert await heed(suite, "verify", "--known", str(kept)) == 1
    assert "第5位被删除" in "".join(capsys.readouterr().out.split())


async def test_entries_are_listed_newest_first_in_words(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await heed(suite, "list", "--action", "reveal", "--output", "json") == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [entry["resource"] for entry in found] == ["petitions/5", "petitions/3", "petitions/1"]
    words = [name for name, _ in RevealPurpose.items() if not name.endswith("UNSPECIFIED")]
    assert set(audit_commands.PURPOSES) == set(words)
    assert await heed(suite, "list", "--resource", "petitions/3") == 0
    shown = "".join(capsys.readouterr().out.split())
    for word in ("揭示", "林晓", "时间"):
        assert word in shown
    assert await heed(suite, "list", "--limit", "2", "--actor", "staff/7", "--output", "json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 2


@pytest.mark.parametrize(
    "words",
    [("list", "--from", "gestern"), ("list", "--limit", "0"), ("verify", "--known", "/none")],
)
async def test_a_wrong_argument_is_one_line(
    suite: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert await heed(suite, *words) == 2
    assert capsys.readouterr().err.count("\n") == 1


async def tamper(cluster: Cluster, database: Database, statement: str) -> None:
    """Do what no role of a service can."""
    admin = await asyncpg.connect(
        cluster.url(database.url.rpartition("/")[2]),
        server_settings={"search_path": database.schema},
    )
    await admin.execute(statement)
    await admin.close()
