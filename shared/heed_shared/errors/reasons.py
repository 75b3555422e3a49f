# ruff: noqa: N818 - a class is named after its ErrorReason, which has no such suffix
"""One class per ErrorReason, raised by use cases with the facts of the case.

The text of each names the field or resource and never repeats what a petitioner wrote.
"""

from collections.abc import Sequence
from datetime import date, datetime

import grpc
from heed.common.v1 import error_reason_pb2 as reasons

from heed_shared.errors.heed_error import FieldViolation, HeedError


class InvalidFields(HeedError):
    """Several fields are missing or wrong."""

    reason = reasons.ERROR_REASON_INVALID_FIELD
    status = grpc.StatusCode.INVALID_ARGUMENT

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        text = "; ".join(f"{item.field}: {item.description}" for item in violations)
        super().__init__(text, violations=violations)


class InvalidField(InvalidFields):
    """One field is missing or wrong."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__([FieldViolation(field, description)])


class RequestIdReused(HeedError):
    """The request_id was used before with another payload."""

    reason = reasons.ERROR_REASON_REQUEST_ID_REUSED
    status = grpc.StatusCode.ALREADY_EXISTS

    def __init__(self, request_id: str = "") -> None:
        super().__init__(
            "request_id: was used before with another payload; take a new one",
            metadata={"request_id": request_id} if request_id else {},
        )


class UnknownRegion(HeedError):
    """The region code is in no mounted table."""

    reason = reasons.ERROR_REASON_UNKNOWN_REGION
    status = grpc.StatusCode.INVALID_ARGUMENT

    def __init__(self, code: str, field: str = "region_code") -> None:
        text = f"no region has the code {code!r}"
        super().__init__(
            f"{field}: {text}",
            metadata={"region_code": code},
            violations=[FieldViolation(field, text)],
        )


class UnknownCategory(HeedError):
    """The category code is in no mounted taxonomy."""

    reason = reasons.ERROR_REASON_UNKNOWN_CATEGORY
    status = grpc.StatusCode.INVALID_ARGUMENT

    def __init__(self, code: str, field: str = "category_code") -> None:
        text = f"no category has the code {code!r}"
        super().__init__(
            f"{field}: {text}",
            metadata={"category_code": code},
            violations=[FieldViolation(field, text)],
        )


class NotFound(HeedError):
    """The resource does not exist, or lies outside the caller's region: the answer is the same."""

    reason = reasons.ERROR_REASON_NOT_FOUND
    status = grpc.StatusCode.NOT_FOUND

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist", metadata={"name": name}, resource=name)


class WrongState(HeedError):
    """The state of the subject does not allow the action."""

    reason = reasons.ERROR_REASON_WRONG_STATE
    status = grpc.StatusCode.FAILED_PRECONDITION
    precondition = "STATE"

    def __init__(
        self, current: str, allowed: Sequence[str], subject: str, advice: str = ""
    ) -> None:
        """Take what to do instead, in Chinese, where a petitioner needs ``advice``."""
        metadata = {"current_state": current, "allowed_states": ",".join(allowed)}
        possible = f"{subject} is {current}; possible from {', '.join(allowed) or 'no state'}"
        super().__init__(
            f"{possible} ({advice})" if advice else possible,
            metadata=metadata | ({"advice": advice} if advice else {}),
            resource=subject,
        )


class WindowClosed(HeedError):
    """The window for a right or a duty is over."""

    reason = reasons.ERROR_REASON_WINDOW_CLOSED
    status = grpc.StatusCode.FAILED_PRECONDITION
    precondition = "WINDOW"

    def __init__(self, code: str, last_day: date, citation: str) -> None:
        super().__init__(
            f"the window of {code} ended on {last_day.isoformat()} ({citation})",
            metadata={"code": code, "last_day": last_day.isoformat(), "citation": citation},
        )


class LawRequires(HeedError):
    """The law, or a written rule of the house, demands something that the call does not bring."""

    reason = reasons.ERROR_REASON_LAW_REQUIRES
    status = grpc.StatusCode.INVALID_ARGUMENT

    def __init__(self, field: str, description: str, citation: str) -> None:
        super().__init__(
            f"{field}: {description} ({citation})",
            metadata={"citation": citation},
            violations=[FieldViolation(field, f"{description} ({citation})")],
        )


