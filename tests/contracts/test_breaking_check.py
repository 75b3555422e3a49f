"""The breaking and lint checks of `make check` find what they are for."""

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

PROTOS = Path(__file__).parents[2] / "protos"


@pytest.fixture(scope="module")
def checks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_contracts", PROTOS / "check_contracts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_contracts"] = module
    spec.loader.exec_module(module)
    return module


def altered(tmp_path: Path, name: str, file: str, old: str, new: str) -> Path:
    copy = tmp_path / name
    shutil.copytree(PROTOS, copy, ignore=shutil.ignore_patterns("build", "dist", "__pycache__"))
    path = copy / "heed" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return copy


def test_a_renumbered_field_is_reported_as_breaking(checks: ModuleType, tmp_path: Path) -> None:
    before, after = tmp_path / "before.binpb", tmp_path / "after.binpb"
    checks.build_descriptors(PROTOS, before)
    changed = altered(
        tmp_path, "changed", "intake/v1/resources.proto", "string office = 5", "string office = 55"
    )
    checks.build_descriptors(changed, after)
    assert any("office" in line for line in checks.breaking_changes(before, after))
    assert checks.breaking_changes(before, before) == []


def test_a_field_without_a_comment_is_reported_by_lint(checks: ModuleType, tmp_path: Path) -> None:
    out = tmp_path / "undocumented.binpb"
    changed = altered(
        tmp_path, "bare", "common/v1/actor.proto", "  // Unit the actor works for (单位).\n", ""
    )
    checks.build_descriptors(changed, out)
    assert any("unit" in line for line in checks.lint_findings(out))
