"""How long the first page of ListDeadlines and ListCases takes among a million open cases.

Protocol: a Postgres of its own with the shipped settings, filled as `many_cases` says; disposal
serves on it over mutual TLS with a token, as deployed. Each list is asked for `--calls` times, 50
entries a page, on a cluster that is warm; what is told is the whole call as the client sees it.
The floor beside it is GetCase, one case by its name, so that a run on a busy machine says something
too. That no plan reads or sorts a table is a test of its own (tests/disposal/test_lists.py). Goal:
the first page of deadlines under 100 ms at the 99th percentile.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources

from heed_local.authority import make_authority
from heed_local.postgres import EmbeddedPostgres
from tests.benchmarks.disposal.many_cases import BIG_UNIT, fill, require_room
from tests.benchmarks.report import print_table, write_json
from tests.database_templates import DatabaseTemplates, MadeDatabase
from tests.disposal.serving import Serving, serving

CASES: Final = 1_000_000
CALLS: Final = 60
GOAL_MS: Final = 100.0
FLOOR: Final = "one case by its name"
OVERDUE_SHARE: Final = 0.00002
"""Twenty of a million: too few for a page, so that a list of them cannot stop early."""

Deadline = resources.Deadline
DEADLINES: Final[dict[str, dict[str, Any]]] = {
    "all": {},
    "one county": {"region_prefix": "110101"},
    "one prefecture": {"region_prefix": "4401"},
    "a province of half the cases": {"region_prefix": "44"},
    "a province of few": {"region_prefix": "54"},
    "the unit of a tenth": {"unit": BIG_UNIT},
    "a small unit": {"unit": "单位7"},
    "a unit in a county": {"unit": BIG_UNIT, "region_prefix": "110101"},
    "overdue": {"band": Deadline.BAND_OVERDUE},
    "band critical and beyond": {"band": Deadline.BAND_CRITICAL},
    "band normal and beyond": {"band": Deadline.BAND_NORMAL},
    "overdue in a province": {"band": Deadline.BAND_OVERDUE, "region_prefix": "54"},
    "due by a day": {"due_by": "2026-09-20"},
    "500 of all": {"page_size": 500},
}
CASE_LISTS: Final[dict[str, dict[str, Any]]] = {
    "all": {},
    "one county": {"region_prefix": "110101"},
    "a province of half the cases": {"region_prefix": "44"},
    "one category": {"category_code": "05"},
    "a rare state": {"states": [resources.Case.STATE_OBJECTED]},
    "a state that none has": {"states": [resources.Case.STATE_ARCHIVED]},
    "category and rare state": {
        "category_code": "05",
        "states": [resources.Case.STATE_OBJECTED],
    },
    "rare state in a province": {
        "region_prefix": "44",
        "states": [resources.Case.STATE_OBJECTED],
    },
    "the unit of a tenth": {"unit": BIG_UNIT},
    "a small unit": {"unit": "单位7"},
    "warnings, of which there are none": {"track": resources.Case.TRACK_WARNING},
    "500 of all": {"page_size": 500},
}


async def measure(disposal: Serving, calls: int) -> dict[str, list[float]]:
    """Return the sorted milliseconds of the first page of every list, and of a page further on."""
    stub = disposal.stub()
    name = (await stub.ListCases(pb.ListCasesRequest(page_size=1))).cases[0].name
    taken = {FLOOR: await _timed(stub.GetCase, pb.GetCaseRequest(name=name), calls)}
    for name, told in DEADLINES.items():
        request = pb.ListDeadlinesRequest(**told)
        taken[f"deadlines: {name}"] = await _timed(stub.ListDeadlines, request, calls)
    first = await stub.ListDeadlines(pb.ListDeadlinesRequest(region_prefix="44"))
    second = pb.ListDeadlinesRequest(region_prefix="44", page_token=first.next_page_token)
    taken["deadlines: second page of a province"] = await _timed(stub.ListDeadlines, second, calls)
    for name, told in CASE_LISTS.items():
        taken[f"cases: {name}"] = await _timed(stub.ListCases, pb.ListCasesRequest(**told), calls)
    return taken


async def _timed(method: Callable[[Any], Awaitable[Any]], request: Any, calls: int) -> list[float]:
    for _ in range(3):
        await method(request)
    taken = []
    for _ in range(calls):
        begun = time.perf_counter()
        await method(request)
        taken.append(1000 * (time.perf_counter() - begun))
    return sorted(taken)


def _at(taken: Sequence[float], share: float) -> float:
    return taken[min(int(share * len(taken)), len(taken) - 1)]


def _in_goal(name: str) -> bool:
    """Say whether the goal is of this list: first pages of deadlines, of the usual size."""
    return name.startswith("deadlines") and "500" not in name


async def run(made: MadeDatabase, folder: Path, cases: int, calls: int) -> bool:
    """Fill, measure and print; returns whether every first page of deadlines met the goal."""
    async with serving(make_authority(folder / "authority"), made) as disposal:
        await disposal.opened()
        begun = time.perf_counter()
        await fill(made["admin_url"], made["schema"], cases, OVERDUE_SHARE)
        print(f"filled in {time.perf_counter() - begun:.0f} s")  # noqa: T201
        taken = await measure(disposal, calls)
    floor = _at(taken[FLOOR], 0.5)
    rows = [(name, _at(ms, 0.5), _at(ms, 0.99), _at(ms, 0.5) / floor) for name, ms in taken.items()]
    columns = ("ms", "p50", "p99", "p50 to the floor")
    print_table(f"first pages among {cases:,} open cases", columns, rows)
    write_json(
        "deadlines",
        {"cases": cases, "calls": calls, "ms": {name: told for name, *told in rows}},
    )
    return all(p99 < GOAL_MS for name, _, p99, _ in rows if _in_goal(name))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure in a Postgres of its own, which is removed afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--calls", type=int, default=CALLS)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="heed-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        require_room(folder, options.cases)
        with EmbeddedPostgres(folder / "postgres", fsync=False) as cluster:
            made = DatabaseTemplates(cluster, folder / "passwords.json").copy("disposal")
            met = asyncio.run(run(made, folder, options.cases, options.calls))
    print("the goal of 100 ms is met" if met else "the goal of 100 ms is missed")  # noqa: T201
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
