"""Identifiers that leave a service: uids, resource names and etags.

A uid is a UUID of version 7 whose time is the business clock's, so rows of a replay fall into the
partition of their business month. Nothing here reads a clock.
"""

import base64
import binascii
import re
import secrets
import zlib
from datetime import UTC, datetime
from uuid import UUID

from heed_shared.errors import InvalidField, StaleEtag

_NAME = re.compile(
    r"(?P<collection>[a-z][A-Za-z]*)/(?P<region>[1-9][0-9A-Z]{5})-"
    r"(?P<uid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
)


def new_uid(now: datetime) -> UUID:
    """Return a new UUID version 7 (RFC 9562): milliseconds of ``now`` and 74 random bits."""
    milliseconds = int(now.timestamp() * 1000)
    noise = secrets.randbits(74)
    value = (
        milliseconds << 80 | 0x7 << 76 | (noise >> 62) << 64 | 0b10 << 62 | noise & (1 << 62) - 1
    )
    return UUID(int=value)


def uid_time(uid: UUID) -> datetime:
    """Return the time inside a UUID version 7, in UTC."""
    return datetime.fromtimestamp((uid.int >> 80) / 1000, UTC)


def resource_name(collection: str, region: str, uid: UUID) -> str:
    """Return the name of a resource, such as ``cases/110101-0190...``."""
    return f"{collection}/{region}-{uid}"


def petition_name(region: str, uid: UUID) -> str:
    """Return the name of a petition."""
    return resource_name("petitions", region, uid)


def parse_resource_name(name: str, collection: str, field: str = "name") -> tuple[str, UUID]:
    """Return region and uid of a resource name of ``collection``.

    Raises:
        InvalidField: ``field`` does not hold such a name.
    """
    match = _NAME.fullmatch(name)
    if match is None or match["collection"] != collection:
        raise InvalidField(field, f"must look like {collection}/REGION-UUID")
    return match["region"], UUID(match["uid"])


def etag_of(version: int) -> str:
    """Return the opaque etag of a row version."""
    number = version.to_bytes(8, "big")
    check = zlib.crc32(b"heed-etag" + number).to_bytes(4, "big")
    return base64.urlsafe_b64encode(number + check).decode("ascii")


def version_of(etag: str, name: str = "") -> int:
    """Return the row version behind an etag of ``etag_of``.

    Raises:
        StaleEtag: the text is no etag of this suite; ``name`` is the resource to report.
    """
    try:
        raw = base64.b64decode(etag.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise StaleEtag(name) from error
    version = int.from_bytes(raw[:8], "big")
    if etag_of(version) != etag:
        raise StaleEtag(name)
    return version


def require_etag(etag: str, version: int, name: str) -> None:
    """Check that a caller has seen the current version of a resource.

    Raises:
        StaleEtag: the etag is that of another version.
    """
    if version_of(etag, name) != version:
        raise StaleEtag(name)
