"""The life of trained models: training, testing, putting to use, going back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from heed_classifier.domain.models import (
    CorrectedText,
    LabelledText,
    ModelRecord,
    ModelState,
    Promotion,
    Report,
    better,
    newest_held_out,
)
from heed_shared import telemetry
from heed_shared.database import Transaction
from heed_shared.errors import InsufficientHistory, NotFound, WrongState
from heed_shared.identity import Caller
from heed_shared.ids import require_etag

Say = Callable[[float, str], Awaitable[None]]
"""Tells how far work is, 0 to 1, and what it is doing, in Chinese."""
_PROMOTABLE = (ModelState.CANDIDATE.name, ModelState.RETIRED.name)


@dataclass(frozen=True)
class Lesson:
    """What a training is given."""

    seen: Sequence[LabelledText]
    held: Sequence[LabelledText]
    generated: int
    seed: int
    current: bytes | None


@dataclass(frozen=True)
class TrainingResult:
    """What a training gives back."""

    weights: bytes
    report: Report
    current_report: Report | None
    text_count: int
    code_version: str
    taxonomy_version: str


@dataclass(frozen=True)
class Window:
    """Local days of the corrections to learn from, both included; None is open."""

    first: date | None
    last: date | None


@dataclass(frozen=True)
class Outcome:
    """What became of a training."""

    record: ModelRecord
    promoted: bool
    current_report: Report | None


@dataclass(frozen=True)
class Made:
    """A new model before it is stored."""

    result: TrainingResult
    seed: int
    data_from: date | None
    data_to: date | None
    corrected_count: int
    last_correction: int


@dataclass(frozen=True)
class Judging:
    """Which weights are to be tested on which texts."""

    weights: bytes
    texts: Sequence[LabelledText]


class Trainer(Protocol):
    """Where training and testing run, away from serving."""

    async def train(self, lesson: Lesson, say: Say) -> TrainingResult:
        """Train, and test the new model and the present one on the same texts."""
        ...

    async def judge(self, weights: bytes, texts: Sequence[LabelledText], say: Say) -> Report | None:
        """Test a model on texts; None when its bytes cannot be read."""
        ...


class Corrected(Protocol):
    """What people corrected."""

    async def read(self, window: Window, after: int = 0) -> tuple[list[CorrectedText], int]:
        """Corrected texts that may be read now, oldest first, and the number of the last one.

        Args:
            window: Of which days.
            after: Only those with a higher number.
        """
        ...


class ModelStore(Protocol):
    """Stored models."""

    async def get(self, name: str) -> ModelRecord | None:
        """One model."""
        ...

    async def page(self, before: tuple[datetime, str] | None, most: int) -> list[ModelRecord]:
        """Models, latest first."""
        ...

    async def weights(self, name: str) -> bytes | None:
        """The weights of a model."""
        ...

    async def current(self) -> tuple[str, bytes] | None:
        """Name and weights of the model in use."""
        ...

    async def add(self, made: Made, *, instead_of: str | None) -> ModelRecord:
        """Store a model, and put it to use if ``instead_of`` is what is in use at that moment."""
        ...

    async def hold(self, tx: Transaction, name: str) -> ModelRecord | None:
        """One model; until the end of the transaction nobody else puts a model to use."""
        ...

    async def promote(self, tx: Transaction, name: str, by: Promotion, reason: str) -> ModelRecord:
        """Put a model to use in place of the present one; call ``hold`` before."""
        ...


@dataclass(frozen=True)
class Models:
    """The use cases of models."""

    store: ModelStore
    corrected: Corrected
    trainer: Trainer
    readable: Callable[[bytes], Awaitable[bool]]
    """Whether weights can be loaded."""
    generated: int
    """Generated texts in a training."""

    async def train(self, window: Window, seed: int, say: Say) -> Outcome:
        """Train on what may be read now, and put the new model to use if it is better.

        A model that somebody else put to use meanwhile stays: the new one was not compared with it.
        """
        await say(0.0, "读取更正记录")
        texts, last = await self.corrected.read(window)
        seen, held = newest_held_out(texts)
        name, weights = await self.store.current() or ("", None)
        lesson = Lesson(
            [item.label for item in seen],
            [item.label for item in held],
            self.generated,
            seed,
            weights,
        )
        with telemetry.span("classifier.train"):
            result = await self.trainer.train(lesson, _within(say, 0.05, 0.95))
        await say(0.97, "保存新模型")
        days = [item.corrected_on for item in seen]
        made = Made(result, seed, min(days, default=None), max(days, default=None), len(seen), last)
        promote = better(result.report, result.current_report)
        record = await self.store.add(made, instead_of=name if promote else None)
        await say(1.0, "完成")
        return Outcome(record, record.state is ModelState.CURRENT, result.current_report)

    async def texts_to_judge(self, name: str, given: Sequence[LabelledText]) -> Judging:
        """Find out what a model is to be tested on: texts given, or later corrections.

        Raises:
            NotFound: There is no such model.
            InsufficientHistory: No text was given, and nothing was corrected since its training.
        """
        record = await self.store.get(name)
        weights = await self.store.weights(name)
        if record is None or weights is None:
            raise NotFound(f"models/{name}")
        if given:
            return Judging(weights, given)
        found, _ = await self.corrected.read(Window(None, None), record.last_correction)
        if not found:
            raise InsufficientHistory(0, 1)
        return Judging(weights, [item.label for item in found])

    async def judge(self, judging: Judging, name: str, say: Say) -> Report:
        """Test a model.

        Raises:
            WrongState: Its weights cannot be read.
        """
        report = await self.trainer.judge(judging.weights, judging.texts, say)
        if report is None:
            raise _unreadable(name)
        await say(1.0, "完成")
        return report

    async def require_readable(self, name: str) -> None:
        """Check that a model can be loaded, before any transaction.

        Raises:
            NotFound: There is no such model.
            WrongState: Its weights cannot be read.
        """
        weights = await self.store.weights(name)
        if weights is None:
            raise NotFound(f"models/{name}")
        if not await self.readable(weights):
            raise _unreadable(name)

    async def promote(
        self, tx: Transaction, name: str, etag: str, caller: Caller, reason: str
    ) -> ModelRecord:
        """Put a model to use; going back is the same with the model that was used before.

        Raises:
            NotFound: There is no such model.
            StaleEtag: It has changed since the person saw it.
            WrongState: It is in use.
        """
        record = await self.store.hold(tx, name)
        if record is None:
            raise NotFound(f"models/{name}")
        require_etag(etag, record.version, record.resource_name)
        if record.state is ModelState.CURRENT:
            raise WrongState(record.state.name, _PROMOTABLE, record.resource_name)
        by = Promotion(caller.identity, caller.display_name, caller.unit)
        return await self.store.promote(tx, name, by, reason)


def _within(say: Say, first: float, last: float) -> Say:
    """Progress of a part as progress of the whole."""

    async def said(share: float, stage: str) -> None:
        await say(first + share * (last - first), stage)

    return said


def _unreadable(name: str) -> WrongState:
    return WrongState("UNREADABLE", _PROMOTABLE, f"models/{name}")
