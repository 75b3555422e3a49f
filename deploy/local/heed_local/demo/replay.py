"""Replays a source day by day through the public RPCs, as clerks and a scheduler would."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from heed.feed.v1 import replay_service_pb2, replay_service_pb2_grpc
from heed.intake.v1 import intake_service_pb2, intake_service_pb2_grpc
from heed.warning.v1 import resources_pb2, warning_service_pb2, warning_service_pb2_grpc

from heed_local.demo.feeds import FeedMonitor
from heed_local.demo.office import Office
from heed_local.demo.source import Arrival, Source, Truth
from heed_local.importing.reader import RejectedRow
from heed_local.launcher import SERVICES, Suite
from heed_shared.clock import SHANGHAI, day_end
from heed_shared.errors import reason_of

COUNTS_A_CALL = 10_000
TRAINING_S = 25
# A user's file brings no history: the forecaster is trained when there is some, and again later on.
FIRST_TRAINING_DAYS = 150
NEXT_TRAINING_DAYS = 270
TRY_AGAIN_DAYS = 30
# One petition in so many days is registered by itself, under a trace.
TRACED_EVERY_DAYS = 5
MINUTE_BEFORE_CLOSE = timedelta(minutes=1)
# When no petition came for so long, no window holds one and the day needs no evaluation.
QUIET_DAYS = 28


@dataclass(frozen=True)
class Registered:
    """A registered petition, as a clerk hands it out."""

    key: str
    name: str
    receipt_number: str
    query_code: str
    region_code: str
    day: date
    trace_id: str
    truth: Truth | None


@dataclass(frozen=True)
class WarningSeen:
    """A warning as it stood when an evaluation changed it."""

    day: date
    warning: resources_pb2.Warning


@dataclass
class Replayed:
    """What a replay did."""

    registered: list[Registered] = field(default_factory=list)
    warnings: list[WarningSeen] = field(default_factory=list)
    trainings: list[warning_service_pb2.TrainForecasterResponse] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    history_counts: int = 0

    def timed(self, step: str) -> _Timed:
        """Adds the time of a `with` block to a step's total."""
        return _Timed(self.seconds, step)


class _Timed:
    def __init__(self, seconds: dict[str, float], step: str) -> None:
        self._seconds, self._step = seconds, step

    def __enter__(self) -> None:
        self._start = time.monotonic()

    def __exit__(self, *_: object) -> None:
        spent = time.monotonic() - self._start
        self._seconds[self._step] = self._seconds.get(self._step, 0.0) + spent


