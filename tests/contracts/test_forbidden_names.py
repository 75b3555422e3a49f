"""Heed warns about problems, never about people: what must not exist in contracts and schemas.

The list is DOMAIN's "must not exist" put into words that a field, table, column, metric or message
could bear. A hit is a design error, not a naming error.
"""

import re
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor

ROOT = Path(__file__).parents[2]
FORBIDDEN = re.compile(
    r"risk_?score|person_?score|petitioner_?(score|count|tier|label|rank)|visit_?count|"
    r"organi[sz]er|ring_?leader|instigator|watch_?list|black_?list|key_?person|stability_?risk|"
    r"occupation|ethnic|religio|political|marital|whereabouts|travel|social_?account|face_?id|"
    r"sentiment|extremeness|重点人员|缠访|闹访|老户|扬言|越级访|进京访|截访|稳控",
    re.IGNORECASE,
)
# Where the words must stand: this list, and the schema tests of the services that use it.
SCHEMA_SOURCES = sorted(
    path
    for pattern in ("protos/heed/**/*.proto", "services/*/heed_*/migrations/**/*.py")
    for path in ROOT.glob(pattern)
)


def without_comments(text: str) -> str:
    return re.sub(r"//[^\n]*|#[^\n]*|\"\"\".*?\"\"\"", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", SCHEMA_SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_contract_or_schema_bears_a_forbidden_name(path: Path) -> None:
    assert FORBIDDEN.search(without_comments(path.read_text())) is None


def test_the_pattern_itself_finds_what_it_is_for() -> None:
    for name in ("risk_score", "visitCount", "organizer_id", "petitioner_tier", "重点人员"):
        assert FORBIDDEN.search(name), name
    for name in ("severity", "people_bucket", "matter_count", "region_code"):
        assert not FORBIDDEN.search(name), name


def messages_below(descriptor: Descriptor, seen: set[str]) -> set[str]:
    if descriptor.full_name in seen:
        return seen
    seen.add(descriptor.full_name)
    for field in descriptor.fields:
        if field.message_type is not None:
            messages_below(field.message_type, seen)
    return seen


def test_what_warning_takes_in_names_no_petition_case_or_person() -> None:
    from heed.common.v1 import observation_pb2
    from heed.warning.v1 import warning_service_pb2

    reach: set[str] = set()
    for message in (observation_pb2.Observation, warning_service_pb2.RecordObservationsRequest):
        messages_below(message.DESCRIPTOR, reach)
    fields = {
        f"{name}.{field.name}"
        for name in reach
        for field in _descriptor(name).fields
        if re.search(r"petition|case|person|matter|name|text|subject", field.name)
    }
    assert fields == set()


def _descriptor(full_name: str) -> Descriptor:
    from google.protobuf import descriptor_pool

    return descriptor_pool.Default().FindMessageTypeByName(full_name)
