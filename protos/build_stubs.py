"""Builds the typed Python stubs of the contracts when the package is built.

Nothing generated is tracked: `pip install ./protos` compiles `heed/**/*.proto` into a wheel. The
same descriptors, with imports and comments, are what `make check` lints; `python build_stubs.py
OUT.binpb` writes them. The two foreign imports come from installed wheels, so building needs no
network of its own: google/* from googleapis-common-protos and buf/validate from protovalidate.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
VALIDATE = "buf/validate/validate.proto"


def _foreign_protos(include: Path) -> list[str]:
    """Lays the imported .proto files under `include`; returns the protoc flags that find them."""
    google = Path(str(files("google") / "api" / "annotations.proto")).parent.parent
    for name in ("api", "rpc"):
        shutil.copytree(
            google / name, include / "google" / name, ignore=lambda _, n: _non_protos(n)
        )
    longrunning = include / "google" / "longrunning"
    longrunning.mkdir()
    # The wheel ships the file under another name than every import of it uses.
    shutil.copy(google / "longrunning" / "operations_proto.proto", longrunning / "operations.proto")

    from protobuf.wkt.google.protobuf.descriptor_pb import FileDescriptorSet
    from protovalidate._gen.buf.validate import validate_pb

    needed: dict[str, Any] = {}

    def collect(desc: Any) -> None:
        for dependency in desc.dependencies:
            collect(dependency)
        needed[desc.name] = desc.proto

    collect(validate_pb.desc())
    descriptors = include / "validate.binpb"
    descriptors.write_bytes(FileDescriptorSet(file=list(needed.values())).to_binary())
    return [f"--descriptor_set_in={descriptors}", f"-I{ROOT}", f"-I{include}"]


def _non_protos(names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".proto")]


def _protoc(arguments: list[str]) -> None:
    well_known = Path(str(files("grpc_tools") / "_proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", *arguments, f"-I{well_known}"]
    # The mypy plugins are console scripts beside the interpreter that runs the build.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path},
    )
    if done.returncode:
        raise RuntimeError(f"protoc failed:\n{done.stderr}")


def _sources() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "heed").rglob("*.proto"))


def write_descriptors(out: Path) -> None:
    """Writes all contracts with their imports and comments as one FileDescriptorSet."""
    with tempfile.TemporaryDirectory() as scratch:
        flags = _foreign_protos(Path(scratch))
        _protoc(
            [
                *flags,
                "--include_imports",
                "--include_source_info",
                f"--descriptor_set_out={out}",
                *_sources(),
            ]
        )


def write_stubs(out: Path) -> None:
    """Writes the Python stubs, their types and py.typed below `out`."""
    with tempfile.TemporaryDirectory() as scratch:
        flags = _foreign_protos(Path(scratch))
        _protoc([*flags, f"--python_out={out}", f"--mypy_out=quiet:{out}", *_sources(), VALIDATE])
        services = [name for name in _sources() if name.endswith("_service.proto")]
        _protoc(
            [
                *flags,
                f"--grpc_python_out={out}",
                f"--mypy_grpc_out=quiet,only_async:{out}",
                *services,
            ]
        )
    for top in ("heed", "buf"):
        (out / top / "py.typed").touch()


class StubsBuildHook(BuildHookInterface[Any]):
    """Hatchling calls this while it builds the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Puts the stubs, built in a scratch folder, into the wheel."""
        del version
        self._scratch = tempfile.TemporaryDirectory()
        out = Path(self._scratch.name)
        write_stubs(out)
        for path in out.rglob("*"):
            if path.is_file():
                build_data["force_include"][str(path)] = str(path.relative_to(out))
        build_data["pure_python"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes the scratch folder."""
        del version, build_data, artifact_path
        self._scratch.cleanup()


if __name__ == "__main__":
    write_descriptors(Path(sys.argv[1]))