class Replay:
    """Moves the suite's business clock through the days of a source."""

    def __init__(
        self,
        suite: Suite,
        source: Source,
        on_day: Callable[[date, int], None],
        office: Office | None,
    ) -> None:
        self._source = source
        self._office = office
        self._on_day = on_day
        self._intake = intake_service_pb2_grpc.IntakeServiceStub(suite.channel("intake", "clerk"))
        analyst = suite.channel("warning", "analyst")
        self._warning = warning_service_pb2_grpc.WarningServiceStub(analyst)
        steward = suite.channel("warning", "steward")
        self._trainer = warning_service_pb2_grpc.WarningServiceStub(steward)
        self._operations = operations_pb2_grpc.OperationsStub(steward)
        self._clocks = [
            replay_service_pb2_grpc.ReplayServiceStub(suite.channel(service, "operator"))
            for service in SERVICES
        ]
        self.feeds = FeedMonitor(suite)
        self._since_training = 0

    async def run(self) -> Replayed:
        """Records the history, then registers, drains, closes and evaluates day after day."""
        done = Replayed()
        with done.timed("记录历史 record history"):
            done.history_counts = await self._record_history()
        if done.history_counts:
            await self._train(done, self._source.days[0] - timedelta(days=1))
        quiet = 0
        for day in self._source.days:
            arrivals = self._source.arrivals(day)
            quiet = 0 if arrivals else quiet + 1
            if quiet <= QUIET_DAYS:
                await self._replay_day(done, day, arrivals)
            self._on_day(day, len(done.registered))
        await self.feeds.drain()
        return done

    async def _replay_day(self, done: Replayed, day: date, arrivals: list[Arrival]) -> None:
        close = day_end(day)
        await self._advance(close - MINUTE_BEFORE_CLOSE)
        if arrivals:
            with done.timed("登记 register"):
                registered = await self._register(arrivals, day)
            done.registered += registered
            with done.timed("分类、立案 classify, open cases"):
                await self.feeds.drain()
            if self._office is not None:
                # A traced petition is left to whoever shows one case from end to end.
                keys = {one.name: one.key for one in registered if not one.trace_id}
                with done.timed("办理案件 handle cases"):
                    await self._office.work(day, keys)
        with done.timed("日结 close the day"):
            await self._advance(close)
        with done.timed("预警评估 evaluate"):
            request = warning_service_pb2.EvaluateRequest(as_of=day.isoformat())
            answer = await self._warning.Evaluate(request, timeout=60)
        done.warnings += [WarningSeen(day, warning) for warning in answer.changed_warnings]
        if answer.changed_warnings:
            with done.timed("预警立案 open cases of warnings"):
                await self.feeds.drain()
        await self._train_on_schedule(done, day)

    async def _advance(self, moment: datetime) -> None:
        to = Timestamp()
        to.FromDatetime(moment)
        request = replay_service_pb2.AdvanceClockRequest(to=to)
        await asyncio.gather(*(clock.AdvanceClock(request, timeout=60) for clock in self._clocks))

    async def _register(self, arrivals: list[Arrival], day: date) -> list[Registered]:
        traced = arrivals[:1] if day.toordinal() % TRACED_EVERY_DAYS == 0 else []
        trace_id = uuid.uuid4().hex if traced else ""
        results = [await self._register_traced(arrival, trace_id) for arrival in traced]
        results += await self._import(arrivals[len(traced) :])
        registered = []
        traces = [trace_id] * len(traced) + [""] * (len(arrivals) - len(traced))
        # Strict: a row that came back without an answer must not drop out in silence.
        for arrival, result, trace in zip(arrivals, results, traces, strict=True):
            if result.WhichOneof("result") == "error":
                self._source.rejected.append(RejectedRow(arrival.line, in_words(result.error)))
                continue
            petition = result.registered.petition
            registered.append(
                Registered(
                    key=arrival.key,
                    name=petition.name,
                    receipt_number=petition.receipt_number,
                    query_code=result.registered.query_code,
                    region_code=petition.region_code,
                    day=day,
                    trace_id=trace,
                    truth=arrival.truth,
                )
            )
        return registered

    async def _import(self, arrivals: list[Arrival]) -> list[intake_service_pb2.RegistrationResult]:
        """Registers through the import stream, which takes rows of any size, in order."""
        rows = (
            intake_service_pb2.ImportPetitionsRequest(row=row, registration=_request(arrival))
            for row, arrival in enumerate(arrivals)
        )
        results = []
        if arrivals:
            async for answer in self._intake.ImportPetitions(rows, timeout=120):
                results += [row.result for row in answer.results]
        return results

    async def _register_traced(
        self, arrival: Arrival, trace_id: str
    ) -> intake_service_pb2.RegistrationResult:
        """Registers one petition by itself under a sampled trace; a refusal is a result too."""
        batch = intake_service_pb2.BatchRegisterPetitionsRequest(requests=[_request(arrival)])
        answer = await self._intake.BatchRegisterPetitions(
            batch,
            timeout=60,
            metadata=(("traceparent", f"00-{trace_id}-{uuid.uuid4().hex[:16]}-01"),),
        )
        return answer.results[0]

    async def _record_history(self) -> int:
        recorded = 0
        batch: list[warning_service_pb2.RecordedCount] = []
        for day, region_code, category_code, count in self._source.history():
            cell = resources_pb2.Cell(region_code=region_code, category_code=category_code)
            batch.append(
                warning_service_pb2.RecordedCount(cell=cell, day=day.isoformat(), count=count)
            )
            if len(batch) == COUNTS_A_CALL:
                recorded += await self._record(batch)
                batch = []
        return recorded + (await self._record(batch) if batch else 0)

    async def _record(self, counts: list[warning_service_pb2.RecordedCount]) -> int:
        request = warning_service_pb2.RecordObservationsRequest(
            request_id=str(uuid.uuid4()), source="history", counts=counts
        )
        return (await self._warning.RecordObservations(request, timeout=120)).recorded_count

    async def _train_on_schedule(self, done: Replayed, day: date) -> None:
        self._since_training += 1
        due = NEXT_TRAINING_DAYS if done.trainings else FIRST_TRAINING_DAYS
        enough = len(done.registered) >= FIRST_TRAINING_DAYS
        last = day == self._source.days[-1]
        if done.history_counts or self._since_training < due or not enough or last:
            return
        try:
            await self._train(done, day)
        except grpc.aio.AioRpcError as error:
            if reason_of(error) != "INSUFFICIENT_HISTORY":
                raise
            # The days of a file are more than its history when a long silence lies among them.
            self._since_training = due - TRY_AGAIN_DAYS

    async def _train(self, done: Replayed, data_to: date) -> None:
        with done.timed("训练预测模型 train the forecaster"):
            request = warning_service_pb2.TrainForecasterRequest(
                request_id=str(uuid.uuid4()),
                data_to=data_to.isoformat(),
                seed=1,
                max_seconds=TRAINING_S,
            )
            operation = await self._trainer.TrainForecaster(request, timeout=30)
            while not operation.done:
                await asyncio.sleep(0.2)
                ask = operations_pb2.GetOperationRequest(name=operation.name)
                operation = await self._operations.GetOperation(ask, timeout=10)
        if operation.HasField("error"):
            raise RuntimeError(f"training failed: {operation.error.message}")
        response = warning_service_pb2.TrainForecasterResponse()
        operation.response.Unpack(response)
        done.trainings.append(response)
        self._since_training = 0


def _request(arrival: Arrival) -> intake_service_pb2.RegisterPetitionRequest:
    # The same row of the same file gets the same id, so a repeated run registers nothing twice.
    request_id = uuid.uuid5(uuid.NAMESPACE_OID, f"{arrival.key}/{arrival.line}")
    return intake_service_pb2.RegisterPetitionRequest(
        request_id=str(request_id), submission=arrival.submission
    )


def in_words(error: status_pb2.Status) -> str:
    """Puts a refusal into one line that names the fields."""
    for detail in error.details:
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            return "; ".join(f"{v.field}: {v.description}" for v in bad.field_violations)
    return str(error.message)


def shown(moment: datetime) -> str:
    """Formats a moment as local time to the minute."""
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
