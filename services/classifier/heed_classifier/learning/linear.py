"""A linear model with squared hinge loss, one against the rest, by L-BFGS in torch.

The loss is that of LIBLINEAR's L2-loss SVM: |w|^2 / 2 + cost * sum of max(0, 1 - y f(x))^2.
Legend: N texts, V n-grams, K features of the knowledge, O labels of all axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heed_classifier.learning.features import Weighted
from heed_classifier.learning.network import LabelNetwork

Array = NDArray[Any]

_MOST_STEPS = 100
_TOLERANCE = 1e-4


def fit_labels(
    weighted: Weighted,
    grams: int,
    knowledge: Array,
    targets: Array,
    costs: Array,
) -> LabelNetwork:
    """Fit all labels at once.

    Args:
        weighted: The texts as n-grams, N rows.
        grams: V.
        knowledge: What the knowledge says of each text, (N, K).
        targets: +1 for the text's own labels, -1 for others, 0 where an axis is unknown, (N, O).
        costs: Cost of each text, (N,).
    """
    rows, columns = _matrices(weighted, grams)
    dense = torch.from_numpy(np.hstack([knowledge, np.ones((len(knowledge), 1))])).float()
    signs = torch.from_numpy(targets).float()
    cost = torch.from_numpy(costs).float()[:, None] * signs.abs()
    top = torch.zeros(grams, targets.shape[1], requires_grad=True)  # (V, O)
    low = torch.zeros(dense.shape[1], targets.shape[1], requires_grad=True)  # (K + 1, O)
    optimizer = torch.optim.LBFGS(
        [top, low],
        max_iter=_MOST_STEPS,
        tolerance_grad=_TOLERANCE,
        tolerance_change=1e-7,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        with torch.no_grad():
            slack = (1.0 - signs * (rows @ top + dense @ low)).clamp_min(0.0)  # (N, O)
            pull = -2.0 * cost * signs * slack
            top.grad = top + columns @ pull
            low.grad = low + dense.T @ pull
            return (top.square().sum() + low.square().sum()) / 2 + (cost * slack.square()).sum()

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return _network(top.detach(), low.detach())


def _network(top: Tensor, low: Tensor) -> LabelNetwork:
    network = LabelNetwork(top.shape[0], low.shape[0] - 1, top.shape[1])
    network.load_state_dict(
        {
            "grams.weight": top,
            "knowledge.weight": low[:-1].T.contiguous(),
            "knowledge.bias": low[-1],
        }
    )
    return network.eval()


def _matrices(weighted: Weighted, grams: int) -> tuple[Tensor, Tensor]:
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
    return torch.sparse_csr_tensor(
        torch.from_numpy(bounds.astype(np.int64)),
        torch.from_numpy(indices),
        torch.from_numpy(values),
        size=shape,
        check_invariants=True,
    )
