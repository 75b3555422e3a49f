"""What each RPC means for the audit, read once from the contracts.

The kind of action comes from the verb that a method's name begins with. A verb that is not in the
table stops the server from starting: somebody must say what it means before anybody can call it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from heed.audit.v1 import audit_service_pb2 as pb

_VERBS: Mapping[int, str] = {
    pb.AUDIT_ACTION_VIEW: "Get Check Render Forecast Classify Recommend Wait Verify",
    pb.AUDIT_ACTION_SEARCH: "List Find Suggest Query Watch",
    pb.AUDIT_ACTION_REVEAL: "Reveal",
    pb.AUDIT_ACTION_REGISTER: "Register Import Record Add Supplement Withdraw Report Schedule"
    " File Rate Request",
    pb.AUDIT_ACTION_ROUTE: "Route Forward",
    pb.AUDIT_ACTION_DECIDE: "Accept Acknowledge Answer Approve Archive Assess Close Complete"
    " Compose Confirm Correct Decide End Extend Issue Judge Link Notify Object Open Pause Plan"
    " Reopen Resolve Resume Revise Serve Silence Start Stop Supervise Tell Unlink",
    pb.AUDIT_ACTION_ERASE: "Erase",
    pb.AUDIT_ACTION_SEAL: "Seal",
    pb.AUDIT_ACTION_UNSEAL: "Unseal",
    pb.AUDIT_ACTION_OPERATE: "Advance Backtest Cancel Create Delete Evaluate Promote Retry Train"
    " Update",
}
_ACTION_OF_VERB = {verb: action for action, verbs in _VERBS.items() for verb in verbs.split()}
# Where the verb alone would mislead.
_ACTION_OF_METHOD = {
    "heed.feed.v1.FeedService.ListEvents": pb.AUDIT_ACTION_EXPORT,
    "heed.feed.v1.FeedService.WatchEvents": pb.AUDIT_ACTION_EXPORT,
    "heed.feed.v1.FeedService.GetFeedSnapshot": pb.AUDIT_ACTION_EXPORT,
    "heed.intake.v1.IntakeService.StartConsultation": pb.AUDIT_ACTION_REGISTER,
}
# Anybody may ask whether a server lives and what it offers; neither says anything of a matter.
_UNRECORDED = frozenset({"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"})
# Of a decision, purpose and basis are part of what was decided and stay with it.
_WITH_PURPOSE = frozenset(
    {
        pb.AUDIT_ACTION_VIEW,
        pb.AUDIT_ACTION_SEARCH,
        pb.AUDIT_ACTION_REVEAL,
        pb.AUDIT_ACTION_EXPORT,
        pb.AUDIT_ACTION_ERASE,
        pb.AUDIT_ACTION_SEAL,
        pb.AUDIT_ACTION_UNSEAL,
    }
)
_MANY = frozenset({pb.AUDIT_ACTION_SEARCH, pb.AUDIT_ACTION_EXPORT})
_OF_MANY = ("Batch", "Import")
_RESOURCE_FIELDS = ("name", "petition", "matter", "resource", "feed")
_REGION_FIELDS = ("region_code", "region_prefix")
_WORD = re.compile("[A-Z][a-z]*")
_RESOURCE = re.compile(r"[a-zA-Z.]{1,60}(/[0-9A-Za-z._-]{1,100}){0,5}")
# In a request that was refused before it was checked, only what has the form of an identifier.
_IDENTIFIER = re.compile(
    r"[a-zA-Z]{1,40}/[1-9][0-9A-Z]{5}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[a-z]{1,20}/[0-9]{1,3})?"
)
_REGION = re.compile("[1-9][0-9A-Z]{0,5}")


class UnknownVerbError(LookupError):
    """A contract has an RPC whose verb means nothing to the audit."""


@dataclass(frozen=True)
class Recorded:
    """What the audit makes of one method."""

    method: str
    action: int
    resource_field: str = ""
    region_path: tuple[str, ...] = ()
    purpose_field: str = ""
    purposes: Mapping[int, str] | None = None
    """Names of the purposes by number, where the contract lists them."""
    basis_field: str = ""
    count_field: str = ""
    """Field of the answer that holds its resources; empty where it holds one."""

    def resource(self, request: Any, *, checked: bool) -> str:
        """Return the resource that a request names; empty when it names none."""
        found = str(getattr(request, self.resource_field)) if self.resource_field else ""
        form = _RESOURCE if checked else _IDENTIFIER
        return found if form.fullmatch(found) else ""

    def region_code(self, request: Any) -> str:
        """Return the region or prefix that a request names; empty when it names none."""
        found = request
        for name in self.region_path:
            found = getattr(found, name)
        return found if self.region_path and _REGION.fullmatch(found) else ""

    def purpose(self, request: Any) -> str:
        """Return the purpose that a request states."""
        if not self.purpose_field:
            return ""
        found = getattr(request, self.purpose_field)
        return found if self.purposes is None else self.purposes.get(found, "")

    def legal_basis(self, request: Any) -> str:
        """Return the legal basis that a request states."""
        return str(getattr(request, self.basis_field)) if self.basis_field else ""

    def count(self, response: Any) -> int:
        """Return how many resources an answer holds."""
        return len(getattr(response, self.count_field)) if self.count_field else 1

    @property
    def first_count(self) -> int:
        """How many resources it is before the answer is known: a verb does it to one."""
        return 0 if self.action in _MANY else 1


def recorded_methods(methods: Iterable[MethodDescriptor]) -> dict[str, Recorded]:
    """Return, by path such as ``/heed.x.v1.XService/GetX``, what is made of each method.

    Raises:
        UnknownVerbError: the verb of one is not in the table.
    """
    return {
        f"/{method.containing_service.full_name}/{method.name}": _recorded(method)
        for method in methods
        if method.containing_service.full_name not in _UNRECORDED
    }


def _recorded(method: MethodDescriptor) -> Recorded:
    action = _action(method)
    request = method.input_type
    purpose = _field(request, ("purpose",)) if action in _WITH_PURPOSE else None
    basis = _field(request, ("legal_basis",)) if action in _WITH_PURPOSE else None
    resource = _field(request, _RESOURCE_FIELDS)
    counted = action in _MANY or method.name.startswith(_OF_MANY)
    return Recorded(
        method=f"{method.containing_service.full_name}/{method.name}",
        action=action,
        resource_field=resource.name if resource else "",
        region_path=_region_path(request),
        purpose_field=purpose.name if purpose else "",
        purposes=_names(purpose),
        basis_field=basis.name if basis else "",
        count_field=_count_field(method.output_type) if counted else "",
    )


def _action(method: MethodDescriptor) -> int:
    if method.full_name in _ACTION_OF_METHOD:
        return _ACTION_OF_METHOD[method.full_name]
    words = _WORD.findall(method.name)
    verb = words[1] if words[0] == "Batch" else words[0]
    if verb not in _ACTION_OF_VERB:
        raise UnknownVerbError(f"{method.full_name}: say in {__name__} what {verb} means")
    return _ACTION_OF_VERB[verb]


def _field(message: Descriptor, names: Iterable[str]) -> FieldDescriptor | None:
    """Return the first of the fields that the message has and that holds one value."""
    for name in names:
        field = message.fields_by_name.get(name)
        if field is not None and not field.is_repeated and field.message_type is None:
            return field
    return None


def _region_path(message: Descriptor) -> tuple[str, ...]:
    own = _field(message, _REGION_FIELDS)
    if own is not None:
        return (own.name,)
    for field in message.fields:
        inner = field.message_type
        if inner is not None and not field.is_repeated and _field(inner, _REGION_FIELDS):
            found = _field(inner, _REGION_FIELDS)
            return (field.name, found.name) if found else ()
    return ()


def _count_field(message: Descriptor) -> str:
    return next(
        (
            field.name
            for field in message.fields
            if field.is_repeated
            and field.message_type is not None
            and not field.message_type.GetOptions().map_entry
        ),
        "",
    )


def _names(field: FieldDescriptor | None) -> dict[int, str] | None:
    kind = field.enum_type if field else None
    return {value.number: value.name for value in kind.values} if kind else None
