"""How fast texts are sorted: `python -m tests.benchmarks.classifier.speed`.

Protocol: a starter of 6,000 generated texts (seed 11); 2,000 other generated texts (seed 12, mixed
0.3) are sorted, each with everything a clerk sees: bands, grades, route, target, evidence. One
thread. The service runs in a process of its own with Postgres, mutual TLS and a token, as deployed.
Where it says CPU, seconds are those that the thread or the server process worked, so that whatever
else runs on the machine does not count; milliseconds are those that a caller waits.
Floors: the same network's forward pass alone on features that lie ready, and a gRPC server in a
process of its own that answers with as many bytes at hand. Ratios are ours to the floor.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import torch
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1.classifier_service_pb2_grpc import ClassifierServiceStub

from heed_classifier.adapters.build_sorting import build_sorting, nature_rules
from heed_classifier.adapters.data_files import content_book
from heed_classifier.adapters.model_table import store_model
from heed_classifier.adapters.workers import BoundedWorkers
from heed_classifier.application.sorting import Sorting, ToSort
from heed_classifier.domain.nature import Method
from heed_classifier.domain.text import PetitionText
from heed_classifier.learning.corpus import CorpusWriter
from heed_classifier.learning.features import weigh_all
from heed_classifier.learning.sorter import TorchSorter
from heed_classifier.learning.stored_model import LoadedModel, from_bytes, to_bytes
from heed_classifier.learning.train import Recipe, train_starter
from heed_local.authority import Authority, make_authority
from heed_local.postgres import EmbeddedPostgres
from heed_shared.database import Database
from heed_shared.reference.regions import Regions
from tests.benchmarks.report import print_table, write_json
from tests.database_templates import DatabaseTemplates, MadeDatabase

COUNT, BATCH, AT_ONCE = 2000, 200, 16


@dataclass(frozen=True)
class Server:
    """A server in a process of its own."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """Seconds of CPU that it has used, all threads together (proc(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure everything and print it."""
    torch.set_num_threads(1)
    book = content_book()
    weights = to_bytes(train_starter(book, Recipe(samples=6000, held_out=500, seed=11)))
    model = from_bytes(weights)
    sorter = TorchSorter("bench", model, book, nature_rules())
    sorting = build_sorting(Regions.load(), BoundedWorkers(), sorter)
    texts = [sample.text for sample in CorpusWriter(book, 12, 0.3).write(COUNT)]
    inside = in_process(sorting, model, texts)
    outside = over_the_wire(weights, texts)
    measured = inside | outside
    print_table(
        f"Speed of sorting, {np.mean([len(text) for text in texts]):.0f} characters a text",
        ("what", "ours", "floor", "ours / floor"),
        [(name, ours, floor, ours / floor) for name, (ours, floor) in measured.items()],
    )
    write_json("classifier-speed", {name: list(pair) for name, pair in measured.items()})


def in_process(
    sorting: Sorting, model: LoadedModel, texts: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Single texts and batches, and the network alone on the same shapes."""
    items = [ToSort(PetitionText(text, ""), "110105") for text in texts]
    weighed = [weigh_all(model.vocabulary, [text]).tensors() for text in texts]
    together = [
        weigh_all(model.vocabulary, texts[start : start + BATCH]).tensors()
        for start in range(0, len(texts), BATCH)
    ]
    if {answer.method for answer in sorting.sort_now(items[:50])} != {Method.MODEL}:
        raise RuntimeError("the model does not answer")
    starts = range(0, len(items), BATCH)
    singles = timed([partial(sorting.sort_now, [item]) for item in items])
    batches = timed([partial(sorting.sort_now, items[n : n + BATCH]) for n in starts])
    with torch.inference_mode():
        bare = timed([partial(model.network, *one) for one in weighed])
        bare_batches = timed([partial(model.network, *some) for some in together])
    return {
        "one text in process, p50 ms CPU": (median(singles), median(bare)),
        "one text in process, p99 ms CPU": (high(singles), high(bare)),
        f"batches of {BATCH} in process, texts per CPU second": (
            len(texts) / sum(batches),
            len(texts) / sum(bare_batches),
        ),
    }


def timed(calls: Sequence[Callable[[], object]]) -> list[float]:
    """Seconds of CPU of each call, after some to warm up."""
    for call in calls[:20]:
        call()
    spent = []
    for call in calls:
        started = time.thread_time()
        call()
        spent.append(time.thread_time() - started)
    return spent


def median(seconds: Sequence[float]) -> float:
    """Milliseconds in the middle."""
    return float(np.median(seconds)) * 1000


def high(seconds: Sequence[float]) -> float:
    """Milliseconds that 99 of 100 stay under."""
    return float(np.quantile(seconds, 0.99)) * 1000


def over_the_wire(weights: bytes, texts: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Single calls, calls at once and a stream, to the service and to a bare server."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="heed-bench-")))
        folder.chmod(0o711)
        authority = make_authority(folder / "authority")
        cluster = stack.enter_context(EmbeddedPostgres(folder / "postgres", fsync=False))
        made = DatabaseTemplates(cluster, folder / "passwords.json").copy("classifier")
        asyncio.run(stock(made, weights))
        service = stack.enter_context(serving(authority, made))
        answers, size = asyncio.run(measured(authority, service, texts))
        arguments = ("tests.benchmarks.classifier.echo_server", str(authority.directory), str(size))
        echo = stack.enter_context(process(arguments, {}))
        floors, _ = asyncio.run(measured(authority, echo, texts))
    return {name: (answers[name], floors[name]) for name in answers}


async def stock(made: MadeDatabase, weights: bytes) -> None:
    """Put the model into the schema."""
    database = await Database.open(made["url"], made["schema"], 2)
    await store_model(database, "bench", weights, {}, {}, datetime.now(UTC))
    await database.close()


def serving(authority: Authority, made: MadeDatabase) -> Any:
    """The service in a process of its own."""
    settings = authority.environment("classifier") | {
        "HEED_DATABASE_URL": made["url"],
        "HEED_INTAKE_TARGET": "localhost:1",
    }
    return process(("heed_classifier.main", "serve"), settings)


@contextmanager
def process(arguments: Sequence[str], settings: dict[str, str]) -> Iterator[Server]:
    """A server in a process of its own that prints its port as JSON."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | settings
    with subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            assert server.stdout is not None
            yield Server(int(json.loads(server.stdout.readline())["port"]), server.pid)
        finally:
            server.terminate()


async def measured(
    authority: Authority, server: Server, texts: Sequence[str]
) -> tuple[dict[str, float], int]:
    """Figures of one server, and how many bytes its answers have."""
    folder = authority.directory
    credentials = grpc.ssl_channel_credentials(
        authority.ca.read_bytes(),
        (folder / "client.key").read_bytes(),
        (folder / "client.pem").read_bytes(),
    )
    token = authority.token("staff/peer", "系统", "市", ["ROLE_PEER_SYSTEM"], "")
    metadata = (("authorization", f"Bearer {token}"),)
    requests = [pb.ClassifyRequest(request=text, region_code="110105") for text in texts]
    async with grpc.aio.secure_channel(f"127.0.0.1:{server.port}", credentials) as channel:
        stub: Any = ClassifierServiceStub(channel)
        raw: Any = channel.unary_unary(
            "/heed.classifier.v1.ClassifierService/Classify",
            request_serializer=pb.ClassifyRequest.SerializeToString,
        )

        async def one(request: pb.ClassifyRequest) -> float:
            started = time.perf_counter()
            await raw(request, metadata=metadata)
            return time.perf_counter() - started

        size = len(await raw(requests[0], metadata=metadata))
        alone = [await one(request) for request in requests[:600]]
        before = server.cpu_s()
        spent = await at_once(one, requests)
        between = server.cpu_s()
        await streamed(stub, metadata, requests)
        after = server.cpu_s()
    return {
        "one call after the other over gRPC, p50 ms": median(alone),
        "one call after the other over gRPC, p99 ms": high(alone),
        f"{AT_ONCE} calls at once over gRPC, p99 ms": high(spent),
        f"{AT_ONCE} calls at once over gRPC, per CPU second": len(requests) / (between - before),
        "a stream over gRPC, texts per CPU second": len(requests) / (after - between),
    }, size


async def at_once(
    one: Callable[[pb.ClassifyRequest], Awaitable[float]], requests: Sequence[pb.ClassifyRequest]
) -> list[float]:
    """Seconds of each call with several under way."""
    waiting, spent = iter(requests), []

    async def caller() -> None:
        for request in waiting:
            spent.append(await one(request))  # noqa: PERF401 - the callers share both

    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return spent


async def streamed(stub: Any, metadata: Any, requests: Sequence[pb.ClassifyRequest]) -> None:
    """Send all texts through one stream and read all answers."""

    async def sent() -> AsyncIterator[pb.ClassifyStreamRequest]:
        for number, request in enumerate(requests):
            yield pb.ClassifyStreamRequest(sequence=number, text=request)

    count = 0
    async for _ in stub.ClassifyStream(sent(), metadata=metadata):
        count += 1
    if count != len(requests):
        raise RuntimeError(f"{count} answers to {len(requests)} texts")


if __name__ == "__main__":
    main()
