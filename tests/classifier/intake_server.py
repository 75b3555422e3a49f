"""An intake that answers with masked texts over mutual TLS, as the real one does, from memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from heed.intake.v1 import intake_service_pb2 as pb

from heed_local.authority import Authority
from tests.classifier.builders import FakeIntake
from tests.classifier.serving import name


@dataclass
class MaskedTexts:
    """BatchGetMaskedTexts over the texts of a fake intake; what is not in it is sealed."""

    intake: FakeIntake = field(default_factory=FakeIntake)
    asked: list[str] = field(default_factory=list)

    async def answer(
        self, request: pb.BatchGetMaskedTextsRequest, _context: Any
    ) -> pb.BatchGetMaskedTextsResponse:
        """Answer each name, in order."""
        self.asked += request.names
        known = {name(item): item for item in self.intake.texts.values()}
        return pb.BatchGetMaskedTextsResponse(
            texts=[
                pb.MaskedText(
                    petition=asked,
                    availability=pb.MaskedText.AVAILABILITY_READABLE,
                    request=known[asked].text.request,
                    facts=known[asked].text.facts,
                    region_code=known[asked].region_code,
                )
                if asked in known
                else pb.MaskedText(petition=asked, availability=pb.MaskedText.AVAILABILITY_SEALED)
                for asked in request.names
            ]
        )


@asynccontextmanager
async def intake_server(authority: Authority, texts: MaskedTexts) -> AsyncIterator[str]:
    """Serve it; yields its target."""
    folder = authority.directory
    credentials = grpc.ssl_server_credentials(
        [((folder / "intake.key").read_bytes(), (folder / "intake.pem").read_bytes())],
        authority.ca.read_bytes(),
        require_client_auth=True,
    )
    method = grpc.unary_unary_rpc_method_handler(
        texts.answer,
        pb.BatchGetMaskedTextsRequest.FromString,
        pb.BatchGetMaskedTextsResponse.SerializeToString,
    )
    service = pb.DESCRIPTOR.services_by_name["IntakeService"].full_name
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"BatchGetMaskedTexts": method}),)
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)
