# ruff: noqa: N802 - methods are named as in the contract
"""The RPCs about repeat links: link, take back, look at the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1 import resources_pb2
from heed.common.v1.actor_pb2 import Actor

from heed_classifier.application.repeats import link_name, matter_name
from heed_classifier.domain.incidents import MatterKey
from heed_classifier.domain.repeats import LinkAct, LinkKey, RepeatLink
from heed_shared.identity import current_caller
from heed_shared.ids import etag_of, parse_resource_name
from heed_shared.paging import filter_digest, page_size
from heed_shared.request_records import payload_digest

if TYPE_CHECKING:
    from heed_classifier.api.servicer import Classifier

Context = grpc.aio.ServicerContext[Any, Any]
_METHOD = "ListRepeatLinks"


class RepeatRpcs:
    """LinkRepeat, UnlinkRepeat and ListRepeatLinks."""

    _classifier: Classifier

    async def LinkRepeat(
        self, request: pb.LinkRepeatRequest, _context: Context
    ) -> pb.LinkRepeatResponse:
        """Record that a matter repeats an earlier one."""
        link = await self._classifier.repeats.link(
            matter_of(request.matter, "matter"),
            matter_of(request.earlier_matter, "earlier_matter"),
            request.reason,
            current_caller(),
            request.request_id,
            payload_digest(request),
        )
        return pb.LinkRepeatResponse(link=_message(link))

    async def UnlinkRepeat(
        self, request: pb.UnlinkRepeatRequest, _context: Context
    ) -> pb.UnlinkRepeatResponse:
        """Take a link back."""
        link = await self._classifier.repeats.unlink(
            LinkKey(*parse_resource_name(request.name, "repeatLinks")),
            request.etag,
            request.reason,
            current_caller(),
            request.request_id,
            payload_digest(request),
        )
        return pb.UnlinkRepeatResponse(link=_message(link))

    async def ListRepeatLinks(
        self, request: pb.ListRepeatLinksRequest, _context: Context
    ) -> pb.ListRepeatLinksResponse:
        """Return a page of the links of a matter, latest first."""
        size, digest = page_size(request.page_size), filter_digest(request)
        tokens = self._classifier.page_tokens
        after = tokens.decode(_METHOD, digest, request.page_token) if request.page_token else ()
        links = await self._classifier.repeats.history(
            matter_of(request.matter, "matter"), current_caller(), after, size + 1
        )
        token = ""
        if len(links) > size:
            last = links[size - 1]
            position = [last.linked.at.isoformat(), last.key.region, str(last.key.uid)]
            token = tokens.encode(_METHOD, digest, position)
        return pb.ListRepeatLinksResponse(
            links=[_message(link) for link in links[:size]], next_page_token=token
        )


def matter_of(name: str, field: str) -> MatterKey:
    """The key in a matter's resource name.

    Raises:
        InvalidField: ``field`` does not hold such a name.
    """
    petition, _, k = name.rpartition("/matters/")
    region, uid = parse_resource_name(petition, "petitions", field)
    return MatterKey(region, uid, int(k))


def _message(link: RepeatLink) -> resources_pb2.RepeatLink:
    message = resources_pb2.RepeatLink(
        name=link_name(link.key),
        matter=matter_name(link.matter),
        earlier_matter=matter_name(link.earlier),
        state=resources_pb2.RepeatLink.STATE_LINKED,
        linked_by=_actor(link.linked),
        link_reason=link.linked.reason,
        etag=etag_of(link.version),
    )
    message.linked_at.FromDatetime(link.linked.at)
    if link.unlinked is not None:
        message.state = resources_pb2.RepeatLink.STATE_UNLINKED
        message.unlinked_by.CopyFrom(_actor(link.unlinked))
        message.unlink_reason = link.unlinked.reason
        message.unlinked_at.FromDatetime(link.unlinked.at)
    return message


def _actor(act: LinkAct) -> Actor:
    return Actor(identity=act.identity, display_name=act.display_name, unit=act.unit)
