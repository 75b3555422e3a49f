"""A process that serves a slow method until SIGTERM; started by the tests of stopping.

Arguments: the authority's directory, and seconds that ListEvents takes.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from heed.feed.v1 import feed_service_pb2 as pb
from heed.feed.v1.feed_service_pb2_grpc import add_FeedServiceServicer_to_server

from heed_local.authority import make_authority
from heed_shared.clock import SystemClock
from heed_shared.logs import setup_logs
from heed_shared.rpc.server import Service, serve
from tests.shared.rpc_setup import FEED_SERVICE, ScriptedFeed, settings_for


class Worker:
    """Background work that says on stdout when it has ended."""

    async def run(self, stop: asyncio.Event) -> None:
        await stop.wait()
        sys.stdout.write("worker ended\n")


async def main(directory: str, seconds: float) -> None:
    feed = ScriptedFeed()

    async def slow(_request: Any, _context: Any) -> pb.ListEventsResponse:
        sys.stdout.write("call started\n")
        sys.stdout.flush()
        await asyncio.sleep(seconds)
        sys.stdout.write("call ended\n")
        return pb.ListEventsResponse()

    feed.list_events = slow
    setup_logs("intake")
    await serve(
        Service(
            name="intake",
            settings=settings_for(make_authority(Path(directory))),
            clock=SystemClock(),
            servicers=[(add_FeedServiceServicer_to_server, feed, FEED_SERVICE)],
            background=[Worker()],
        )
    )
    sys.stdout.write("served\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
