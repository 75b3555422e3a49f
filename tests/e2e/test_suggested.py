"""The same matter is suggested at registration, from intake through the classifier and back."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import Office
from tests.e2e.test_commands import heed

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="package")]


async def test_the_same_matter_is_suggested_at_the_command_line(office: Office) -> None:
    await office.intake.RegisterPetition(
        office.registration("琥珀湾小区旁边的搅拌站日夜施工,噪音和粉尘很大。", "请查处琥珀湾搅拌站")
    )
    await office.feeds.drain()
    asked = ("--region", office.county, "--request", "琥珀湾小区门口搅拌站粉尘太大")
    similar = await heed(office, "similar", *asked, "--output", "json")
    assert similar.returncode == 0, similar.stderr
    found = json.loads(similar.stdout)
    assert any("搅拌站" in item["title"] for item in found)
    assert "petitions/" not in similar.stdout
    registered = await heed(office, "register", *asked, "--suggest")
    assert registered.returncode == 0, registered.stderr
    assert "相似件" in registered.stdout
    assert "查询码" in registered.stdout
