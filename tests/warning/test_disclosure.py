"""No small count can be told, neither from what is shown nor from sums of it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from heed_warning.domain.disclosure import (
    ROUNDED_TO,
    SHOWN_INSIDE,
    SHOWN_TO_ALL,
    hidden,
    hidden_in_table,
    lines_of,
    rounded,
)
from heed_warning.domain.panel import Booleans, Ints

SMALL = st.integers(0, 14)
PARENTS = {"a1": "a", "a2": "a", "a3": "a", "b1": "b", "b2": "b", "a": "p", "b": "p"}
PLACES = ["p", "a", "b", "a1", "a2", "a3", "b1", "b2"]


def tree(leaves: Ints) -> Ints:
    """Counts of all places from those of the five smallest, (8, T)."""
    a, b = leaves[:3].sum(axis=0), leaves[3:].sum(axis=0)
    return np.vstack([a + b, a, b, leaves])


def with_sums(inner: Ints) -> Ints:
    """A table with the sums of its rows and columns."""
    rows = np.hstack([inner, inner.sum(axis=1, keepdims=True)])
    return np.vstack([rows, rows.sum(axis=0, keepdims=True)])


def told_by_sums(lines: np.ndarray, covered: Booleans) -> list[int]:
    """Hidden values that the sums fix, from the equations alone: an attacker's linear algebra.

    A value is fixed when no solution of the homogeneous equations moves it.
    """
    unknown = np.flatnonzero(covered)
    if not len(unknown):
        return []
    equations = lines[:, unknown]
    _, sizes, directions = np.linalg.svd(equations, full_matrices=True)
    rank = int((sizes > 1e-9).sum())
    free = directions[rank:]
    return [
        int(value)
        for at, value in enumerate(unknown)
        if not np.abs(free[:, at]).max(initial=0) > 1e-9
    ]


def equations_of_table(rows: int, columns: int) -> np.ndarray:
    cells = np.arange(rows * columns).reshape(rows, columns)
    lines = np.zeros((rows + columns, rows * columns))
    for number, line in enumerate([*cells, *cells.T]):
        lines[number, line] = 1
        lines[number, line[-1]] = -1
    return lines


@given(arrays(np.int64, (5, 3), elements=SMALL))
@settings(max_examples=200, deadline=None)
def test_no_small_count_of_a_day_is_shown_or_follows_from_regions_above_and_beside(
    leaves: Ints,
) -> None:
    counts = tree(leaves)
    lines = lines_of(PARENTS, PLACES)
    covered = hidden(counts, lines, SHOWN_INSIDE)
    assert not ((counts > 0) & (counts < SHOWN_INSIDE) & ~covered).any()
    assert not (covered & (counts == 0)).any()
    equations = np.zeros((len(lines), len(PLACES)))
    for number, line in enumerate(lines):
        equations[number, line[1:]] = 1
        equations[number, line[0]] = -1
    for day in range(counts.shape[1]):
        assert told_by_sums(equations, covered[:, day]) == []


@given(
    arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(0, 30))
)
@settings(max_examples=200, deadline=None)
def test_no_small_count_of_a_published_table_is_shown_or_follows_from_its_sums(inner: Ints) -> None:
    counts = with_sums(inner)
    covered = hidden_in_table(counts, SHOWN_TO_ALL)
    assert not ((counts > 0) & (counts < SHOWN_TO_ALL) & ~covered).any()
    assert not (covered & (counts == 0)).any()
    assert told_by_sums(equations_of_table(*counts.shape), covered.reshape(-1)) == []


def test_what_is_large_is_shown() -> None:
    counts = with_sums(np.full((3, 4), 25))
    assert not hidden_in_table(counts, SHOWN_TO_ALL).any()
    assert not hidden(tree(np.full((5, 2), 9)), lines_of(PARENTS, PLACES), SHOWN_INSIDE).any()


def test_a_lone_small_count_takes_the_smallest_other_with_it() -> None:
    leaves = np.array([[3], [40], [7], [20], [20]])
    covered = hidden(tree(leaves), lines_of(PARENTS, PLACES), SHOWN_INSIDE)[:, 0]
    assert [place for place, hides in zip(PLACES, covered, strict=True) if hides] == ["a1", "a3"]


def test_a_hidden_sum_hides_what_it_would_follow_from() -> None:
    # Only one of a's parts has anything, so a is as small as it; b must not give a away.
    leaves = np.array([[3], [0], [0], [20], [30]])
    covered = hidden(tree(leaves), lines_of(PARENTS, PLACES), SHOWN_INSIDE)[:, 0]
    shown = {place for place, hides in zip(PLACES, covered, strict=True) if not hides}
    assert "a" not in shown
    assert "a1" not in shown
    assert not {"p", "b"} <= shown


def test_rounding_is_to_the_nearest_five() -> None:
    assert rounded(np.array([0, 2, 3, 7, 8, 12, 13])).tolist() == [0, 0, 5, 5, 10, 10, 15]
    assert ROUNDED_TO == 5
