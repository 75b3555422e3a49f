"""The starter model: trained into the schema when there is none, so that a fresh suite can sort."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from heed_classifier.adapters.data_files import content_book
from heed_classifier.adapters.model_keeper import readable
from heed_classifier.adapters.model_table import current_model, store_model
from heed_classifier.domain.models import taxonomy_version
from heed_classifier.learning.stored_model import FORMAT, to_bytes
from heed_classifier.learning.train import Recipe, train_starter
from heed_shared.database import Database


async def ensure_starter(database: Database, recipe: Recipe | None = None) -> str:
    """Train and store the starter unless a model is in use; returns the name of what is in use.

    A model in use whose bytes this version of the program cannot read is replaced.
    """
    current = await current_model(database)
    if current is not None and await readable(current.weights):
        return current.name
    chosen = recipe or Recipe()
    trained = await asyncio.to_thread(train_starter, content_book(), chosen)
    described = _describe(chosen)
    name = f"starter-{described['digest'][:12]}"
    await store_model(
        database,
        name,
        to_bytes(trained),
        described,
        trained.metrics,
        datetime.now(UTC),
        instead_of=current.name if current else "",
    )
    return name


def _describe(recipe: Recipe) -> dict[str, Any]:
    """Everything that decides the model: recipe, phrase banks, code version."""
    phrases = hashlib.blake2b(digest_size=16)
    for entry in content_book().entries:
        phrases.update(repr(entry).encode())
    described: dict[str, Any] = {
        "kind": "starter",
        "format": FORMAT,
        "recipe": asdict(recipe),
        "seed": recipe.seed,
        "data_window": "written by the project; no real petitions",
        "phrases": phrases.hexdigest(),
        "code_version": version("heed-classifier"),
        "taxonomy_version": taxonomy_version(content_book().codes),
        "text_count": recipe.samples,
    }
    text = json.dumps(described, sort_keys=True)
    described["digest"] = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return described
