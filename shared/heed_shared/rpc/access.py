"""Which roles may call which method, read once from the contracts. What has no rule is refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from heed.common.v1.access_pb2 import Role, access

from heed_shared.errors import RoleRequired
from heed_shared.identity import Caller

_OPERATIONS = "google.longrunning.Operations"
_REFLECTION = "grpc.reflection.v1alpha.ServerReflection"
_HEALTH = "grpc.health.v1.Health"

# Those who may start long-running work may end it; an analyst watches.
_STARTING_ROLES = frozenset({Role.ROLE_MODEL_STEWARD, Role.ROLE_OPERATOR})

# Contracts that are not ours carry no option of ours, so their rules stand here.
_FOREIGN_ROLES: Mapping[str, frozenset[int]] = {
    _OPERATIONS: frozenset({Role.ROLE_MODEL_STEWARD, Role.ROLE_OPERATOR, Role.ROLE_ANALYST}),
    f"{_OPERATIONS}.CancelOperation": _STARTING_ROLES,
    f"{_OPERATIONS}.DeleteOperation": _STARTING_ROLES,
    _REFLECTION: frozenset({Role.ROLE_OPERATOR}),
}


@dataclass(frozen=True)
class MethodRule:
    """Who may call one method; ``public`` needs no identity beyond the client certificate."""

    method: str
    roles: frozenset[int]
    public: bool = False

    def require(self, caller: Caller) -> None:
        """Check the caller's roles.

        Raises:
            RoleRequired: it has none of those that the method is open to.
        """
        if self.roles.isdisjoint(caller.roles):
            raise RoleRequired(
                [Role.Name(_role(number)) for number in sorted(self.roles)], self.method
            )


class AccessRules:
    """The rules of all methods of a server, by their path such as ``/heed.x.v1.XService/GetX``."""

    def __init__(
        self, services: Iterable[ServiceDescriptor], *, open_reflection: bool = False
    ) -> None:
        self._rules = {
            path: MethodRule(path, _roles(method), public=service.full_name == _HEALTH)
            for service in services
            for method in service.methods
            for path in [f"/{service.full_name}/{method.name}"]
        }
        if open_reflection:
            self._rules = {path: _opened(rule) for path, rule in self._rules.items()}

    def rule(self, method: str) -> MethodRule:
        """Return the rule of a method; of an unknown one, a rule that refuses everybody."""
        return self._rules.get(method) or MethodRule(method, frozenset())


def _roles(method: MethodDescriptor) -> frozenset[int]:
    for name in (method.full_name, method.containing_service.full_name):
        if name in _FOREIGN_ROLES:
            return _FOREIGN_ROLES[name]
    return frozenset(method.GetOptions().Extensions[access].roles)


def _opened(rule: MethodRule) -> MethodRule:
    if rule.method.startswith(f"/{_REFLECTION}/"):
        return MethodRule(rule.method, rule.roles, public=True)
    return rule


def _role(number: int) -> "Role.ValueType":
    return Role.ValueType(number)
