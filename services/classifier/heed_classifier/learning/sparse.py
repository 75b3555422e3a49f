"""Weighted texts as sparse matrices of torch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heed_classifier.learning.features import Weighted

Array = NDArray[Any]


def matrices(weighted: Weighted, grams: int) -> tuple[Tensor, Tensor]:
    """The texts as a sparse matrix (N, V), and the same transposed (V, N)."""
    texts = len(weighted.bounds) - 1
    owners = np.repeat(np.arange(texts), np.diff(weighted.bounds))
    order = np.argsort(weighted.indices, kind="stable")
    bounds = np.searchsorted(weighted.indices[order], np.arange(grams + 1))
    return (
        _sparse(weighted.bounds, weighted.indices, weighted.weights, (texts, grams)),
        _sparse(bounds, owners[order], weighted.weights[order], (grams, texts)),
    )


def _sparse(bounds: Array, indices: Array, values: Array, shape: tuple[int, int]) -> Tensor:
    with warnings.catch_warnings():
        # The library says that its sparse tensors are young; the tests compare the results.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support")
        return torch.sparse_csr_tensor(
            torch.from_numpy(bounds.astype(np.int64)),
            torch.from_numpy(indices),
            torch.from_numpy(values),
            size=shape,
            check_invariants=True,
        )
