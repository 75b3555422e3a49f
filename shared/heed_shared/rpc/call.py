"""One RPC in progress, and what stands around its method: what the chain does at each step of it.

``interceptors`` says in which order; this says how.
"""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.trace import Span, Status, StatusCode

from heed_shared import logs
from heed_shared.audit.recording import Record
from heed_shared.errors import (
    DETAILS_KEY,
    DeadlineTooShort,
    DependencyDown,
    HeedError,
    Internal,
    RateLimited,
    Unauthenticated,
    reason_name,
    to_status,
    translate,
)
from heed_shared.identity import Caller, current_caller, set_caller
from heed_shared.logs import Event
from heed_shared.rpc import deadline
from heed_shared.rpc.access import MethodRule
from heed_shared.rpc.stopping import set_stopping
from heed_shared.rpc.visibility import Veil
from heed_shared.telemetry import Attributes, current_trace_id, enter_span

if TYPE_CHECKING:
    from heed_shared.rpc.interceptors import ServerChain

# Faults of the server; every other status is an answer and leaves the span as it is.
_FAULTS = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}
_SUBJECT_NAMES = "x509_subject_alternative_name"

Context = Any  # grpc.aio.ServicerContext of whatever messages the method has


class Guard:
    """What stands around one method."""

    def __init__(self, chain: "ServerChain", rule: MethodRule, veil: Veil | None) -> None:
        self.chain = chain
        self.rule = rule
        self.veil = veil
        self.in_flight = 0
        service, _, name = rule.method.removeprefix("/").rpartition("/")
        self.labels: Attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
        self._outcomes: dict[grpc.StatusCode, Attributes] = {}

    def shown(self, response: Any) -> Any:
        """Return an answer as the caller may see it."""
        return response if self.veil is None else self.veil.over(response, current_caller())

    def outcome(self, code: grpc.StatusCode) -> Attributes:
        """Return the labels of a finished call; kept, because making them costs on every call."""
        known = self._outcomes.get(code)
        if known is None:
            known = {**self.labels, "rpc.grpc.status_code": code.value[0]}
            self._outcomes[code] = known
        return known


class Call:
    """One RPC in progress."""

    def __init__(self, guard: Guard, context: Context, request: Any) -> None:
        self._guard = guard
        self._context = context
        self._request = request  # None where requests are streamed
        self._caller: Caller | None = None
        self._record: Record | None = None
        self._started_at = time.perf_counter()
        self._code = grpc.StatusCode.OK
        self._authorization: str | None = None
        traceparent = ""
        for key, value in context.invocation_metadata() or ():
            if key == "traceparent":
                traceparent = value
            elif key == "authorization":
                self._authorization = value
        self._span: Span = guard.chain.telemetry.start_server_span(
            guard.rule.method[1:], traceparent
        )
        enter_span(self._span)
        guard.in_flight += 1
        guard.chain.in_flight += 1

    def admit(self, default_deadline_s: float | None) -> None:
        """Check deadline, identity and access, and make them known to the handler."""
        chain = self._guard.chain
        remaining = self._context.time_remaining()
        if remaining is None:
            remaining = default_deadline_s
        elif remaining <= 0:
            raise DeadlineTooShort
        deadline.start(remaining)
        set_stopping(chain.stopping)
        if self._guard.rule.public:
            return
        if chain.in_flight > chain.max_in_flight:
            raise RateLimited
        names: Iterable[bytes] = ()
        if self._authorization is None:
            names = self._context.auth_context().get(_SUBJECT_NAMES, ())
        caller = chain.authenticator.caller(self._authorization, names)
        self._caller = caller
        chain.limits.require(caller)
        self._guard.rule.require(caller)
        set_caller(caller)

    def begin(self) -> None:
        """Begin the entry of the audit, now that caller and request are checked."""
        recorder = self._guard.chain.recorder
        if recorder and self._caller:
            method = self._guard.rule.method
            self._record = recorder.begin(method, self._caller, self._request)

    async def answered(self, response: Any) -> Any:
        """Return an answer as the caller may see it, once it is on record."""
        if self._record:
            await self._record.answered(response)
        return self._guard.shown(response)

    async def streams(self, response: Any) -> Any:
        """Return one answer of many, the first once the stream is on record."""
        if self._record:
            await self._record.streams(response)
        return self._guard.shown(response)

    async def streamed(self) -> None:
        """Put a stream on record that had no answer."""
        if self._record:
            await self._record.streamed()

    async def fail(self, error: BaseException) -> None:
        """Send an error to the client and raise; cancellation and aborts go on as they are."""
        if isinstance(error, grpc.aio.AbortError):
            self._code = _status_code(self._context.code())
            raise error
        if not isinstance(error, Exception):
            left = self._context.time_remaining()
            late = left is not None and left <= 0
            self._code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
            raise error
        answer = translate(error)
        if answer is None:
            logs.failure(Event.RPC_FAILED, error, **{"rpc.method": self._guard.rule.method})
            answer = Internal()
        elif isinstance(answer, DependencyDown) and answer is not error:
            logs.failure(Event.DEPENDENCY_FAILED, error, **{"rpc.method": self._guard.rule.method})
        await self._record_refusal(answer)
        await self._refuse(answer)

    async def _record_refusal(self, answer: HeedError) -> None:
        method, recorder = self._guard.rule.method, self._guard.chain.recorder
        if self._caller and recorder:
            await recorder.refuse(method, self._caller, self._request, self._record, answer)
        elif isinstance(answer, Unauthenticated):
            # Nobody to put on record, and anybody could fill a table: counted and logged.
            self._guard.chain.telemetry.record("heed.rpc.unauthenticated", 1, self._guard.labels)
            logs.warning(Event.UNAUTHENTICATED, **{"rpc.method": method, "why": answer.message})

    async def _refuse(self, answer: HeedError) -> None:
        self._code = answer.status
        if self._span.is_recording():
            self._span.set_attribute("heed.reason", reason_name(answer.reason))
        status = to_status(answer, current_trace_id())
        await self._context.abort(
            answer.status, status.message, ((DETAILS_KEY, status.SerializeToString()),)
        )

    def end(self) -> None:
        """Record how the call went."""
        guard = self._guard
        guard.in_flight -= 1
        guard.chain.in_flight -= 1
        if self._record:
            self._record.end()
        outcome = guard.outcome(self._code)
        guard.chain.telemetry.record(
            "rpc.server.duration", time.perf_counter() - self._started_at, outcome
        )
        if self._span.is_recording():
            self._span.set_attributes(outcome)
            if self._code in _FAULTS:
                self._span.set_status(Status(StatusCode.ERROR, self._code.name))
            self._span.end()


def _status_code(code: Any) -> grpc.StatusCode:
    """Return the status of an aborted call, which grpc.aio keeps as a number."""
    return code if isinstance(code, grpc.StatusCode) else _BY_NUMBER[code]