class StaleEtag(HeedError):
    """The caller saw an older version of the resource."""

    reason = reasons.ERROR_REASON_STALE_ETAG
    status = grpc.StatusCode.ABORTED

    def __init__(self, name: str = "") -> None:
        super().__init__(
            f"etag: {name or 'the resource'} has changed since; read it again",
            metadata={"name": name} if name else {},
            resource=name,
        )


class Conflict(HeedError):
    """Two transactions collided; the call may be repeated as it is."""

    reason = reasons.ERROR_REASON_CONFLICT
    status = grpc.StatusCode.ABORTED

    def __init__(self) -> None:
        super().__init__("the call collided with another one; repeat it", retry_after_s=0.1)


class DependencyDown(HeedError):
    """A database or service that the call needs does not answer."""

    reason = reasons.ERROR_REASON_DEPENDENCY_DOWN
    status = grpc.StatusCode.UNAVAILABLE

    def __init__(self, dependency: str, retry_after_s: float = 1.0) -> None:
        super().__init__(
            f"{dependency} does not answer",
            metadata={"dependency": dependency},
            retry_after_s=retry_after_s,
        )


class BadPageToken(HeedError):
    """The page token cannot be read or belongs to another query."""

    reason = reasons.ERROR_REASON_BAD_PAGE_TOKEN
    status = grpc.StatusCode.INVALID_ARGUMENT

    def __init__(self) -> None:
        text = "the token cannot be read or belongs to another query"
        super().__init__(f"page_token: {text}", violations=[FieldViolation("page_token", text)])


class ReceiptNotFound(HeedError):
    """The receipt number or the query code is wrong; which of them is not said."""

    reason = reasons.ERROR_REASON_RECEIPT_NOT_FOUND
    status = grpc.StatusCode.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("the receipt number or the query code is wrong")


class NotInReplay(HeedError):
    """Only a clock in replay mode can be advanced."""

    reason = reasons.ERROR_REASON_NOT_IN_REPLAY
    status = grpc.StatusCode.FAILED_PRECONDITION
    precondition = "REPLAY"

    def __init__(self) -> None:
        super().__init__("the service runs on the system clock, which cannot be advanced")


class ClockBackwards(HeedError):
    """The clock cannot go backwards."""

    reason = reasons.ERROR_REASON_CLOCK_BACKWARDS
    status = grpc.StatusCode.INVALID_ARGUMENT

    def __init__(self, now: datetime, to: datetime) -> None:
        text = f"lies before the present business time {now.isoformat()}"
        super().__init__(
            f"to: {text}",
            metadata={"now": now.isoformat(), "to": to.isoformat()},
            violations=[FieldViolation("to", text)],
        )


class AlreadyRunning(HeedError):
    """The same long-running work is already under way."""

    reason = reasons.ERROR_REASON_ALREADY_RUNNING
    status = grpc.StatusCode.ABORTED

    def __init__(self, operation: str = "") -> None:
        super().__init__(
            "the same work is already under way" + (f" as {operation}" if operation else ""),
            metadata={"operation": operation} if operation else {},
            resource=operation,
        )


class InsufficientHistory(HeedError):
    """The history is too short for what was asked."""

    reason = reasons.ERROR_REASON_INSUFFICIENT_HISTORY
    status = grpc.StatusCode.FAILED_PRECONDITION
    precondition = "HISTORY"

    def __init__(self, days_present: int, days_required: int) -> None:
        super().__init__(
            f"the history has {days_present} days; {days_required} are needed",
            metadata={"days_present": str(days_present), "days_required": str(days_required)},
        )


class DeadlineTooShort(HeedError):
    """The remaining deadline is too short for the call."""

    reason = reasons.ERROR_REASON_DEADLINE_TOO_SHORT
    status = grpc.StatusCode.DEADLINE_EXCEEDED

    def __init__(self) -> None:
        super().__init__("the deadline of the call is too short for its work")


class Internal(HeedError):
    """What an uncaught exception becomes; the trace id is all that the caller learns."""

    reason = reasons.ERROR_REASON_INTERNAL
    status = grpc.StatusCode.INTERNAL

    def __init__(self) -> None:
        super().__init__("internal error")
