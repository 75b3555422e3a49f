"""The statements of registration, for asyncpg: one for each table, whatever the number of rows.

This is the hot path: set-wise statements on the driver itself write a row for a quarter of what one
statement a row costs, and SQLAlchemy's compilation is left out (docs: measured 2,466 against 1,514
registrations a second with one INSERT each). ``{schema}`` is the ordinary schema; the sealed role
may use the two tables of it that are named here.
"""

from collections.abc import Sequence
from typing import Any

from heed_intake.adapters.key_ring import DataKey, KeyRing, WrappedKey
from heed_intake.adapters.personal_data import (
    ACCUSED,
    CONTACTS,
    DETAILS,
    MASKED,
    ORIGINAL,
    accused_of,
    contacts_of,
    details_of,
    evidence_text,
    masked_of,
    original_of,
)
from heed_intake.application.ports import Draft

# Sorted here and in the counters, so that two transactions never wait for each other in a circle.
INSERT_REQUESTS = """
INSERT INTO "{schema}".request_record (caller, method, request_id, digest, response)
SELECT caller, $5, request_id, digest, response
  FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[])
       AS given(caller, request_id, digest, response)
 ORDER BY caller, request_id
ON CONFLICT DO NOTHING
RETURNING caller, request_id
"""
RECALL = """
SELECT caller, request_id, digest, response
  FROM "{schema}".request_record
  JOIN unnest($2::text[], $3::text[]) AS given(caller, request_id) USING (caller, request_id)
 WHERE method = $1
"""
RAISE_COUNTERS = """
INSERT INTO "{schema}".receipt_counter AS counter (office, year, last_serial)
SELECT office, year, added
  FROM unnest($1::text[], $2::smallint[], $3::bigint[]) AS given(office, year, added)
 ORDER BY office, year
ON CONFLICT (office, year) DO UPDATE SET last_serial = counter.last_serial + excluded.last_serial
RETURNING office, year, last_serial
"""
INSERT_RECEIPTS = """
INSERT INTO receipt (number, uid, region_code, code_hash, received_at, registered_at)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::bytea[], $5::timestamptz[],
                     $6::timestamptz[])
"""
_COMMON = (
    ("region_code", "text"),
    ("uid", "uuid"),
    ("handling_region_code", "text"),
    ("office", "text"),
    ("channel", "smallint"),
    ("received_at", "timestamptz"),
    ("registered_at", "timestamptz"),
    ("declared_nature", "smallint"),
    ("people_bucket", "smallint"),
    ("anonymous", "boolean"),
    ("external_id", "text"),
    ("privacy_notice_version", "text"),
    ("confidentiality_requested", "boolean"),
    ("key_id", "text"),
    ("wrapped_key", "bytea"),
    ("original", "bytea"),
    ("contacts", "bytea"),
    ("details", "bytea"),
)
_ORDINARY = (
    *_COMMON,
    ("state", "smallint"),
    ("masked_request", "text"),
    ("masked_facts", "text"),
    ("masked_reasons", "text"),
    ("masked_place", "text"),
    ("masked_evidence", "text"),
)
_SEALED = (
    *_COMMON,
    ("masked", "bytea"),
    ("accused", "bytea"),
    ("sealed_at", "timestamptz"),
    ("sealed_because", "text"),
    ("about_receipt", "text"),
)


def _insert(columns: Sequence[tuple[str, str]]) -> str:
    names = ", ".join(name for name, _ in columns)
    arrays = ", ".join(f"${index}::{kind}[]" for index, (_, kind) in enumerate(columns, 1))
    # Arrays of arrays do not unnest row by row: reasons travel joined by commas.
    picked = names.replace("sealed_because", "string_to_array(sealed_because, ',')")
    return f"INSERT INTO petition ({names}) SELECT {picked} FROM unnest({arrays}) AS given({names})"


INSERT_ORDINARY = _insert(_ORDINARY)
INSERT_SEALED = _insert(_SEALED)


def ordinary_columns(
    drafts: Sequence[Draft], keys: Sequence[tuple[DataKey, WrappedKey]]
) -> list[list[Any]]:
    """Return the arguments of INSERT_ORDINARY; personal values encrypted."""
    rows = [
        (
            *_common_values(draft, key, wrapped),
            int(draft.petition.state),
            draft.petition.masked.request,
            draft.petition.masked.facts,
            draft.petition.masked.reasons,
            draft.petition.masked.place,
            evidence_text(draft.petition.evidence),
        )
        for draft, (key, wrapped) in zip(drafts, keys, strict=True)
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def sealed_columns(
    drafts: Sequence[Draft], keys: Sequence[tuple[DataKey, WrappedKey]]
) -> list[list[Any]]:
    """Return the arguments of INSERT_SEALED; the masked texts are encrypted too."""
    rows = []
    for draft, (key, wrapped) in zip(drafts, keys, strict=True):
        petition = draft.petition
        masked = key.encrypt(MASKED, masked_of(petition.masked, petition.evidence))
        accused = _encrypted(key, ACCUSED, accused_of(draft.submission))
        because = ",".join(draft.screening_rules)
        common = _common_values(draft, key, wrapped)
        about = draft.about_receipt
        rows.append((*common, masked, accused, petition.registered_at, because, about))
    return [list(column) for column in zip(*rows, strict=True)]


def new_keys(drafts: Sequence[Draft], ring: KeyRing) -> list[tuple[DataKey, WrappedKey]]:
    """Return a fresh data key for each petition."""
    return [ring.new_key(draft.petition.uid) for draft in drafts]


def _common_values(draft: Draft, key: DataKey, wrapped: WrappedKey) -> tuple[Any, ...]:
    petition, submission = draft.petition, draft.submission
    return (
        petition.region_code,
        petition.uid,
        petition.handling_region_code,
        petition.office,
        int(petition.channel),
        petition.received_at,
        petition.registered_at,
        int(petition.declared_nature),
        int(petition.people_bucket),
        petition.anonymous,
        petition.external_id,
        submission.privacy_notice_version,
        submission.confidentiality_requested,
        wrapped.key_id,
        wrapped.wrapped,
        key.encrypt(ORIGINAL, original_of(submission)),
        _encrypted(key, CONTACTS, contacts_of(submission)),
        _encrypted(key, DETAILS, details_of(petition.details)),
    )


def _encrypted(key: DataKey, column: str, value: bytes | None) -> bytes | None:
    return None if value is None else key.encrypt(column, value)
