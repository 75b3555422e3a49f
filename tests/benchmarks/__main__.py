"""Run the benchmarks, all parts or those named: `python -m tests.benchmarks classifier`."""

from __future__ import annotations

import runpy
import sys
from typing import Final

PARTS: Final = ("classifier", "disposal", "intake", "shared", "warning")


def main(named: list[str]) -> int:
    """Run the parts named, or all; an unknown name is refused."""
    unknown = [name for name in named if name not in PARTS]
    if unknown:
        print(f"no benchmark part {unknown[0]}; there are {', '.join(PARTS)}", file=sys.stderr)  # noqa: T201
        return 2
    for part in named or PARTS:
        runpy.run_module(f"tests.benchmarks.{part}", run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
