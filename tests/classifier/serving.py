"""The classifier on a loopback port over mutual TLS, with a fake intake beside it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1 import resources_pb2 as resources
from heed.classifier.v1.classifier_service_pb2_grpc import ClassifierServiceStub
from heed.feed.v1.feed_service_pb2_grpc import FeedServiceStub

from heed_classifier.application.ports import MaskedPetition
from heed_classifier.main import open_service
from heed_classifier.settings import ClassifierSettings
from heed_local.authority import Authority
from heed_shared.database import Database
from heed_shared.ids import petition_name
from heed_shared.rpc.client import TlsFiles, open_channel_for
from heed_shared.rpc.server import Service, serve
from heed_shared.settings import load_settings
from tests.classifier.builders import NOON, Feed
from tests.database_templates import MadeDatabase

ROLES = {
    "clerk": "ROLE_INTAKE_CLERK",
    "officer": "ROLE_CASE_OFFICER",
    "handler": "ROLE_UNIT_HANDLER",
    "leader": "ROLE_LEADER",
    "supervisor": "ROLE_SUPERVISOR",
    "analyst": "ROLE_ANALYST",
    "steward": "ROLE_MODEL_STEWARD",
    "portal": "ROLE_PORTAL",
    "operator": "ROLE_OPERATOR",
    "peer": "ROLE_PEER_SYSTEM",
}


@dataclass
class Serving:
    """A classifier that serves, what feeds it, and the persons who call it."""

    service: Service
    authority: Authority
    feed: Feed

    def stub(self, caller: str = "officer", region: str = "") -> ClassifierServiceStub:
        """The service as a person, or a service such as ``service/intake``, calls it."""
        return ClassifierServiceStub(self.channel(caller, region))

    def feeds(self, caller: str) -> FeedServiceStub:
        """The feeds as somebody reads them."""
        return FeedServiceStub(self.channel(caller))

    def channel(self, caller: str, region: str = "") -> grpc.aio.Channel:
        """A channel for a person, or without a token for a service."""
        client = caller.removeprefix("service/") if "/" in caller else "client"
        folder = self.authority.directory
        tls = TlsFiles(folder / f"{client}.pem", folder / f"{client}.key", self.authority.ca)
        token = ""
        if caller in ROLES:
            token = self.authority.token(
                f"staff/{caller}", "王某", "信访局", [ROLES[caller]], region
            )
        return open_channel_for(tls, f"127.0.0.1:{self.service.port}", token)


@asynccontextmanager
async def serving(
    made: MadeDatabase, authority: Authority, **settings_changed: str
) -> AsyncIterator[Serving]:
    """Serve the classifier on a database; nothing answers at its intake target by default."""
    environment = {
        **authority.environment("classifier"),
        "HEED_DATABASE_URL": made["url"],
        "HEED_INTAKE_TARGET": "localhost:1",
        "HEED_CLOCK": "replay",
        "HEED_REPLAY_START": NOON.isoformat(),
        "HEED_POOL_SIZE": "4",
        "HEED_SHUTDOWN_GRACE_S": "1",
        **settings_changed,
    }
    settings = load_settings(ClassifierSettings, environment)
    ready, stop = asyncio.Event(), asyncio.Event()
    database = await Database.open(made["url"], made["schema"], 2)
    async with open_service(settings) as service:
        task = asyncio.create_task(serve(service, ready=ready, stop=stop))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        if task.done():
            task.result()
        try:
            yield Serving(service, authority, Feed(database))
        finally:
            stop.set()
            await task
            await database.close()


WAGES = ("工地拖欠工资，请求帮助讨薪", "包工头失联，三个月工资没发")
NOBODY = "petitions/110105-00000000-0000-7000-8000-000000000000"


def name(item: MaskedPetition) -> str:
    """Resource name of a petition."""
    return petition_name(item.key.region, item.key.uid)


async def get(
    served: Serving, item: MaskedPetition, caller: str = "officer", region: str = ""
) -> resources.Classification:
    """How a petition was sorted."""
    request = pb.GetClassificationRequest(name=f"{name(item)}/classification")
    return (await served.stub(caller, region).GetClassification(request)).classification


def correction(
    classification: resources.Classification, **changes: Any
) -> pb.CorrectClassificationRequest:
    """A correction by somebody who saw this classification."""
    given: dict[str, Any] = {
        "request_id": str(uuid.uuid4()),
        "matter": f"{classification.petition}/matters/1",
        "etag": classification.etag,
        "reason": "看过原文",
    } | changes
    return pb.CorrectClassificationRequest(**given)
