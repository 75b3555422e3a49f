"""Asks the model, and the rules where there is none or it fails, so that no text goes unsorted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

from heed_classifier.application.ports import Sorter
from heed_classifier.domain.decision import Opinion
from heed_shared import logs, telemetry

Held = tuple[Sorter, Opinion]
"""An opinion and whose it is."""


class ModelEvent(StrEnum):
    """What is logged about models that answer."""

    FAILED = "classifier_model_failed"


class BrokenModelError(RuntimeError):
    """A model answered something that is no opinion."""


class Opinions:
    """The model in use with the rules behind it; the model can be changed between two batches."""

    def __init__(self, rules: Sorter, model: Sorter | None = None) -> None:
        self._rules = rules
        self._model = model

    @property
    def rules(self) -> Sorter:
        """The rules, which always answer."""
        return self._rules

    def use(self, model: Sorter | None) -> None:
        """Put a model to use from the next batch on; None leaves the rules alone."""
        self._model = model

    def of(self, texts: Sequence[str]) -> list[Held]:
        """Opinions on texts. A text that breaks the model is the only one left to the rules."""
        model = self._model  # read once: one batch has one model
        if model is None:
            return self._by_rules(texts)
        try:
            return _by(model, texts)
        except Exception as error:
            # Whatever breaks in the model, the petitions are sorted all the same.
            logs.failure(ModelEvent.FAILED, error, model=model.name)
            telemetry.record("heed.classifier.model_failures", 1)
        if len(texts) == 1:
            return self._by_rules(texts)
        return [self._alone(model, text) for text in texts]

    def _alone(self, model: Sorter, text: str) -> Held:
        try:
            return _by(model, [text])[0]
        except Exception:  # logged with its batch
            return self._by_rules([text])[0]

    def _by_rules(self, texts: Sequence[str]) -> list[Held]:
        return [(self._rules, opinion) for opinion in self._rules.opinions(texts)]


def _by(model: Sorter, texts: Sequence[str]) -> list[Held]:
    opinions = model.opinions(texts)
    if len(opinions) != len(texts):
        raise BrokenModelError("the model answered another number of texts")
    for opinion in opinions:
        # A single NaN or infinity makes the sum one.
        if not math.isfinite(sum(opinion.content.values()) + sum(opinion.nature.values())):
            raise BrokenModelError("the model answered a probability that is no number")
    return [(model, opinion) for opinion in opinions]
