"""The floor of a gRPC service: the same two methods over mutual TLS, answered with bytes at hand.

`python -m tests.benchmarks.classifier.echo_server FOLDER ANSWER_BYTES` prints its port.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import uvloop

SERVICE = "heed.classifier.v1.ClassifierService"


async def serve(folder: Path, answer: bytes) -> None:
    """Serve until the process is ended."""

    async def one(_request: bytes, _context: Any) -> bytes:
        return answer

    async def many(requests: AsyncIterator[bytes], _context: Any) -> AsyncIterator[bytes]:
        async for _ in requests:
            yield answer

    handlers: dict[str, Any] = {
        "Classify": grpc.unary_unary_rpc_method_handler(one),
        "ClassifyStream": grpc.stream_stream_rpc_method_handler(many),
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    key, chain = (folder / "classifier.key").read_bytes(), (folder / "classifier.pem").read_bytes()
    credentials = grpc.ssl_server_credentials(
        [(key, chain)], (folder / "ca.pem").read_bytes(), require_client_auth=True
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    sys.stdout.write(f'{{"port": {port}}}\n')
    sys.stdout.flush()
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Path(sys.argv[1]), b"\0" * int(sys.argv[2])))
