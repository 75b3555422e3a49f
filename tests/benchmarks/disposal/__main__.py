"""All benchmarks of disposal: `python -m tests.benchmarks.disposal`."""

from __future__ import annotations

from tests.benchmarks.disposal import deadlines, figures

if __name__ == "__main__":
    deadlines.main([])
    figures.main([])
