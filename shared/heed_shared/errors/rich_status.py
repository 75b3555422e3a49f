"""Errors as rich gRPC statuses (google.rpc.Status), written by servers and read by clients."""

from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from heed.common.v1.error_reason_pb2 import ErrorReason

from heed_shared.errors.heed_error import HeedError

DOMAIN = "heed"
DETAILS_KEY = "grpc-status-details-bin"
_PREFIX = "ERROR_REASON_"

# Metadata of an RPC has room for 8 KiB by default, and holds a status twice: text and details.
_MOST_VIOLATIONS = 20
_LONGEST_TEXT = 1000
_LONGEST_NAME = 400


def reason_name(reason: "ErrorReason.ValueType") -> str:
    """Return the reason as it stands in ErrorInfo, such as ``STALE_ETAG``."""
    return ErrorReason.Name(reason).removeprefix(_PREFIX)


def to_status(error: HeedError, trace_id: str = "") -> status_pb2.Status:
    """Return the rich status of an error, with at most one detail of each kind."""
    status = status_pb2.Status(code=error.status.value[0], message=_shortened(error.message))
    for detail in _details(error, trace_id):
        status.details.add().Pack(detail)
    return status


def _shortened(text: str, most: int = _LONGEST_TEXT) -> str:
    """Return at most ``most`` bytes of a text: a caller's own name or value may be any length."""
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    return encoded[:most].decode(errors="ignore") + "…"


def _details(error: HeedError, trace_id: str) -> list[Message]:
    resource = _shortened(error.resource, _LONGEST_NAME)
    details: list[Message] = [
        error_details_pb2.ErrorInfo(
            reason=reason_name(error.reason),
            domain=DOMAIN,
            metadata={
                key: _shortened(value, _LONGEST_NAME) for key, value in error.metadata.items()
            },
        )
    ]
    if error.violations:
        bad_request = error_details_pb2.BadRequest()
        for item in error.violations[:_MOST_VIOLATIONS]:
            bad_request.field_violations.add(
                field=item.field, description=_shortened(item.description, _LONGEST_NAME)
            )
        details.append(bad_request)
    if error.precondition:
        failure = error_details_pb2.PreconditionFailure()
        failure.violations.add(
            type=error.precondition, subject=resource, description=_shortened(error.message)
        )
        details.append(failure)
    elif error.resource:
        details.append(
            error_details_pb2.ResourceInfo(
                resource_name=resource, resource_type=resource.partition("/")[0]
            )
        )
    if error.retry_after_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(error.retry_after_s * 1e9))
        details.append(retry)
    if trace_id:
        details.append(error_details_pb2.RequestInfo(request_id=trace_id))
    return details


def status_of(error: grpc.RpcError) -> status_pb2.Status | None:
    """Return the rich status that came with a failed call; None when there is none."""
    metadata: Any = getattr(error, "trailing_metadata", tuple)()
    for key, value in metadata or ():
        if key == DETAILS_KEY:
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None


def info_of(error: grpc.RpcError) -> error_details_pb2.ErrorInfo:
    """Return the ErrorInfo of a failed call; an empty one when the peer sent none."""
    info = error_details_pb2.ErrorInfo()
    status = status_of(error)
    for detail in status.details if status else ():
        if detail.Unpack(info):
            break
    return info


def reason_of(error: grpc.RpcError) -> str:
    """Return the reason of a failed call, such as ``STALE_ETAG``; empty when the peer sent none."""
    return str(info_of(error).reason)
