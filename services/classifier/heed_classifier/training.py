"""The training process: ``python -m heed_classifier.training FOLDER``.

What to do and the masked texts come through standard input and are never written to a disk. The
folder holds weights and figures only: the current model's weights may lie in it, the new model's
weights and result.json are left in it. Progress goes out as JSON lines. The process opens no
network connection and no database, and ends by itself when whoever started it is gone.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from heed_classifier.domain.models import LabelledText, Report, corrected_weight, taxonomy_version
from heed_classifier.domain.nature import Nature

WEIGHTS_FILE = "weights.safetensors"
CURRENT_FILE = "current.safetensors"
RESULT_FILE = "result.json"
TRAIN, JUDGE = "train", "judge"
_LENGTH = struct.Struct(">Q")
_ORPHANED = 3
_NICENESS = 10


def pack_task(task: dict[str, Any]) -> bytes:
    """What the parent writes to standard input, once."""
    body = json.dumps(task, ensure_ascii=False).encode("utf-8", "replace")
    return _LENGTH.pack(len(body)) + body


def texts_to_json(texts: Sequence[LabelledText]) -> list[list[Any]]:
    """Labelled texts for ``pack_task``."""
    return [[item.text, item.code, int(item.nature)] for item in texts]


def main(folder: Path) -> None:
    """Do the task that comes through standard input and leave the result in the folder."""
    task = json.loads(_read(_LENGTH.unpack(_read(_LENGTH.size))[0]))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.nice(_NICENESS)  # whoever asks for an answer goes first
    result = _train(folder, task) if task["kind"] == TRAIN else _judge(folder, task)
    (folder / RESULT_FILE).write_text(json.dumps(result), "utf-8")


def _train(folder: Path, task: dict[str, Any]) -> dict[str, Any]:
    from heed_classifier.adapters.data_files import content_book
    from heed_classifier.learning.lesson import held_out_texts, teach

    seen, held = _texts(task["seen"]), _texts(task["held"])
    generated, seed = int(task["generated"]), int(task["seed"])
    _say(0.0, "训练新模型")
    taught = teach(
        content_book(), seen, generated, seed, lambda share: _say(0.7 * share, "训练新模型")
    )
    (folder / WEIGHTS_FILE).write_bytes(taught.weights)
    written = held_out_texts(content_book(), _held_out_each(generated), seed)
    texts = [*written, *held]
    counts = [1.0] * len(written) + [corrected_weight(len(written), len(held))] * len(held)
    _say(0.7, "评估新模型")
    report = _report(taught.weights, texts, counts)
    if report is None:
        raise RuntimeError("the new model cannot be read back")
    current_report = None
    if (folder / CURRENT_FILE).exists():
        _say(0.85, "评估在用模型")
        current_report = _report((folder / CURRENT_FILE).read_bytes(), texts, counts)
    return {
        "report": asdict(report),
        "current_report": asdict(current_report) if current_report else None,
        "text_count": taught.text_count,
        "code_version": version("heed-classifier"),
        "taxonomy_version": taxonomy_version(taught.codes),
    }


def _held_out_each(generated: int) -> int:
    """Generated texts to be tested on, for each category: a quarter of all, and twenty at least."""
    return max(20, generated // 4 // 17)


def _judge(folder: Path, task: dict[str, Any]) -> dict[str, Any]:
    _say(0.0, "评估模型")
    texts = _texts(task["texts"])
    report = _report((folder / CURRENT_FILE).read_bytes(), texts, [1.0] * len(texts))
    return {"report": asdict(report) if report else None}


def _report(
    weights: bytes, texts: Sequence[LabelledText], counts: Sequence[float]
) -> Report | None:
    """How well a model does as it would be served; None when its bytes cannot be read."""
    from heed_classifier.adapters.build_sorting import nature_rules
    from heed_classifier.adapters.data_files import content_book
    from heed_classifier.learning.judging import judge
    from heed_classifier.learning.serving import sorter_of
    from heed_classifier.learning.stored_model import BadModelError

    try:
        sorter = sorter_of("judged", weights, content_book(), nature_rules())
    except BadModelError:
        return None
    return judge(sorter, texts, counts)


def _texts(items: Sequence[Sequence[Any]]) -> list[LabelledText]:
    return [LabelledText(text, code, Nature(nature)) for text, code, nature in items]


def _say(progress: float, stage: str) -> None:
    sys.stdout.write(json.dumps({"progress": round(progress, 3), "stage": stage}) + "\n")
    sys.stdout.flush()


def _read(size: int) -> bytes:
    """Read from the pipe itself: a buffered reader would read on and miss its end."""
    parts = []
    while size:
        part = os.read(0, min(size, 1 << 20))
        if not part:
            os._exit(_ORPHANED)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _end_with_parent() -> None:
    """End when standard input closes: the parent holds it open, and writes nothing more."""
    os.read(0, 1)
    os._exit(_ORPHANED)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
