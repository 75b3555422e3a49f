"""All benchmarks of the classifier: `python -m tests.benchmarks.classifier`."""

from __future__ import annotations

from tests.benchmarks.classifier import accuracy, incidents, similar, speed

if __name__ == "__main__":
    accuracy.main()
    speed.main()
    incidents.main()
    similar.main()
