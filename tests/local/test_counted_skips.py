"""The last line of a test run says how many tests were skipped for want of the measured data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

@pytest.mark.parametrize("n", range(3))
def test_needs_data(heed_data, n):
    assert heed_data.is_dir()

def test_is_skipped_for_another_reason():
    pytest.skip("not today")

def test_passes():
    pass
"""


@pytest.mark.parametrize(
    ("workers", "data", "count"),
    [((), "/nowhere", 3), ((), str(ROOT), 0), (("-n", "2"), "", 3)],
    ids=["no such folder", "a folder", "two workers, not set"],
)
def test_the_last_line_counts_them(
    tmp_path: Path, workers: tuple[str, ...], data: str, count: int
) -> None:
    (tmp_path / "test_sample.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", *workers]
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(tmp_path / "test_sample.py")],
        cwd=ROOT,
        env={**os.environ, "HEED_DATA": data, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == f"skipped for want of HEED_DATA: {count}"
