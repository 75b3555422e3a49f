"""All benchmarks of warning: `python -m tests.benchmarks.warning`."""

from __future__ import annotations

import sys

from tests.benchmarks.warning import detection, evaluation, forecast

if __name__ == "__main__":
    # Each reads options of its own, and the name of the part is none of them.
    sys.argv = sys.argv[:1]
    detection.main()
    forecast.main([])
    evaluation.main()
