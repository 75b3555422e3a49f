"""The gRPC service config of a channel: round robin, and retries of what may be repeated.

Retried is UNAVAILABLE alone, and only what the contract calls NO_SIDE_EFFECTS or IDEMPOTENT.
There is no timeout in it: grpc.aio would enforce one here without telling the server of it, so
the channel gives every call its deadline instead.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

_REPEATABLE = (MethodOptions.NO_SIDE_EFFECTS, MethodOptions.IDEMPOTENT)
_RETRY_POLICY = {
    "maxAttempts": 4,
    "initialBackoff": "0.1s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def service_config(services: Iterable[ServiceDescriptor]) -> str:
    """Return the config, as JSON, for a channel on which these services are called."""
    names = [
        {"service": method.containing_service.full_name, "method": method.name}
        for method in repeatable_methods(services)
    ]
    config: dict[str, Any] = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
    }
    if names:
        config["methodConfig"] = [{"name": names, "retryPolicy": _RETRY_POLICY}]
    return json.dumps(config)


def repeatable_methods(services: Iterable[ServiceDescriptor]) -> Iterator[MethodDescriptor]:
    """Yield the methods that a client may repeat without asking."""
    for service in services:
        for method in service.methods:
            if method.GetOptions().idempotency_level in _REPEATABLE:
                yield method
