"""The trained network behind the interface of all forecasters, and its form as bytes.

Bytes are safetensors: numbers and a small header, never code. The header holds the vocabulary and
the version of the training code; a version that this code does not know is refused.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save
from torch import Tensor

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.history import History
from heed_warning.forecasting.features import Vocabulary, features_of
from heed_warning.forecasting.network import Correction, Network

CODE_VERSION = "lstm-1"
KIND = "lstm"
CONTEXT_DAYS = 84
DAYS_FOR_NETWORK = 84
DISPERSION_FLOOR = 0.02
FRAILTY_FLOOR = 0.005
_HEADER = "heed"


class UnknownWeightsError(ValueError):
    """The weights were made by training code that this code does not know."""


@dataclass(frozen=True)
class LstmForecaster:
    """A trained network; it never changes, so threads may share it."""

    name: str
    network: Network
    vocabulary: Vocabulary

    def able(self, history: History) -> NDArray[np.bool_]:
        """Say which cells have twelve weeks of history, (N,)."""
        return np.asarray(history.panel.history_days() >= DAYS_FOR_NETWORK)

    def forecast(self, history: History, horizon: int) -> Forecast:
        """Predict the days after the history's last day."""
        features = features_of(history, self.vocabulary)
        days = history.panel.day_count
        ahead = torch.from_numpy(features.calendar[days : days + horizon])
        with torch.inference_mode():
            state = self.network.encode(
                torch.from_numpy(features.days[:, -CONTEXT_DAYS:]),
                torch.from_numpy(features.category),
                torch.from_numpy(features.level),
            )[:, -1]
            correction = self.network.decode(state, ahead.expand(len(state), -1, -1))
        return corrected(history.baseline.forecast(history.origin, horizon), correction)


def corrected(base: Forecast, correction: Correction) -> Forecast:
    """Return the baseline's forecast as the network changes it."""
    change = [part.double().numpy() for part in correction]
    return Forecast(
        mean=np.maximum(base.mean * np.exp(change[0]), nb.SMALLEST_MEAN),
        dispersion=(base.dispersion + DISPERSION_FLOOR) * np.exp(change[1])[:, None],
        frailty=(base.frailty + FRAILTY_FLOOR) * np.exp(change[2]),
    )


def to_bytes(network: Network, vocabulary: Vocabulary) -> bytes:
    """Return weights and vocabulary as safetensors."""
    # One entry: safetensors writes several in no fixed order, and equal weights give equal bytes.
    description = {"code_version": CODE_VERSION, **asdict(vocabulary)}
    weights = {name: part.contiguous() for name, part in network.state_dict().items()}
    return save(weights, {_HEADER: json.dumps(description)})


def from_bytes(name: str, data: bytes) -> LstmForecaster:
    """Return the forecaster that bytes describe; raises UnknownWeightsError for another version."""
    header_size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + header_size]).get("__metadata__", {})
    read = json.loads(header.get(_HEADER, "{}"))
    if read.get("code_version") != CODE_VERSION:
        raise UnknownWeightsError(read.get("code_version"))
    vocabulary = Vocabulary(tuple(read["categories"]), bool(read["seasonal"]))
    network = Network(len(vocabulary.categories))
    weights: dict[str, Tensor] = load(data)
    network.load_state_dict(weights)
    network.eval()
    return LstmForecaster(name, network, vocabulary)
