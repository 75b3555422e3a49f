"""Every RPC of the suite is open to the roles in its contract, and to no other."""

import pytest
from google.longrunning import operations_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from heed.classifier.v1 import classifier_service_pb2
from heed.common.v1.access_pb2 import Role, access
from heed.disposal.v1 import disposal_service_pb2
from heed.feed.v1 import feed_service_pb2, replay_service_pb2
from heed.intake.v1 import intake_service_pb2
from heed.warning.v1 import warning_service_pb2

from heed_shared.errors import RoleRequired
from heed_shared.identity import Caller, service_caller
from heed_shared.rpc.access import AccessRules

OURS: list[ServiceDescriptor] = [
    *intake_service_pb2.DESCRIPTOR.services_by_name.values(),
    *classifier_service_pb2.DESCRIPTOR.services_by_name.values(),
    *warning_service_pb2.DESCRIPTOR.services_by_name.values(),
    *disposal_service_pb2.DESCRIPTOR.services_by_name.values(),
    *feed_service_pb2.DESCRIPTOR.services_by_name.values(),
    *replay_service_pb2.DESCRIPTOR.services_by_name.values(),
]
FOREIGN: list[ServiceDescriptor] = [
    operations_pb2.DESCRIPTOR.services_by_name["Operations"],
    health_pb2.DESCRIPTOR.services_by_name["Health"],
    reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"],
]
METHODS = [method for service in OURS for method in service.methods]
RULES = AccessRules([*OURS, *FOREIGN])


def holding(*roles: int) -> Caller:
    return Caller("staff/1", "", "", frozenset(roles), "")


def path(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_the_rule_of_a_method_is_the_one_in_its_contract(method: MethodDescriptor) -> None:
    roles = frozenset(method.GetOptions().Extensions[access].roles)
    rule = RULES.rule(path(method))
    assert (rule.roles, rule.public) == (roles, False)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_each_role_that_is_not_declared_is_refused(method: MethodDescriptor) -> None:
    rule = RULES.rule(path(method))
    for role in Role.values():
        if role in rule.roles:
            rule.require(holding(role))
        else:
            with pytest.raises(RoleRequired):
                rule.require(holding(role))


def test_one_of_several_roles_is_enough() -> None:
    rule = RULES.rule("/heed.feed.v1.FeedService/ListParkedEvents")
    rule.require(holding(Role.ROLE_ANALYST, Role.ROLE_OPERATOR))
    with pytest.raises(RoleRequired) as raised:
        rule.require(holding())
    assert raised.value.metadata["roles"] == "ROLE_OPERATOR"


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.ROLE_OPERATOR, True),
        (Role.ROLE_MODEL_STEWARD, True),
        (Role.ROLE_ANALYST, True),
        (Role.ROLE_CASE_OFFICER, False),
    ],
)
def test_long_running_operations_are_for_those_who_work_with_models(
    role: int, allowed: bool
) -> None:
    for method in ("GetOperation", "ListOperations", "WaitOperation"):
        rule = RULES.rule(f"/google.longrunning.Operations/{method}")
        assert (role in rule.roles) == allowed


@pytest.mark.parametrize("method", ["CancelOperation", "DeleteOperation"])
def test_only_those_who_start_an_operation_may_end_or_forget_it(method: str) -> None:
    rule = RULES.rule(f"/google.longrunning.Operations/{method}")
    assert rule.roles == {Role.ROLE_MODEL_STEWARD, Role.ROLE_OPERATOR}


def test_only_health_is_public() -> None:
    public = {
        service.full_name
        for service in [*OURS, *FOREIGN]
        for method in service.methods
        if RULES.rule(path(method)).public
    }
    assert public == {"grpc.health.v1.Health"}


def test_no_service_confirms_a_warning_level() -> None:
    rule = RULES.rule("/heed.warning.v1.WarningService/ConfirmWarningLevel")
    for service in ("intake", "classifier", "warning", "disposal"):
        with pytest.raises(RoleRequired):
            rule.require(service_caller(service))
