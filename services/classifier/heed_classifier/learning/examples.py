"""Examples to learn from, and their parting into folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class BadExamplesError(ValueError):
    """The examples cannot be learnt from; the message says what is missing."""


@dataclass(frozen=True)
class Example:
    """One text with its label on each axis that is known for it."""

    text: str
    labels: Mapping[str, str]
    weight: float = 1.0


@dataclass(frozen=True)
class Axis:
    """One question with a closed set of answers, e.g. content or nature."""

    name: str
    labels: tuple[str, ...]


def axes_of(examples: Sequence[Example]) -> tuple[Axis, ...]:
    """All axes with their labels, each in the order of its name.

    Raises:
        BadExamplesError: There are no examples, or an axis has fewer than two labels.
    """
    found: dict[str, set[str]] = {}
    for example in examples:
        for name, label in example.labels.items():
            found.setdefault(name, set()).add(label)
    if not found:
        raise BadExamplesError("there are no labelled examples")
    for name, labels in found.items():
        if len(labels) < 2:
            only = next(iter(labels))
            raise BadExamplesError(f"{name}: at least two labels are needed, there is only {only}")
    return tuple(Axis(name, tuple(sorted(found[name]))) for name in sorted(found))


def truth_of(examples: Sequence[Example], axis: Axis) -> Array:
    """Number of each example's label on an axis, -1 where it is not known, (N,)."""
    numbers = {label: number for number, label in enumerate(axis.labels)}
    return np.array([numbers.get(e.labels.get(axis.name, ""), -1) for e in examples], np.int64)


def folds_of(examples: Sequence[Example], axis: Axis, folds: int, seed: int) -> Array:
    """The fold of each example, labels spread evenly; equal texts share one, (N,)."""
    truth = truth_of(examples, axis)
    first: dict[str, int] = {}
    groups = np.array([first.setdefault(e.text, i) for i, e in enumerate(examples)])
    order = np.random.default_rng(seed).permutation(len(examples))
    fold = np.zeros(len(examples), np.int64)
    used: Counter[int] = Counter()
    for place in order:
        if groups[place] == place:
            fold[place] = (used[truth[place]] + truth[place]) % folds
            used[truth[place]] += 1
    result: Array = fold[groups]
    return result
