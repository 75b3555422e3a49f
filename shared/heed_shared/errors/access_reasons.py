# ruff: noqa: N818 - a class is named after its ErrorReason, which has no such suffix
"""The classes of the reasons for which a caller may not do what was asked."""

from collections.abc import Sequence

import grpc
from heed.common.v1 import error_reason_pb2 as reasons

from heed_shared.errors.heed_error import FieldViolation, HeedError


class Unauthenticated(HeedError):
    """No valid identity came with the call."""

    reason = reasons.ERROR_REASON_UNAUTHENTICATED
    status = grpc.StatusCode.UNAUTHENTICATED

    def __init__(self, problem: str = "the call carries no valid identity") -> None:
        super().__init__(problem)


class RoleRequired(HeedError):
    """The caller has none of the roles that the RPC demands."""

    reason = reasons.ERROR_REASON_ROLE_REQUIRED
    status = grpc.StatusCode.PERMISSION_DENIED

    def __init__(self, roles: Sequence[str] = (), method: str = "") -> None:
        wanted = ", ".join(roles) or "no role at all"
        super().__init__(
            f"{method or 'the call'} is open to {wanted}",
            metadata={"method": method, "roles": ",".join(roles)},
        )


class RegionNotAllowed(HeedError):
    """The caller's region does not cover the region named in the request."""

    reason = reasons.ERROR_REASON_REGION_NOT_ALLOWED
    status = grpc.StatusCode.PERMISSION_DENIED

    def __init__(self, code: str) -> None:
        super().__init__(
            f"the caller may not act for region {code}", metadata={"region_code": code}
        )


class SecondPersonRequired(HeedError):
    """The planner of a measure may not approve it."""

    reason = reasons.ERROR_REASON_SECOND_PERSON_REQUIRED
    status = grpc.StatusCode.PERMISSION_DENIED

    def __init__(self, subject: str = "") -> None:
        super().__init__(
            f"{subject or 'the decision'} must be approved by someone other than its planner",
            metadata={"subject": subject} if subject else {},
        )


class RouteForbidden(HeedError):
    """The routing guard refuses the destination; nobody can override it.

    The text says where to send it instead and never who is accused.
    """

    reason = reasons.ERROR_REASON_ROUTE_FORBIDDEN
    status = grpc.StatusCode.PERMISSION_DENIED

    def __init__(self, open_unit: str = "", field: str = "destination_unit") -> None:
        above = f"the next unit above that may is {open_unit}" if open_unit else "take one above"
        text = f"this unit may not get it; {above}"
        super().__init__(
            f"{field}: {text}",
            metadata={"open_unit": open_unit} if open_unit else {},
            violations=[FieldViolation(field, text)],
        )


class RateLimited(HeedError):
    """Too many calls, or the server is full."""

    reason = reasons.ERROR_REASON_RATE_LIMITED
    status = grpc.StatusCode.RESOURCE_EXHAUSTED

    def __init__(self, retry_after_s: float = 1.0) -> None:
        super().__init__(
            f"too many calls; come back in {retry_after_s:g} s", retry_after_s=retry_after_s
        )
