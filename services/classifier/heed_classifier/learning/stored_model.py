"""A model as bytes: safetensors with its description in the header. Loading never runs code."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save

from heed_classifier.domain.decision import Cutoffs
from heed_classifier.learning.features import Vocabulary
from heed_classifier.learning.network import SortingNetwork
from heed_classifier.learning.train import NATURES, Trained

FORMAT = "heed-classifier-2"
_ENTRY = "description"


class BadModelError(ValueError):
    """The bytes are no model of this program."""


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to be used."""

    vocabulary: Vocabulary
    network: SortingNetwork
    codes: tuple[str, ...]
    temperature: float
    nature_temperature: float
    cutoffs: Cutoffs


def to_bytes(trained: Trained | LoadedModel) -> bytes:
    """Write weights (half precision), vocabulary and description."""
    state = trained.network.state_dict()
    tensors = {name: tensor.half().contiguous() for name, tensor in state.items()}
    tensors["grams"] = torch.from_numpy(trained.vocabulary.hashes.view(np.int64))
    tensors["idf"] = torch.from_numpy(trained.vocabulary.idf)
    description = {
        "format": FORMAT,
        "codes": trained.codes,
        "temperature": trained.temperature,
        "nature_temperature": trained.nature_temperature,
        "cutoffs": asdict(trained.cutoffs),
    }
    # One entry only: the library writes several in an order that differs from run to run.
    return save(tensors, {_ENTRY: json.dumps(description)})


def from_bytes(weights: bytes) -> LoadedModel:
    """Read what ``to_bytes`` wrote.

    Raises:
        BadModelError: The bytes are damaged or of another format.
    """
    try:
        described = header_of(weights, FORMAT)
        tensors = load(weights)
        codes = tuple(described["codes"])
        network = SortingNetwork(
            tensors["embedding.weight"].shape[0],
            tensors["embedding.weight"].shape[1],
            len(codes),
            NATURES,
        )
        state = {name: tensors[name].float() for name in network.state_dict()}
        network.load_state_dict(state)
        network.eval()
        vocabulary = Vocabulary(
            tensors["grams"].numpy().view(np.uint64), tensors["idf"].numpy().astype(np.float32)
        )
        cutoffs = Cutoffs(**described["cutoffs"])
        temperatures = float(described["temperature"]), float(described["nature_temperature"])
    except BadModelError:
        raise
    except Exception as error:
        raise BadModelError("the stored model cannot be read") from error
    return LoadedModel(vocabulary, network, codes, *temperatures, cutoffs)


def header_of(weights: bytes, wanted: str) -> dict[str, Any]:
    """The description in the safetensors header: eight bytes of length, then JSON.

    Raises:
        BadModelError: It is of another format than ``wanted``.
    """
    length = int.from_bytes(weights[:8], "little")
    metadata = json.loads(weights[8 : 8 + length])["__metadata__"]
    description: dict[str, Any] = json.loads(metadata[_ENTRY])
    if description.get("format") != wanted:
        raise BadModelError(f"format {description.get('format')!r} is not {wanted}")
    return description
