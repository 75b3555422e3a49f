"""Hostile calls about the life of warnings: silences, watching, escalation, precision, batches."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message
from heed.warning.v1 import warning_service_pb2 as pb

from tests.contracts.hostile import Call, always
from tests.warning.conftest import COUNTY, START, Post
from tests.warning.rpc_setup import new_id, silence

METHODS = pb.DESCRIPTOR.services_by_name["WarningService"].methods_by_name


def life_calls(post: Post) -> list[Call]:
    """Calls of each method, none of which touches the warning that others work on."""
    analyst = post.channel("analyst")
    elsewhere: dict[str, Any] = {"region_prefix": "330000", "category_code": "02"}

    async def silenced() -> Message:
        return pb.SilenceWarningsRequest(request_id=new_id(), silence=silence(**elsewhere))

    async def ended() -> Message:
        request = pb.SilenceWarningsRequest(request_id=new_id(), silence=silence(**elsewhere))
        made = (await post.stub().SilenceWarnings(request)).silence
        return pb.EndSilenceRequest(request_id=new_id(), name=made.name, etag=made.etag)

    asking: dict[str, Message] = {
        "ListSilences": pb.ListSilencesRequest(region_prefix=COUNTY, page_size=1),
        "WatchWarnings": pb.WatchWarningsRequest(region_prefix=COUNTY, category_code="01"),
        "GetEscalationStatus": pb.GetEscalationStatusRequest(),
        "GetWarningPrecision": pb.GetWarningPrecisionRequest(
            region_prefix=COUNTY,
            category_code="01",
            from_day="2025-01-01",
            to_day=START.isoformat(),
        ),
        "BatchForecast": pb.BatchForecastRequest(
            region_prefix=COUNTY, category_code="01", as_of=START.isoformat(), page_size=1
        ),
    }
    return [
        Call(METHODS["SilenceWarnings"], analyst, silenced),
        Call(METHODS["EndSilence"], analyst, ended),
        *(Call(METHODS[name], analyst, always(request)) for name, request in asking.items()),
    ]
