"""The networks: the starter's shared hidden layer with two heads, and the labels' linear one.

Shapes: B texts, V n-grams, D hidden, C second-level categories, N natures.
The first level is the sum over its second levels, so the two can never contradict each other.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


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


class LabelNetwork(nn.Module):
    """One linear layer over n-grams and a few other features, for all labels at once.

    O labels of all axes together, F features beside the n-grams.
    """

    def __init__(self, vocabulary: int, features: int, labels: int) -> None:
        super().__init__()
        self.grams = nn.EmbeddingBag(vocabulary, labels, mode="sum")  # (V, O)
        self.features = nn.Linear(features, labels)

    def forward(
        self, indices: Tensor, offsets: Tensor, weights: Tensor, features: Tensor
    ) -> Tensor:
        """Return the margins of all labels, (B, O)."""
        summed: Tensor = self.grams(indices, offsets, per_sample_weights=weights)  # (B, O)
        beside: Tensor = self.features(features)  # (B, O)
        return summed + beside
