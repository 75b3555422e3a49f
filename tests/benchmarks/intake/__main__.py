"""All benchmarks of intake: `python -m tests.benchmarks.intake`."""

from __future__ import annotations

from tests.benchmarks.intake import register_cost

if __name__ == "__main__":
    register_cost.main()
