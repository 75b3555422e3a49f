import asyncio
from datetime import UTC, datetime
from typing import TypeVar

import asyncpg
import grpc
import pytest
import sqlalchemy.exc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from heed.common.v1.error_reason_pb2 import ErrorReason

from heed_shared import errors
from heed_shared.errors import FieldViolation, HeedError, InvalidFields, reason_name, to_status

NOW = datetime(2026, 1, 1, tzinfo=UTC)
M = TypeVar("M", bound=Message)
# One error of each reason, as a use case raises it, and the status that API clients rely on.
SAMPLES: list[tuple[HeedError, str]] = [
    (errors.InvalidField("submission.facts", "is required"), "INVALID_ARGUMENT"),
    (errors.RequestIdReused("r"), "ALREADY_EXISTS"),
    (errors.UnknownRegion("999999", "submission.region_code"), "INVALID_ARGUMENT"),
    (errors.UnknownCategory("99"), "INVALID_ARGUMENT"),
    (errors.NotFound("petitions/x"), "NOT_FOUND"),
    (errors.WrongState("OPENED", ["ASSESSED"], "cases/x"), "FAILED_PRECONDITION"),
    (errors.WindowClosed("D04", NOW.date(), "第二十三条"), "FAILED_PRECONDITION"),
    (errors.LawRequires("approved_by", "延期须经批准", "第三十四条"), "INVALID_ARGUMENT"),
    (errors.StaleEtag("cases/x"), "ABORTED"),
    (errors.Conflict(), "ABORTED"),
    (errors.Unauthenticated(), "UNAUTHENTICATED"),
    (errors.RoleRequired(["ROLE_LEADER"], "/x/Y"), "PERMISSION_DENIED"),
    (errors.RegionNotAllowed("110101"), "PERMISSION_DENIED"),
    (errors.SecondPersonRequired("measures/x"), "PERMISSION_DENIED"),
    (errors.RouteForbidden("上级机关"), "PERMISSION_DENIED"),
    (errors.RateLimited(30), "RESOURCE_EXHAUSTED"),
    (errors.DependencyDown("database"), "UNAVAILABLE"),
    (errors.CursorTooOld("abc"), "OUT_OF_RANGE"),
    (errors.FeedEpochChanged("intake.petitions"), "FAILED_PRECONDITION"),
    (errors.BadCursor(), "INVALID_ARGUMENT"),
    (errors.BadPageToken(), "INVALID_ARGUMENT"),
    (errors.UnknownFeed("x"), "NOT_FOUND"),
    (errors.ReceiptNotFound(), "NOT_FOUND"),
    (errors.NotInReplay(), "FAILED_PRECONDITION"),
    (errors.ClockBackwards(NOW, NOW), "INVALID_ARGUMENT"),
    (errors.AlreadyRunning("operations/x"), "ABORTED"),
    (errors.InsufficientHistory(3, 60), "FAILED_PRECONDITION"),
    (errors.DeadlineTooShort(), "DEADLINE_EXCEEDED"),
    (errors.Internal(), "INTERNAL"),
]
BY_REASON = pytest.mark.parametrize(
    ("error", "status"), SAMPLES, ids=lambda value: type(value).__name__
)


def all_classes(parent: type[HeedError] = HeedError) -> set[type[HeedError]]:
    return {parent, *(leaf for child in parent.__subclasses__() for leaf in all_classes(child))}


def detail(error: HeedError, message: M) -> M:
    for packed in to_status(error, "trace").details:
        if packed.Unpack(message):
            return message
    raise AssertionError(f"no {type(message).__name__}")


def test_every_reason_of_the_contract_has_a_class() -> None:
    declared = set(ErrorReason.values()) - {ErrorReason.ERROR_REASON_UNSPECIFIED}
    assert {error.reason for error, _ in SAMPLES} == declared


def test_every_class_has_a_reason_of_the_contract() -> None:
    classes = all_classes() - {HeedError}
    assert {cls.reason for cls in classes} <= set(ErrorReason.values())
    # One class per reason; InvalidField is the short form of InvalidFields.
    assert len(classes) == len(SAMPLES) + 1


