"""Every RPC of every contract says who may call it, and every message and field is documented."""

import importlib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from heed.common.v1 import access_pb2

MODULES = [
    "heed.audit.v1.audit_service_pb2",
    "heed.intake.v1.intake_service_pb2",
    "heed.intake.v1.sealed_service_pb2",
    "heed.classifier.v1.classifier_service_pb2",
    "heed.warning.v1.warning_service_pb2",
    "heed.disposal.v1.disposal_service_pb2",
    "heed.feed.v1.feed_service_pb2",
    "heed.feed.v1.replay_service_pb2",
]


def services() -> Iterator[ServiceDescriptor]:
    for module in MODULES:
        yield from importlib.import_module(module).DESCRIPTOR.services_by_name.values()


def methods() -> list[MethodDescriptor]:
    return [method for service in services() for method in service.methods]


def test_the_list_of_contracts_is_complete() -> None:
    package = Path(str(files("heed") / "common")).parent
    found = {
        f"heed.{path.parent.parent.name}.v1.{path.stem}"
        for path in package.rglob("*_service_pb2.py")
    }
    assert found == set(MODULES)


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.full_name)
def test_every_rpc_declares_the_roles_that_may_call_it(method: MethodDescriptor) -> None:
    roles = method.GetOptions().Extensions[access_pb2.access].roles
    assert roles, f"{method.full_name} declares no roles and would be refused to everyone"
    assert access_pb2.ROLE_UNSPECIFIED not in roles
    assert len(set(roles)) == len(roles)


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.full_name)
def test_an_rpc_that_writes_can_be_repeated_safely(method: MethodDescriptor) -> None:
    level = method.GetOptions().idempotency_level
    streaming_import = method.full_name.endswith(
        "ImportPetitions"
    )  # each row has its own request_id
    if level == MethodOptions.IDEMPOTENCY_UNKNOWN:
        assert streaming_import, f"{method.full_name} says nothing about repeating it"
    writes_for_people = level == MethodOptions.IDEMPOTENT and method.containing_service.name in {
        "IntakeService",
        "ClassifierService",
        "WarningService",
        "DisposalService",
    }
    exempt = {"BatchRegisterPetitions", "Evaluate"}  # ids per item; repeating a day changes nothing
    if writes_for_people and method.name not in exempt:
        assert "request_id" in method.input_type.fields_by_name, method.full_name


def test_the_text_of_petitions_is_for_the_two_services_that_need_it() -> None:
    [method] = [m for m in methods() if m.name == "BatchGetMaskedTexts"]
    roles = set(method.GetOptions().Extensions[access_pb2.access].roles)
    assert roles == {access_pb2.ROLE_SERVICE_CLASSIFIER, access_pb2.ROLE_SERVICE_DISPOSAL}
