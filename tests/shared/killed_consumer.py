"""A consumer in a process of its own that is killed by SIGKILL between apply and commit.

Arguments: database URL, schema, gRPC target, folder of the certificates, batches to survive.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from heed_shared.database import Database
from heed_shared.feed import FeedConsumer
from heed_shared.rpc.client import TlsFiles, open_channel_for
from tests.shared.feed_setup import FEED, Recorder


async def main(url: str, schema: str, target: str, folder: Path, batches: int) -> None:
    database = await Database.open(url, schema, 3)
    tls = TlsFiles(folder / "classifier.pem", folder / "classifier.key", folder / "ca.pem")
    recorder = Recorder()
    left = batches

    async def after_apply() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    recorder.after_apply = after_apply
    channel = open_channel_for(tls, target)
    consumer = FeedConsumer(FEED, "classifier", channel, database, recorder, batch_size=20)
    await consumer.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]), int(sys.argv[5])))
