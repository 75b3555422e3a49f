"""Keeps the model that this replica answers with the one that is in use, within seconds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from enum import StrEnum

from heed_classifier.adapters.build_sorting import nature_rules
from heed_classifier.adapters.data_files import content_book
from heed_classifier.adapters.model_table import ModelTable, StoredModel, current_model
from heed_classifier.application.opinions import Opinions
from heed_classifier.application.ports import Sorter
from heed_shared import logs, telemetry
from heed_shared.database import Database, raw
from heed_shared.errors import translate
from heed_shared.rpc.background import pause

LOOK_S = 2.0


class ModelEvent(StrEnum):
    """What is logged about the model in use."""

    LOADED = "classifier_model_loaded"
    UNREADABLE = "classifier_model_unreadable"
    NONE = "classifier_model_none"


class ModelKeeper:
    """Background work: looks which model is in use, loads it when it changed, and swaps it in.

    One whose bytes cannot be read leaves the rules at work, and is not tried again.
    """

    name = "model_keeper"

    def __init__(self, database: Database, opinions: Opinions) -> None:
        self._database = database
        self._opinions = opinions
        self._name: str | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Look every two seconds until ``stop``."""
        while not await pause(stop, LOOK_S):
            try:
                await self.refresh()
            except Exception as error:
                if translate(error) is None:
                    raise
                logs.failure(logs.Event.BACKGROUND_FAILED, error, background=self.name)

    async def refresh(self) -> None:
        """Load the model in use if it is not the one that answers."""
        async with self._database.read() as connection:
            name = await ModelTable(await raw(connection)).current_name()
        if name == self._name:
            return
        stored = await current_model(self._database)
        sorter = await load_sorter(stored)
        self._opinions.use(sorter)
        self._name = stored.name if stored else ""
        _tell(stored, sorter)


async def load_sorter(stored: StoredModel | None) -> Sorter | None:
    """A stored model ready to answer; None when there is none or its bytes cannot be read."""
    if stored is None:
        return None
    # torch is imported only where a model runs.
    from heed_classifier.learning.stored_model import BadModelError

    try:
        return await asyncio.to_thread(_sorter, stored)
    except BadModelError as error:
        logs.failure(ModelEvent.UNREADABLE, error, model=f"models/{stored.name}")
        return None


async def readable(weights: bytes) -> bool:
    """Whether bytes are a model of this program."""
    from heed_classifier.learning.stored_model import BadModelError

    try:
        await asyncio.to_thread(_sorter, StoredModel("asked", weights, datetime.now(UTC)))
    except BadModelError:
        return False
    return True


def _sorter(stored: StoredModel) -> Sorter:
    from heed_classifier.learning.serving import sorter_of

    return sorter_of(stored.name, stored.weights, content_book(), nature_rules())


def _tell(stored: StoredModel | None, sorter: Sorter | None) -> None:
    telemetry.record("heed.classifier.model_loaded", 1 if sorter else 0)
    trained_at = stored.trained_at.timestamp() if stored and sorter else 0.0
    telemetry.record("heed.classifier.model_trained_at", trained_at)
    if sorter is not None:
        logs.info(ModelEvent.LOADED, model=f"models/{sorter.name}")
    elif stored is None:
        logs.info(ModelEvent.NONE)
