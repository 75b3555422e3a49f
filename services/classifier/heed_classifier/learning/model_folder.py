"""A trained model as a folder: ``model.safetensors`` and ``report.json``. Loading runs no code.

The weights, n-grams and the starter's own weights are tensors; labels, cut-offs and the phrases of
the rules are JSON in the header of the same file, so that the folder needs nothing else.
``report.json`` is for people and is not read back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from heed_classifier.domain.content import ContentBook, ContentEntry
from heed_classifier.domain.decision import Cutoffs
from heed_classifier.learning.examples import Axis
from heed_classifier.learning.familiarity import Familiarity, FamiliarityCutoffs
from heed_classifier.learning.features import Vocabulary
from heed_classifier.learning.knowledge import Knowledge
from heed_classifier.learning.label_calibration import AxisReport, Calibration, LabelReport
from heed_classifier.learning.neighbours import Neighbours
from heed_classifier.learning.network import LabelNetwork
from heed_classifier.learning.stored_model import BadModelError, header_of
from heed_classifier.learning.stored_model import from_bytes as starter_from_bytes
from heed_classifier.learning.stored_model import to_bytes as starter_to_bytes
from heed_classifier.learning.text_model import Judge, TrainedModel

FORMAT: Final = "heed-text-model-1"
WEIGHTS: Final = "model.safetensors"
REPORT: Final = "report.json"
_ENTRY: Final = "description"


def save_model(model: TrainedModel, folder: Path) -> None:
    """Write a model and its report; the folder is made when it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(to_bytes(model))
    report = {"made_of": model.made_of} | {
        name: asdict(found) for name, found in model.report.items()
    }
    text = json.dumps(report, ensure_ascii=False, indent=1)
    (folder / REPORT).write_text(text + "\n", encoding="utf-8")


def load_model(folder: Path) -> TrainedModel:
    """Read what ``save_model`` wrote.

    Raises:
        BadModelError: The folder holds no model of this program, or a damaged one.
        OSError: The file cannot be read.
    """
    return from_bytes((folder / WEIGHTS).read_bytes())


def to_bytes(model: TrainedModel) -> bytes:
    """Write everything that answering needs."""
    tensors = {f"network.{name}": t for name, t in model.network.state_dict().items()}
    tensors |= {f"neighbours.{n}": t.half() for n, t in model.neighbours.state_dict().items()}
    tensors["hashes"] = torch.from_numpy(model.vocabulary.hashes.view(np.int64))
    tensors["idf"] = torch.from_numpy(model.vocabulary.idf)
    tensors["familiar"] = torch.from_numpy(model.familiarity.bitmap)
    description: dict[str, Any] = {
        "format": FORMAT,
        "judges": [asdict(judge) for judge in model.judges],
        "familiar": asdict(model.familiar),
        "report": {axis: asdict(report) for axis, report in model.report.items()},
        "made_of": dict(model.made_of),
    }
    if model.knowledge is not None:
        starter = np.frombuffer(starter_to_bytes(model.knowledge.starter), np.uint8)
        tensors["starter"] = torch.from_numpy(starter.copy())
        description["book"] = [
            {"code": entry.code, "strong": entry.strong, "weak": entry.weak}
            for entry in model.knowledge.book.entries
        ]
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    # One entry only: the library writes several in an order that differs from run to run.
    return save(tensors, {_ENTRY: json.dumps(description, ensure_ascii=False)})


def from_bytes(weights: bytes) -> TrainedModel:
    """Read what ``to_bytes`` wrote.

    Raises:
        BadModelError: The bytes are damaged or of another format.
    """
    try:
        described = header_of(weights, FORMAT)
        return _model(load(weights), described)
    except BadModelError:
        raise
    except Exception as error:
        raise BadModelError("the stored model cannot be read") from error


def _model(tensors: Mapping[str, Tensor], described: Mapping[str, Any]) -> TrainedModel:
    state = _part(tensors, "network.")
    labels, features = state["features.weight"].shape
    network = LabelNetwork(state["grams.weight"].shape[0], features, labels)
    network.load_state_dict(state)
    kept = {name: tensor.float() for name, tensor in _part(tensors, "neighbours.").items()}
    grams, directions = kept["project.weight"].shape
    neighbours = Neighbours(grams, directions, *kept["labels"].shape)
    neighbours.load_state_dict(kept)
    return TrainedModel(
        judges=tuple(_judge(judge) for judge in described["judges"]),
        vocabulary=Vocabulary(tensors["hashes"].numpy().view(np.uint64), tensors["idf"].numpy()),
        network=network.eval(),
        neighbours=neighbours.eval(),
        familiarity=Familiarity(tensors["familiar"].numpy()),
        familiar=FamiliarityCutoffs(**described["familiar"]),
        knowledge=_knowledge(tensors, described),
        report={axis: _report(report) for axis, report in described["report"].items()},
        made_of=described["made_of"],
    )


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _judge(described: Mapping[str, Any]) -> Judge:
    axis, calibration = described["axis"], described["calibration"]
    return Judge(
        axis=Axis(axis["name"], tuple(axis["labels"])),
        calibration=Calibration(calibration["scale"], tuple(calibration["shifts"])),
        cutoffs=Cutoffs(**described["cutoffs"]),
    )


def _report(described: Mapping[str, Any]) -> AxisReport:
    labels = tuple(LabelReport(**label) for label in described["labels"])
    return AxisReport(**(dict(described) | {"labels": labels}))


def _knowledge(tensors: Mapping[str, Tensor], described: Mapping[str, Any]) -> Knowledge | None:
    if "starter" not in tensors:
        return None
    entries = [
        ContentEntry(e["code"], tuple(e["strong"]), tuple(e["weak"]), (), ())
        for e in described["book"]
    ]
    starter = starter_from_bytes(tensors["starter"].numpy().tobytes())
    return Knowledge(starter, ContentBook(entries))
