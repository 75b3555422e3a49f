"""A declared metric is recorded somewhere, and the schema declares no name twice."""

from pathlib import Path

import pytest

from heed_shared.telemetry_schema import METRICS

ROOT = Path(__file__).parents[2]
SOURCES = "\n".join(
    path.read_text()
    for folder in ("shared", "services")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "telemetry_schema.py"
)


@pytest.mark.parametrize("name", sorted(metric.name for metric in METRICS.values()))
def test_a_declared_metric_is_recorded_by_somebody(name: str) -> None:
    assert f'"{name}"' in SOURCES, f"{name} is declared and never recorded"
