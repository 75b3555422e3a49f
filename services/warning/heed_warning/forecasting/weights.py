"""A trained combination as bytes, and back.

Bytes are safetensors: numbers and a small header, never code. The header holds names, what
validation taught and the version of the training code; a version that this code does not know is
refused.
"""

from __future__ import annotations

import json

import numpy as np
from safetensors.torch import load, save
from torch import Tensor

from heed_warning.domain.intervals import Calibration
from heed_warning.forecasting.combination import Combination
from heed_warning.forecasting.lstm import Lstm, Vocabulary
from heed_warning.forecasting.mixing import Mixing
from heed_warning.forecasting.network import Network

CODE_VERSION = "combination-2"
_HEADER = "heed"


class UnknownWeightsError(ValueError):
    """The weights were made by training code that this code does not know."""


def to_bytes(lstm: Lstm, mixing: Mixing) -> bytes:
    """Return networks and mixing as safetensors; equal ones give equal bytes."""
    description = {
        "code_version": CODE_VERSION,
        "networks": len(lstm.networks),
        "regions": lstm.vocabulary.regions,
        "categories": lstm.vocabulary.categories,
        "common": lstm.common,
        "families": mixing.families,
        "weights": mixing.weights.tolist(),
        "spread": mixing.spread.tolist(),
        "outside_day": mixing.calibration.day.tolist(),
        "outside_sums": mixing.calibration.sums.tolist(),
        "tail": mixing.calibration.tail.tolist(),
    }
    tensors = {
        f"{number}.{name}": part.contiguous()
        for number, network in enumerate(lstm.networks)
        for name, part in network.state_dict().items()
    }
    # One entry: safetensors writes several in no fixed order.
    return save(tensors, {_HEADER: json.dumps(description)})


def from_bytes(name: str, data: bytes) -> Combination:
    """Return the forecaster that bytes describe; raises UnknownWeightsError for another version."""
    header_size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + header_size]).get("__metadata__", {})
    read = json.loads(header.get(_HEADER, "{}"))
    if read.get("code_version") != CODE_VERSION:
        raise UnknownWeightsError(read.get("code_version"))
    vocabulary = Vocabulary(tuple(read["regions"]), tuple(read["categories"]))
    tensors: dict[str, Tensor] = load(data)
    networks = []
    for number in range(int(read["networks"])):
        network = Network(len(vocabulary.regions), len(vocabulary.categories))
        prefix = f"{number}."
        network.load_state_dict(
            {key[len(prefix) :]: part for key, part in tensors.items() if key.startswith(prefix)}
        )
        networks.append(network.eval())
    lstm = Lstm(tuple(networks), vocabulary, tuple(read["common"]))
    mixing = Mixing(
        tuple(read["families"]),
        np.array(read["weights"]),
        np.array(read["spread"]),
        Calibration(*(np.array(read[key]) for key in ("outside_day", "outside_sums", "tail"))),
    )
    return Combination(name, lstm, mixing)
