"""The network: a weighted bag of n-grams, one hidden layer shared by two heads.

Shapes: B texts, V n-grams, D hidden, C second-level categories, N natures.
The first level is the sum over its second levels, so the two can never contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from heed_classifier.learning.features import Bag


class SortingNetwork(nn.Module):
    """EmbeddingBag -> tanh -> content head (C) and nature head (N)."""

    def __init__(self, vocabulary: int, hidden: int, categories: int, natures: int) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocabulary, hidden, mode="sum")  # (V, D)
        self.content = nn.Linear(hidden, categories)
        self.nature = nn.Linear(hidden, natures)
        nn.init.normal_(self.embedding.weight, std=0.1)

    def forward(self, indices: Tensor, offsets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Return the two heads' logits, (B, C) and (B, N)."""
        summed = self.embedding(indices, offsets, per_sample_weights=weights)  # (B, D)
        hidden = torch.tanh(summed)  # (B, D)
        return self.content(hidden), self.nature(hidden)


def batch(bags: Sequence[Bag]) -> tuple[Tensor, Tensor, Tensor]:
    """Lay bags end to end as EmbeddingBag wants them: indices, offsets, weights."""
    lengths = np.array([len(bag.indices) for bag in bags], dtype=np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)[:-1]])
    return (
        torch.from_numpy(np.concatenate([bag.indices for bag in bags])),
        torch.from_numpy(offsets),
        torch.from_numpy(np.concatenate([bag.weights for bag in bags])),
    )
