"""An attacker on the wire: any method, any token, any bytes; and what the answers gave away."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from heed.audit.v1 import audit_service_pb2
from heed.classifier.v1 import classifier_service_pb2
from heed.common.v1.access_pb2 import Role, access
from heed.disposal.v1 import disposal_service_pb2
from heed.feed.v1 import feed_service_pb2
from heed.intake.v1 import intake_service_pb2, sealed_service_pb2
from heed.warning.v1 import warning_service_pb2

from heed_local.launcher import Suite
from heed_shared.errors import reason_of

_EVERYWHERE = (
    feed_service_pb2.DESCRIPTOR.services_by_name["FeedService"],
    audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"],
)
CONTRACTS: Mapping[str, tuple[ServiceDescriptor, ...]] = {
    "intake": (
        intake_service_pb2.DESCRIPTOR.services_by_name["IntakeService"],
        sealed_service_pb2.DESCRIPTOR.services_by_name["SealedService"],
        *_EVERYWHERE,
    ),
    "classifier": (
        classifier_service_pb2.DESCRIPTOR.services_by_name["ClassifierService"],
        *_EVERYWHERE,
    ),
    "warning": (warning_service_pb2.DESCRIPTOR.services_by_name["WarningService"], *_EVERYWHERE),
    "disposal": (
        disposal_service_pb2.DESCRIPTOR.services_by_name["DisposalService"],
        *_EVERYWHERE,
    ),
}
PERSONS = tuple(name for name, number in Role.items() if number and "_SERVICE_" not in name)
_WAIT_S = 10.0
_OF_THE_CLIENT = "Internal error from Core"
"""What grpc.aio itself says when a stream was refused while it was still being written to."""


@dataclass(frozen=True)
class Target:
    """What the attacker is after."""

    petition: str
    receipt_number: str
    query_code: str
    sealed: str
    case: str
    registration: intake_service_pb2.RegisterPetitionRequest


@dataclass(frozen=True)
class Answer:
    """What came back: the code, the reason, and everything that a client could read in it."""

    code: grpc.StatusCode
    reason: str
    text: str


@dataclass
class Attacker:
    """Calls the suite with whatever credentials a test gives."""

    suite: Suite
    target: Target
    tried: int = 0
    channels: dict[tuple[str, str], grpc.aio.Channel] = field(default_factory=dict)

    def channel(self, service: str, certificate: str = "client") -> grpc.aio.Channel:
        """A bare channel with a client certificate of the suite's authority, and no token."""
        if (service, certificate) not in self.channels:
            folder = self.suite.authority.directory
            credentials = grpc.ssl_channel_credentials(
                (folder / "ca.pem").read_bytes(),
                (folder / f"{certificate}.key").read_bytes(),
                (folder / f"{certificate}.pem").read_bytes(),
            )
            options = [("grpc.max_send_message_length", -1)]
            self.channels[service, certificate] = grpc.aio.secure_channel(
                self.suite.targets[service], credentials, options
            )
        return self.channels[service, certificate]

    def token(self, *roles: str, region: str = "", sub: str = "staff/6666") -> str:
        """A valid token of some person."""
        return self.suite.authority.token(sub, "来访者", "别的单位", list(roles), region)

    def forged(self, **changed: Any) -> str:
        """A token that is not as the suite's authority makes them."""
        key: Any = changed.pop("key", None) or self._key()
        algorithm = changed.pop("algorithm", "EdDSA")
        kid = changed.pop("kid", self.suite.authority.key_id)
        now = int(time.time())
        claims = {
            "iss": "heed",
            "aud": "heed",
            "sub": "staff/6666",
            "name": "来访者",
            "unit": "别的单位",
            "roles": list(PERSONS),
            "region": "",
            "iat": now,
            "exp": now + 600,
        } | changed
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, key, algorithm=algorithm, headers={"kid": kid})

    def _key(self) -> bytes:
        return (Path(self.suite.authority.directory) / "signing.key").read_bytes()

    async def call(
        self,
        service: str,
        method: MethodDescriptor,
        request: Message | bytes = b"",
        token: str = "",
        certificate: str = "client",
    ) -> Answer:
        """Make one call with one request and return what came of it."""
        self.tried += 1
        metadata = [("authorization", f"Bearer {token}")] if token else []
        data = request if isinstance(request, bytes) else request.SerializeToString()
        channel = self.channel(service, certificate)
        path = f"/{method.containing_service.full_name}/{method.name}"
        try:
            text = await _made(channel, path, method, data, metadata)
        except grpc.aio.AioRpcError as error:
            if error.details() == _OF_THE_CLIENT:
                return await self.call(service, method, request, token, certificate)
            trailers = "".join(
                value.decode("utf-8", "replace") if isinstance(value, bytes) else value
                for _, value in error.trailing_metadata() or ()
            )
            return Answer(error.code(), reason_of(error), f"{error.details()}{trailers}")
        return Answer(grpc.StatusCode.OK, "", text)


async def _made(
    channel: grpc.aio.Channel, path: str, method: MethodDescriptor, data: bytes, metadata: Any
) -> str:
    kinds: dict[tuple[bool, bool], Any] = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
        (True, True): channel.stream_stream,
    }
    sent: Any = iter([data]) if method.client_streaming else data
    make = kinds[method.client_streaming, method.server_streaming](path)
    call = make(sent, metadata=metadata, timeout=_WAIT_S)
    if not method.server_streaming:
        return bytes(await call).decode("utf-8", "replace")
    first = await call.read()
    call.cancel()
    return "" if first is grpc.aio.EOF else bytes(first).decode("utf-8", "replace")


def every_method() -> Iterator[tuple[str, MethodDescriptor]]:
    """Each method of each service of the suite."""
    for service, contracts in CONTRACTS.items():
        for contract in contracts:
            for method in contract.methods:
                yield service, method


def allowed(method: MethodDescriptor) -> set[str]:
    """The roles that the contract opens a method to."""
    return {Role.Name(number) for number in method.GetOptions().Extensions[access].roles}


def method_of(service: str, name: str) -> MethodDescriptor:
    """The method of a service by its name."""
    return next(m for s, m in every_method() if s == service and m.name == name)


def stranger() -> Ed25519PrivateKey:
    """A signing key that the suite does not know."""
    return Ed25519PrivateKey.generate()
