"""What the most similar examples were labelled, as features beside the n-grams.

Texts are compared in the space of the strongest directions of the examples' n-grams, found by
subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4): only these vectors are kept
with a model, from which no text can be read. Legend: M kept examples, V n-grams, D directions,
O labels of all axes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from heed_classifier.learning.features import Weighted
from heed_classifier.learning.sparse import matrices

Array = NDArray[Any]

# More examples than this are not compared with: bounds the time of an answer.
MOST_EXAMPLES = 10_000
_DIRECTIONS = 200
_ITERATIONS = 3
_NEAREST = 10
# Two examples as near as this are one text written twice; in training they say nothing new.
_SAME = 0.999
_CHUNK = 1000


class Neighbours(nn.Module):
    """The kept examples as vectors, with the labels of each."""

    vectors: Tensor  # (M, D)
    labels: Tensor  # (M, O) of 0 and 1

    def __init__(self, grams: int, directions: int, examples: int, labels: int) -> None:
        super().__init__()
        self.project = nn.EmbeddingBag(grams, directions, mode="sum")  # (V, D)
        self.register_buffer("vectors", torch.zeros(examples, directions))
        self.register_buffer("labels", torch.zeros(examples, labels))

    def forward(self, indices: Tensor, offsets: Tensor, weights: Tensor) -> Tensor:
        """Votes of the nearest examples, squared similarity each, (B, O)."""
        return self._votes(self.project(indices, offsets, per_sample_weights=weights))

    def _votes(self, vectors: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Votes for vectors, (B, D); with their lengths, equal examples are left out."""
        near = vectors @ self.vectors.T  # (B, M)
        if lengths is not None:
            same = near >= _SAME * lengths[:, None] * torch.maximum(
                lengths[:, None], self.vectors.norm(dim=1)
            )
            near = near.masked_fill(same, 0.0)
        nearest, places = near.topk(min(_NEAREST, near.shape[1]), dim=1)
        shares = nearest.clamp_min(0.0).square()  # (B, k)
        return (shares[:, :, None] * self.labels[places]).sum(1)

    def votes_in_training(self, weighted: Weighted) -> Array:
        """Votes for examples themselves: none may vote for itself or for its double, (N, O)."""
        found = []
        for start in range(0, len(weighted.bounds) - 1, _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, len(weighted.bounds) - 1))
            indices, offsets, weights = weighted.rows(rows).tensors()
            vectors = self.project(indices, offsets, per_sample_weights=weights)
            found.append(self._votes(vectors, vectors.norm(dim=1)))
        return torch.cat(found).numpy()


def learn_neighbours(weighted: Weighted, grams: int, targets: Array, seed: int) -> Neighbours:
    """Find the directions and place the examples; beyond ``MOST_EXAMPLES`` a sample of them.

    Args:
        weighted: The texts as n-grams, N rows.
        grams: V.
        targets: +1 for the text's own labels, (N, O).
        seed: Of the sample and of the first directions.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(targets))[:MOST_EXAMPLES]
    kept = weighted.rows(np.sort(order))
    rows, columns = matrices(kept, grams)
    size = min(_DIRECTIONS, grams, len(order))
    start = generator.standard_normal((grams, size)).astype(np.float32)
    directions = torch.from_numpy(start)  # (V, D)
    for _ in range(_ITERATIONS):
        spanned, _ = torch.linalg.qr(rows @ directions)  # (M, D)
        directions, _ = torch.linalg.qr(columns @ spanned)  # (V, D)
    directions = directions.half().float()  # as they are stored
    neighbours = Neighbours(grams, size, len(order), targets.shape[1])
    neighbours.load_state_dict(
        {
            "project.weight": directions,
            "vectors": (rows @ directions).half().float(),
            "labels": torch.from_numpy((targets[np.sort(order)] > 0).astype(np.float32)),
        }
    )
    return neighbours.eval()