@BY_REASON
def test_each_error_travels_with_its_status_and_reason(error: HeedError, status: str) -> None:
    info = detail(error, error_details_pb2.ErrorInfo())
    assert to_status(error).code == grpc.StatusCode[status].value[0]
    assert (info.domain, info.reason) == ("heed", reason_name(error.reason))
    assert len(info.reason) <= 63
    assert dict(info.metadata) == error.metadata


@BY_REASON
def test_each_detail_appears_once(error: HeedError, status: str) -> None:
    kinds = [packed.TypeName() for packed in to_status(error, "trace").details]
    assert len(kinds) == len(set(kinds))
    assert "google.rpc.RequestInfo" in kinds


def test_wrong_fields_are_named_in_message_and_details() -> None:
    error = InvalidFields([FieldViolation("a.b", "is required"), FieldViolation("c[3]", "is odd")])
    bad = detail(error, error_details_pb2.BadRequest())
    assert [(item.field, item.description) for item in bad.field_violations] == [
        ("a.b", "is required"),
        ("c[3]", "is odd"),
    ]
    assert to_status(error).message == "a.b: is required; c[3]: is odd"


def test_a_wrong_state_names_the_allowed_ones() -> None:
    failure = detail(
        errors.WrongState("OPENED", ["ASSESSED", "MEASURED"], "cases/x"),
        error_details_pb2.PreconditionFailure(),
    )
    assert (failure.violations[0].type, failure.violations[0].subject) == ("STATE", "cases/x")
    assert "ASSESSED, MEASURED" in failure.violations[0].description


@pytest.mark.parametrize("error", [errors.RateLimited(2.5), errors.DependencyDown("x", 2.5)])
def test_what_may_be_repeated_says_when(error: HeedError) -> None:
    retry = detail(error, error_details_pb2.RetryInfo())
    assert retry.retry_delay.ToMilliseconds() == 2500


def test_a_huge_name_is_cut_in_every_part_of_a_status() -> None:
    status = to_status(errors.NotFound("operations/" + "𠮷" * 2000))
    assert len(status.SerializeToString()) < 3000
    assert status.message.endswith("…")


def test_a_huge_batch_of_violations_still_fits_into_a_status() -> None:
    many = [FieldViolation(f"requests[{n}].request_id", "must be a UUID") for n in range(2000)]
    assert to_status(InvalidFields(many), "trace").ByteSize() < 6000


def database_error(sqlstate: str) -> Exception:
    original = asyncpg.PostgresError.new({"C": sqlstate, "M": "detail: 张三 13800000000"})
    wrapped = Exception("adapted")
    wrapped.__cause__ = original
    return sqlalchemy.exc.DBAPIError("SELECT 1", {}, wrapped)


@pytest.mark.parametrize(
    ("sqlstate", "reason"),
    [
        ("40001", "CONFLICT"),
        ("40P01", "CONFLICT"),
        ("57014", "DEADLINE_TOO_SHORT"),
        ("25P04", "DEADLINE_TOO_SHORT"),
        ("53300", "RATE_LIMITED"),
        ("57P01", "DEPENDENCY_DOWN"),
        ("08006", "DEPENDENCY_DOWN"),
        ("08001", "DEPENDENCY_DOWN"),
    ],
)
def test_database_errors_are_translated(sqlstate: str, reason: str) -> None:
    for error in (database_error(sqlstate), database_error(sqlstate).orig.__cause__):  # type: ignore[attr-defined]
        assert error is not None
        translated = errors.translate(error)
        assert translated is not None
        assert reason_name(translated.reason) == reason
        assert "张三" not in str(to_status(translated))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        KeyError("x"),
        database_error("23505"),  # a broken constraint is our own fault
        database_error("42P01"),
        asyncio.CancelledError(),
    ],
    ids=repr,
)
def test_faults_of_our_own_are_not_translated(error: BaseException) -> None:
    assert errors.translate(error) is None


def test_lost_connections_are_a_dependency_that_is_down() -> None:
    for error in (ConnectionRefusedError(), asyncpg.InterfaceError("connection is closed")):
        translated = errors.translate(error)
        assert isinstance(translated, errors.DependencyDown)
        assert translated.metadata == {"dependency": "database"}
