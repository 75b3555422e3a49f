"""What runs through the whole suite is on record at every service, in chains that are whole."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.e2e.conftest import Office
from tests.e2e.test_commands import heed

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="package")]


async def test_the_audits_of_all_services_are_whole_and_tell_what_was_done(office: Office) -> None:
    answer = await office.intake.RegisterPetition(office.registration("小区路灯不亮,请求修好"))
    await office.feeds.drain()
    for question in ("cases", "warnings", "incidents"):
        asked = await heed(office, question)
        assert asked.returncode == 0, asked.stderr

    name = answer.petition.name
    registered = await heed(office, "audit", "list", "--resource", name, "--output", "json")
    [entry] = json.loads(registered.stdout)
    assert (entry["service"], entry["action"]) == ("intake", "AUDIT_ACTION_REGISTER")
    searched = await heed(office, "audit", "list", "--action", "search", "--output", "json")
    services = {entry["service"] for entry in json.loads(searched.stdout)}
    assert {"classifier", "warning", "disposal"} <= services
    assert "小区路灯" not in registered.stdout + searched.stdout

    for _ in range(50):
        verified = await heed(office, "audit", "verify", "--output", "json")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        found = json.loads(verified.stdout)
        if all(int(chain.get("last_position", 0)) for chain in found.values()):
            break
        await asyncio.sleep(0.2)
    assert set(found) == {"intake", "classifier", "warning", "disposal"}
    assert all(chain["intact"] for chain in found.values())
