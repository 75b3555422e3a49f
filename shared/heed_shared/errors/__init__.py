"""The errors that leave Heed, one class per ErrorReason, with their rich gRPC statuses.

A caller branches on the reason, never on the text::

    try:
        await stub.AcceptCase(request)
    except grpc.aio.AioRpcError as error:
        if reason_of(error) == "STALE_ETAG":
            ...
"""

from heed_shared.errors.access_reasons import (
    RateLimited,
    RegionNotAllowed,
    RoleRequired,
    RouteForbidden,
    SecondPersonRequired,
    Unauthenticated,
)
from heed_shared.errors.feed_reasons import (
    BadCursor,
    CursorTooOld,
    FeedEpochChanged,
    UnknownFeed,
)
from heed_shared.errors.heed_error import FieldViolation, HeedError
from heed_shared.errors.reasons import (
    AlreadyRunning,
    BadPageToken,
    ClockBackwards,
    Conflict,
    DeadlineTooShort,
    DependencyDown,
    InsufficientHistory,
    Internal,
    InvalidField,
    InvalidFields,
    LawRequires,
    NotFound,
    NotInReplay,
    ReceiptNotFound,
    RequestIdReused,
    StaleEtag,
    UnknownCategory,
    UnknownRegion,
    WindowClosed,
    WrongState,
)
from heed_shared.errors.rich_status import (
    DETAILS_KEY,
    DOMAIN,
    info_of,
    reason_name,
    reason_of,
    status_of,
    to_status,
)
from heed_shared.errors.translation import translate

__all__ = [
    "DETAILS_KEY",
    "DOMAIN",
    "AlreadyRunning",
    "BadCursor",
    "BadPageToken",
    "ClockBackwards",
    "Conflict",
    "CursorTooOld",
    "DeadlineTooShort",
    "DependencyDown",
    "FeedEpochChanged",
    "FieldViolation",
    "HeedError",
    "InsufficientHistory",
    "Internal",
    "InvalidField",
    "InvalidFields",
    "LawRequires",
    "NotFound",
    "NotInReplay",
    "RateLimited",
    "ReceiptNotFound",
    "RegionNotAllowed",
    "RequestIdReused",
    "RoleRequired",
    "RouteForbidden",
    "SecondPersonRequired",
    "StaleEtag",
    "Unauthenticated",
    "UnknownCategory",
    "UnknownFeed",
    "UnknownRegion",
    "WindowClosed",
    "WrongState",
    "info_of",
    "reason_name",
    "reason_of",
    "status_of",
    "to_status",
    "translate",
]
