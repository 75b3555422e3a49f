"""The roles, schemas and URLs of the four services in one Postgres database.

Passwords are made at random on first use and kept in one private file. The same code serves the
launcher and the tests' templates.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from heed_local.authority import SERVICES
from heed_local.private_files import write_private
from heed_shared.provision import provision

SCHEMAS: Final = {
    "intake": ("intake", "intake_sealed"),
    "classifier": ("classifier",),
    "warning": ("warning",),
    "disposal": ("disposal",),
}
_ROLES: Final = ("owner", "app", "reader")
_FURTHER_ROLES: Final = {"intake": ("sealed_app",)}


@dataclass(frozen=True)
class ServiceDatabases:
    """Where each service finds its schema, and with which password."""

    admin_url: str
    passwords: dict[str, dict[str, str]]

    @classmethod
    async def provisioned(
        cls, admin_url: str, password_file: Path, services: Sequence[str] = SERVICES
    ) -> Self:
        """Make roles and schemas in the database of `admin_url`; running it again is fine."""
        passwords = _load_or_make_passwords(password_file)
        for service in services:
            await provision(admin_url, service, SCHEMAS[service], passwords[service])
        return cls(admin_url, passwords)

    @staticmethod
    async def make_database(admin_url: str, name: str) -> None:
        """Create the database `name` unless it is there."""
        connection = await asyncpg.connect(admin_url)
        try:
            known = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name)
            if not known:
                await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()

    def url(self, service: str, role: str) -> str:
        """URL of one of the service's roles: owner, app, reader; of intake also sealed_app."""
        password = self.passwords[service][role]
        return with_login(self.admin_url, f"heed_{service}_{role}", password)

    def environment(self, service: str) -> dict[str, str]:
        """Settings of the service that name its database."""
        settings = {
            "HEED_DATABASE_URL": self.url(service, "app"),
            "HEED_MIGRATION_URL": self.url(service, "owner"),
        }
        if service == "intake":
            settings["HEED_SEALED_DATABASE_URL"] = self.url(service, "sealed_app")
        return settings


def with_login(url: str, user: str, password: str) -> str:
    """Return the same URL for another user; database and options stay."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{place}"))


def _load_or_make_passwords(file: Path) -> dict[str, dict[str, str]]:
    if file.exists():
        passwords: dict[str, dict[str, str]] = json.loads(file.read_text("utf-8"))
        return passwords
    passwords = {
        service: {
            role: secrets.token_urlsafe(24) for role in (*_ROLES, *_FURTHER_ROLES.get(service, ()))
        }
        for service in SERVICES
    }
    write_private(file, json.dumps(passwords))
    return passwords
