"""The words of the domain and of the contract are the same, number by number."""

from enum import IntEnum
from typing import Any

import pytest
from heed.common.v1 import access_pb2, matter_pb2, observation_pb2
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import events_pb2 as events
from heed.disposal.v1 import resources_pb2 as resources

from heed_disposal.domain import procedure_terms, terms
from heed_disposal.domain.counts import CountKind
from heed_disposal.domain.documents import DocumentKind
from heed_disposal.domain.transitions import ROLES, Action

PAIRS: list[tuple[type[IntEnum], Any, str]] = [
    (terms.Nature, matter_pb2.Nature, "NATURE_"),
    (terms.Urgency, matter_pb2.Urgency, "URGENCY_"),
    (terms.Importance, matter_pb2.Importance, "IMPORTANCE_"),
    (terms.Level, matter_pb2.WarningLevel, "WARNING_LEVEL_"),
    (terms.Grade, resources.Assessment.Grade, "GRADE_"),
    (terms.Track, resources.Case.Track, "TRACK_"),
    (terms.State, resources.Case.State, "STATE_"),
    (procedure_terms.RouteKind, pb.RouteKind, "ROUTE_KIND_"),
    (terms.DeadlineState, resources.Deadline.State, "STATE_"),
    (terms.Band, resources.Deadline.Band, "BAND_"),
    (terms.MeasureKind, resources.Measure.Kind, "KIND_"),
    (terms.Effect, resources.Measure.Effect, "EFFECT_"),
    (DocumentKind, resources.Document.Kind, "KIND_"),
    (terms.MeasureStatus, resources.Measure.Status, "STATUS_"),
    (terms.FollowUpResult, resources.FollowUp.Result, "RESULT_"),
    (terms.Outcome, resources.Opinion.Outcome, "OUTCOME_"),
    (procedure_terms.LegalRoute, matter_pb2.LegalRoute, "LEGAL_ROUTE_"),
    (procedure_terms.ObjectionState, resources.Objection.State, "STATE_"),
    (procedure_terms.NoticeKind, resources.Notice.Kind, "KIND_"),
    (procedure_terms.ServiceMethod, resources.Service.Method, "METHOD_"),
    (procedure_terms.ReviewResult, resources.Review.Result, "RESULT_"),
    (procedure_terms.SupervisionKind, resources.Supervision.Kind, "KIND_"),
    (procedure_terms.ReportStage, resources.MajorReport.Stage, "STAGE_"),
    (procedure_terms.ReopenGround, pb.ReopenGround, "REOPEN_GROUND_"),
    (terms.Finding, events.WarningVerdict.Finding, "FINDING_"),
]


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"), PAIRS, ids=[ours.__name__ for ours, _, _ in PAIRS]
)
def test_an_enum_has_the_names_and_numbers_of_the_contract(
    ours: type[IntEnum], theirs: Any, prefix: str
) -> None:
    contract = {name.removeprefix(prefix): number for name, number in theirs.items()}
    own = {member.name: member.value for member in ours}
    contract.pop("UNSPECIFIED", None)
    own.pop("UNSPECIFIED", None)
    assert own == contract


def test_steps_counts_and_people_have_the_numbers_of_the_contract() -> None:
    steps = {s.name: s.value for s in terms.StepKind if s is not terms.StepKind.NONE}
    kinds = {n.removeprefix("KIND_"): v for n, v in events.ProgressEvent.Kind.items()}
    kinds.pop("UNSPECIFIED")
    assert steps == kinds
    assert int(CountKind.DUE) == observation_pb2.MEASURE_DUE
    assert int(CountKind.OVERDUE) == observation_pb2.MEASURE_OVERDUE
    assert {p.value for p in terms.People} == set(matter_pb2.PeopleBucket.values())


# Verbs that lead to different states by what the request says.
OTHERWISE_NAMED = {
    Action.OBJECT: "ObjectToRoute",
    Action.AGREE_TO_OBJECTION: "DecideObjection",
    Action.REFUSE_OBJECTION: "DecideObjection",
    Action.NOT_ACCEPT: "NotifyPetitioner",
    Action.NO_LONGER_ACCEPT: "NotifyPetitioner",
    Action.DIVERT: "NotifyPetitioner",
    Action.SERVE: "ServeOpinion",
    Action.REVOKE_BY_REVIEW: "IssueReview",
    Action.REVOKE_BY_RECHECK: "IssueRecheck",
}


@pytest.mark.parametrize("action", [a for a in Action if a is not Action.WITHDRAW])
def test_the_roles_of_a_verb_are_those_of_its_rpc(action: Action) -> None:
    words = "".join(word.capitalize() for word in action.value.split("_"))
    methods = pb.DESCRIPTOR.services_by_name["DisposalService"].methods_by_name
    rpc = methods.get(OTHERWISE_NAMED.get(action, words)) or methods[f"{words}Case"]
    rule = rpc.GetOptions().Extensions[access_pb2.access]
    assert {int(role) for role in ROLES[action]} == set(rule.roles)
