"""A linear model with squared hinge loss, one against the rest, by L-BFGS in torch.

The loss is that of LIBLINEAR's L2-loss SVM: |w|^2 / 2 + cost * sum of max(0, 1 - y f(x))^2.
Legend: N texts, V n-grams, F features beside them, O labels of all axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heed_classifier.learning.features import Weighted
from heed_classifier.learning.network import LabelNetwork
from heed_classifier.learning.sparse import matrices

Array = NDArray[Any]

_MOST_STEPS = 100
# Each step remembered costs twice the memory of the weights.
_HISTORY = 10
_TOLERANCE = 1e-4


def fit_labels(
    weighted: Weighted,
    grams: int,
    features: Array,
    targets: Array,
    costs: Array,
) -> LabelNetwork:
    """Fit all labels at once.

    Args:
        weighted: The texts as n-grams, N rows.
        grams: V.
        features: What is known of each text beside its n-grams, (N, F).
        targets: +1 for the text's own labels, -1 for others, 0 where an axis is unknown, (N, O).
        costs: Cost of each text, (N,).
    """
    rows, columns = matrices(weighted, grams)
    dense = torch.from_numpy(np.hstack([features, np.ones((len(features), 1))])).float()
    signs = torch.from_numpy(targets).float()
    cost = torch.from_numpy(costs).float()[:, None] * signs.abs()
    top = torch.zeros(grams, targets.shape[1], requires_grad=True)  # (V, O)
    low = torch.zeros(dense.shape[1], targets.shape[1], requires_grad=True)  # (F + 1, O)
    optimizer = torch.optim.LBFGS(
        [top, low],
        max_iter=_MOST_STEPS,
        history_size=_HISTORY,
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
            "features.weight": low[:-1].T.contiguous(),
            "features.bias": low[-1],
        }
    )
    return network.eval()
