"""How fast entries are chained and a chain is checked, and in how much memory.

`python -m tests.benchmarks.shared.audit_chain`
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Final

from heed.audit.v1.audit_service_pb2 import AUDIT_ACTION_VIEW
from heed.common.v1.access_pb2 import ROLE_CASE_OFFICER

from heed_local.postgres import EmbeddedPostgres
from heed_shared.audit import Pending
from heed_shared.audit.sealing import Sealer, Tail
from heed_shared.audit.verifying import verify
from heed_shared.database import Database
from heed_shared.identity import Caller
from tests.benchmarks.report import print_table, write_json
from tests.database_templates import DatabaseTemplates

SIZES: Final = (20_000, 200_000)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="heed-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with EmbeddedPostgres(folder / "postgres") as cluster:
            made = DatabaseTemplates(cluster, folder / "passwords.json").copy("disposal")
            asyncio.run(_measure(made["url"], made["schema"]))


async def _measure(url: str, schema: str) -> None:
    database = await Database.open(url, schema)
    caller = Caller("staff/1", "林晓", "市信访局", frozenset({ROLE_CASE_OFFICER}), "1101")
    method, resource = "heed.disposal.v1.DisposalService/GetCase", "cases/110101-0190a1b2"
    look = Pending(caller=caller, action=AUDIT_ACTION_VIEW, method=method, resource=resource)
    rows, written, tail = [], 0, Tail()
    lease = await database.dedicated()
    for size in SIZES:
        while written < size:
            async with database.transaction() as tx:
                await tx.record([look.for_one(resource, "110101") for _ in range(1000)])
                await tx.commit()
            written += 1000
        before, began_at = tail.position, time.perf_counter()
        while tail.position < size:
            tail = await Sealer(database).seal(lease, tail)
        sealed_s = time.perf_counter() - began_at
        began_at = time.perf_counter()
        verdict = await verify(database)
        checked_s = time.perf_counter() - began_at
        assert verdict.fault is None
        assert verdict.checked == size
        tracemalloc.start()
        await verify(database, max(1, size - 20_000))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        rows.append((size, (size - before) / sealed_s, size / checked_s, peak / 2**20))
    await lease.close()
    await database.close()
    columns = ("entries", "chained a second", "checked a second", "memory of a check, MiB")
    print_table("Chain of the audit", columns, rows)
    write_json("shared-audit-chain", {"columns": columns, "rows": rows})


if __name__ == "__main__":
    main()
