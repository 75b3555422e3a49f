"""The one chain around every RPC that a service serves, unary and streaming alike.

From outside in: telemetry, errors, deadline, identity, access, validation; on the way out, what was
done is put on record and what the caller may not see is taken out of the answer. It is one
interceptor, not eight, because each layer of grpc.aio interceptors costs a look-up and a wrapper on
every call. A handler of streamed responses is an async generator; it ends by itself on
``current_stopping()``.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.message import Message

from heed_shared.audit.recording import Recorder
from heed_shared.identity import Authenticator
from heed_shared.rpc.access import AccessRules
from heed_shared.rpc.call import Call, Guard
from heed_shared.rpc.limits import CallerLimits
from heed_shared.rpc.validation import UNREADABLE, readable, validate
from heed_shared.rpc.visibility import Veil
from heed_shared.telemetry import Attributes, Telemetry

Context = Any
Handler = Callable[[Any, Context], Any]


class ServerChain(grpc.aio.ServerInterceptor):
    """Wraps each method once, on its first call."""

    def __init__(
        self,
        *,
        rules: AccessRules,
        veils: Mapping[str, Veil],
        recorder: Recorder | None,
        authenticator: Authenticator,
        limits: CallerLimits,
        telemetry: Telemetry,
        stopping: asyncio.Event,
        max_in_flight: int,
        default_deadline_s: float,
    ) -> None:
        """Take what the layers need; the default deadline is for unary calls that bring none."""
        self.rules = rules
        self.veils = veils
        self.recorder = recorder
        self.authenticator = authenticator
        self.limits = limits
        self.telemetry = telemetry
        self.stopping = stopping
        self.max_in_flight = max_in_flight
        self.default_deadline_s = default_deadline_s
        self.in_flight = 0
        self._guards: dict[str, Guard] = {}
        self._handlers: dict[str, Any] = {}
        telemetry.observe("rpc.server.in_flight", self._observe)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Return the wrapped handler of the method; None when the server has no such method."""
        method = handler_call_details.method
        wrapped = self._handlers.get(method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            guard = self._guards[method] = Guard(
                self, self.rules.rule(method), self.veils.get(method)
            )
            wrapped = self._handlers[method] = _wrap(guard, handler)
        return wrapped

    def _observe(self) -> Iterable[tuple[float, Attributes]]:
        return [(guard.in_flight, guard.labels) for guard in self._guards.values()]


def _wrap(guard: Guard, handler: Any) -> Any:
    serializers = (readable(handler.request_deserializer), handler.response_serializer)
    match handler.request_streaming, handler.response_streaming:
        case False, False:
            return grpc.unary_unary_rpc_method_handler(
                _one_response(guard, handler.unary_unary, _checked), *serializers
            )
        case False, True:
            return grpc.unary_stream_rpc_method_handler(
                _many_responses(guard, handler.unary_stream, _checked), *serializers
            )
        case True, False:
            return grpc.stream_unary_rpc_method_handler(
                _one_response(guard, handler.stream_unary, _each_checked), *serializers
            )
    return grpc.stream_stream_rpc_method_handler(
        _many_responses(guard, handler.stream_stream, _each_checked), *serializers
    )


def _single(request: Any, check: Callable[[Any], Any]) -> Any:
    """Return the request where there is one that can be read; None for a stream of them."""
    return request if check is _checked and request is not UNREADABLE else None


def _checked(request: Message) -> Message:
    validate(request)
    return request


async def _each_checked(requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
    async for request in requests:
        validate(request)
        yield request


def _one_response(guard: Guard, handler: Handler, check: Callable[[Any], Any]) -> Any:
    # A stream of requests may take as long as it needs.
    default_deadline_s = guard.chain.default_deadline_s if check is _checked else None

    async def serve(request: Any, context: Context) -> Any:
        call = Call(guard, context, _single(request, check))
        try:
            call.admit(default_deadline_s)
            checked = check(request)
            call.begin()
            if default_deadline_s is None or context.time_remaining() is not None:
                # With a deadline of the client's, gRPC itself cancels the handler.
                return await call.answered(await handler(checked, context))
            async with asyncio.timeout(default_deadline_s):
                return await call.answered(await handler(checked, context))
        except BaseException as error:
            await call.fail(error)
        finally:
            call.end()

    return serve


def _many_responses(guard: Guard, handler: Handler, check: Callable[[Any], Any]) -> Any:
    async def serve(request: Any, context: Context) -> AsyncIterator[Any]:
        call = Call(guard, context, _single(request, check))
        try:
            call.admit(None)
            checked = check(request)
            call.begin()
            async with aclosing(handler(checked, context)) as responses:
                async for response in responses:
                    yield await call.streams(response)
            await call.streamed()
        except BaseException as error:
            await call.fail(error)
        finally:
            call.end()

    return serve
