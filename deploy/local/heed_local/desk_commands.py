"""What clerks and duty officers ask from the command line; each command is one or a few RPCs."""

from __future__ import annotations

import argparse
import shlex
from typing import Any, Final

import grpc
from heed.classifier.v1 import classifier_service_pb2, classifier_service_pb2_grpc
from heed.feed.v1 import feed_service_pb2, feed_service_pb2_grpc
from heed.warning.v1 import warning_service_pb2, warning_service_pb2_grpc

from heed_local import audit_commands, case_commands, petition_commands, sealed_commands
from heed_local.answers import Answer, Command, all_pages, moment, place, plain, plain_list
from heed_local.demo.words import LEVELS, WARNING_STATES
from heed_local.desk import Desk

_PAGE: Final = 500


async def warnings(desk: Desk, _arguments: argparse.Namespace) -> Answer:
    """List warnings."""
    stub = warning_service_pb2_grpc.WarningServiceStub(desk.channel("warning", "analyst"))
    request = warning_service_pb2.ListWarningsRequest(page_size=_PAGE)
    found = await all_pages(stub.ListWarnings, request, "warnings")
    rows = [
        (
            item.fired_on,
            LEVELS.get(item.effective_level, ""),
            item.region_title,
            item.category_title,
            WARNING_STATES.get(item.state, ""),
            item.latest_evaluation.reason,
        )
        for item in found
    ]
    columns = ("触发日", "级别", "地区", "类别", "状态", "依据")
    return Answer(columns, rows, plain_list(found))


async def incidents(desk: Desk, _arguments: argparse.Namespace) -> Answer:
    """List incidents: groups of petitions on one matter."""
    channel = desk.channel("classifier", "officer")
    stub = classifier_service_pb2_grpc.ClassifierServiceStub(channel)
    request = classifier_service_pb2.ListIncidentsRequest(page_size=_PAGE)
    found = await all_pages(stub.ListIncidents, request, "incidents")
    rows = [
        (
            item.title,
            place(item.region_code),
            str(item.matter_count),
            moment(item, "first_seen_at"),
            moment(item, "last_seen_at"),
            "、".join(item.keywords),
        )
        for item in found
    ]
    columns = ("事件", "地区", "件数", "首次", "最近", "关键词")
    return Answer(columns, rows, plain_list(found))


async def status(desk: Desk, _arguments: argparse.Namespace) -> Answer:
    """Show every feed: what it holds and how far each consumer is."""
    rows: list[tuple[str, ...]] = []
    data: dict[str, Any] = {}
    for service in desk.targets:
        stub = feed_service_pb2_grpc.FeedServiceStub(desk.channel(service, "operator"))
        try:
            response = await stub.GetFeedStatus(feed_service_pb2.GetFeedStatusRequest(), timeout=5)
        except grpc.aio.AioRpcError as error:
            rows.append((service, f"不可用 {error.code().name}", "", "", ""))
            data[service] = {"unavailable": error.code().name}
            continue
        data[service] = plain(response)
        for feed in response.feeds:
            pending = "、".join(f"{to.consumer} {to.pending_count}" for to in feed.consumers)
            rows.append((service, f"发布 {feed.feed}", str(feed.event_count), pending, ""))
        for taken in response.consumptions:
            parked = str(taken.parked_count)
            rows.append((service, f"消费 {taken.feed}", str(taken.applied_count), "", parked))
    return Answer(("服务", "订阅源", "事件", "待处理", "搁置"), rows, data)


COMMANDS: Final[dict[str, Command]] = {
    **petition_commands.COMMANDS,
    "warnings": warnings,
    "incidents": incidents,
    "status": status,
    **case_commands.COMMANDS,
    **sealed_commands.COMMANDS,
    **audit_commands.COMMANDS,
}


def exports(desk: Desk) -> list[str]:
    """Shell lines that let other clients, such as grpcurl, call the running suite."""
    authority = desk.authority
    settings = {
        "HEED_TLS_CA": str(authority.ca),
        "HEED_TLS_CERT": str(authority.client_certificate),
        "HEED_TLS_KEY": str(authority.client_key),
    }
    settings |= {f"HEED_{name.upper()}_TARGET": target for name, target in desk.targets.items()}
    settings |= {
        f"HEED_TOKEN_{name.upper()}": authority.demo_token(name) for name in authority.identities()
    }
    return [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
