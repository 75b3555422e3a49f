"""The audit knows what every RPC of every contract means; and takes no free text from requests."""

import pytest
from google.longrunning import operations_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from heed.audit.v1 import audit_service_pb2 as pb
from heed.disposal.v1 import disposal_service_pb2 as disposal
from heed.feed.v1 import feed_service_pb2
from heed.intake.v1 import intake_service_pb2 as intake
from heed.intake.v1 import sealed_service_pb2 as sealed
from heed.intake.v1.resources_pb2 import PetitionSubmission

from heed_shared.audit.actions import Recorded, UnknownVerbError, recorded_methods
from tests.contracts.test_access_rules import methods

LOOKS = {
    pb.AUDIT_ACTION_VIEW,
    pb.AUDIT_ACTION_SEARCH,
    pb.AUDIT_ACTION_REVEAL,
    pb.AUDIT_ACTION_EXPORT,
}


def recorded(path: str) -> Recorded:
    known = recorded_methods(methods())
    [found] = [item for name, item in known.items() if name.endswith(path)]
    return found


def test_every_rpc_has_an_action() -> None:
    operations = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
    known = recorded_methods([*methods(), *operations.methods])
    assert len(known) == len(methods()) + len(operations.methods)
    assert all(item.action in pb.AuditAction.values() for item in known.values())


def test_what_only_reads_is_a_look_and_what_writes_is_none() -> None:
    for method in methods():
        found = recorded(f"/{method.containing_service.full_name}/{method.name}")
        reads = method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
        computes = {"BacktestPolicy"}  # writes nothing but its own operation
        exports = found.action == pb.AUDIT_ACTION_EXPORT
        if not exports and method.name not in computes:
            assert (found.action in LOOKS) == reads, method.full_name


def test_an_rpc_whose_verb_nobody_explained_is_refused_at_the_start() -> None:
    unknown = feed_service_pb2.DESCRIPTOR.services_by_name["FeedService"].methods[0]

    class Renamed:
        name = "FrobnicateCase"
        full_name = "heed.disposal.v1.DisposalService.FrobnicateCase"
        containing_service = unknown.containing_service
        input_type = unknown.input_type
        output_type = unknown.output_type

    with pytest.raises(UnknownVerbError, match="Frobnicate"):
        recorded_methods([Renamed()])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("IntakeService/RegisterPetition", pb.AUDIT_ACTION_REGISTER),
        ("IntakeService/RevealPetitioner", pb.AUDIT_ACTION_REVEAL),
        ("IntakeService/ErasePetitioner", pb.AUDIT_ACTION_ERASE),
        ("IntakeService/SealPetition", pb.AUDIT_ACTION_SEAL),
        ("SealedService/UnsealPetition", pb.AUDIT_ACTION_UNSEAL),
        ("SealedService/GetSealedPetition", pb.AUDIT_ACTION_VIEW),
        ("SealedService/ForwardSealedPetition", pb.AUDIT_ACTION_ROUTE),
        ("DisposalService/RouteCase", pb.AUDIT_ACTION_ROUTE),
        ("DisposalService/IssueOpinion", pb.AUDIT_ACTION_DECIDE),
        ("WarningService/ListWarnings", pb.AUDIT_ACTION_SEARCH),
        ("FeedService/GetFeedSnapshot", pb.AUDIT_ACTION_EXPORT),
        ("FeedService/RetryParkedEvents", pb.AUDIT_ACTION_OPERATE),
        ("ReplayService/AdvanceClock", pb.AUDIT_ACTION_OPERATE),
    ],
)
def test_actions_are_what_a_reader_expects(path: str, action: int) -> None:
    assert recorded(path).action == action


def test_purpose_and_basis_are_taken_where_data_is_shown_and_left_with_decisions() -> None:
    reveal = recorded("IntakeService/RevealPetitioner")
    request = intake.RevealPetitionerRequest(
        purpose=intake.REVEAL_PURPOSE_NOTICE, legal_basis="信访工作条例第二十二条"
    )
    assert reveal.purpose(request) == "REVEAL_PURPOSE_NOTICE"
    assert reveal.legal_basis(request) == "信访工作条例第二十二条"
    look = recorded("SealedService/GetSealedPetition")
    assert look.purpose(sealed.GetSealedPetitionRequest(purpose="核对")) == "核对"
    opinion = recorded("DisposalService/IssueOpinion")
    assert opinion.legal_basis(disposal.IssueOpinionRequest(legal_basis="某法")) == ""


def test_a_resource_is_taken_only_in_the_form_of_a_name() -> None:
    case = recorded("DisposalService/GetCase")
    name = "cases/110101-0190a1b2-0000-7000-8000-000000000001"
    assert case.resource(disposal.GetCaseRequest(name=name), checked=True) == name
    assert case.resource(disposal.GetCaseRequest(name=name), checked=False) == name
    for told in ("张三 13800138000", "cases/张三", "cases/a b", "x" * 3000, "cases/1\0"):
        assert case.resource(disposal.GetCaseRequest(name=told), checked=True) == "", told
    for told in ("13800138000", "petitions/13800138000", "zhangsan"):
        assert case.resource(disposal.GetCaseRequest(name=told), checked=False) == "", told


def test_a_region_is_taken_from_where_the_request_names_it() -> None:
    register = recorded("IntakeService/RegisterPetition")
    request = intake.RegisterPetitionRequest(submission=PetitionSubmission(region_code="110101"))
    assert register.region_code(request) == "110101"
    request.submission.region_code = "张三"
    assert register.region_code(request) == ""


def test_no_field_with_text_of_a_petitioner_can_reach_an_entry() -> None:
    allowed = {"name", "petition", "matter", "resource", "feed", "purpose", "legal_basis"}
    for method in methods():
        found = recorded(f"/{method.containing_service.full_name}/{method.name}")
        taken = {found.resource_field, found.purpose_field, found.basis_field} - {""}
        assert taken <= allowed, method.full_name
        for name in taken:
            field = method.input_type.fields_by_name[name]
            assert field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_ENUM)
