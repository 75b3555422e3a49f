"""All benchmarks of the shared layers: `python -m tests.benchmarks.shared`."""

from __future__ import annotations

from tests.benchmarks.shared import audit_chain, audit_cost

if __name__ == "__main__":
    audit_cost.main()
    audit_chain.main()
