"""The parent of all errors that leave Heed, and the wrong fields that it can carry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import grpc
from heed.common.v1.error_reason_pb2 import ErrorReason


@dataclass(frozen=True)
class FieldViolation:
    """One wrong field: its path in the request, as in the contract, and what is wrong with it."""

    field: str
    description: str


class HeedError(Exception):
    """Parent of every error that a caller is told about.

    Attributes:
        reason: The stable reason that clients branch on.
        status: The gRPC status code that it travels with.
        metadata: Facts of this case, as text, for ErrorInfo.
        violations: Wrong fields, for BadRequest.
        resource: Name of the resource concerned, for ResourceInfo; empty if none.
        precondition: Type of the failed precondition; empty if none.
        retry_after_s: Seconds after which a repetition makes sense; None if it never does.
    """

    reason: ClassVar["ErrorReason.ValueType"]
    status: ClassVar[grpc.StatusCode]
    precondition: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        resource: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        self.message = message
        self.metadata = dict(metadata or {})
        self.violations = list(violations)
        self.resource = resource
        self.retry_after_s = retry_after_s
        super().__init__(message)
