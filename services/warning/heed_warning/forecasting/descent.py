"""Trains the networks of the neural family on all series at once.

The number of steps is fixed beforehand, with a learning rate that rises and falls: no validation
data is spent on when to stop. One seed gives one result on one machine, unless the time budget or
several processes cut in. Several processes share the work through torch.distributed: each draws its
own sequences, and their gradients are averaged at every step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import distributed

from heed_warning.forecasting.batches import (
    Lesson,
    common_variance,
    draw_loss,
    lesson_of,
)
from heed_warning.forecasting.family import Prepared, prepare
from heed_warning.forecasting.lstm import Lstm, Vocabulary
from heed_warning.forecasting.network import Network
from heed_warning.forecasting.series import WEEK

NETWORKS = 3
STEPS = 400
BATCH = 64
LEARNING_RATE = 5e-4
WEIGHT_DECAY = 0.1
WARM_UP = 0.1
MOST_SERIES = 4000
"""Series that are trained on; of more, the largest half and others drawn by chance."""
SHORTEST_WEEKS, SHORTEST_DAILY_WEEKS = 48, 10
"""History that training needs, beside the horizon, where steps are weeks and where they are days.
"""


@dataclass(frozen=True)
class Budget:
    """How much training there may be."""

    seed: int = 1
    networks: int = NETWORKS
    steps: int = STEPS
    deadline: float = float("inf")
    """By time.monotonic()."""


def able_to_train(prepared: Prepared, as_of: int, horizon: int) -> bool:
    """Say whether there is enough history for the neural family."""
    table = prepared.table
    weeks = SHORTEST_WEEKS if table.step_days == WEEK else SHORTEST_DAILY_WEEKS
    needed = weeks * table.week_steps + horizon
    return bool((table.history_steps(as_of)[table.finest] > needed).any())


def train_networks(
    prepared: Prepared,
    as_of: int,
    horizon: int,
    budget: Budget,
    report: Callable[[float], None] = lambda _: None,
) -> Lstm:
    """Return networks that have seen the steps up to `as_of`; `report` receives the share done."""
    known = until(prepared, as_of)
    table = known.table
    vocabulary = Vocabulary(table.regions, table.categories)
    lesson = lesson_of(known, horizon, vocabulary.numbers(table))
    if lesson.weight.sum() <= 0:
        raise ValueError("no series is long enough to train on")
    device = _device()
    networks = []
    for number in range(budget.networks):

        def part_done(done: float, number: int = number) -> None:
            report((number + done) / budget.networks)

        networks.append(_descend(lesson.to(device), vocabulary, budget, number, part_done))
    return Lstm(tuple(networks), vocabulary, tuple(common_variance(known, horizon).tolist()))


def until(prepared: Prepared, as_of: int) -> Prepared:
    """Return the same as it was at a step, so that training cannot see what came later.

    Shape and levels are derived anew from what is left; of very many series some are left out.
    """
    table = prepared.table
    kept = np.arange(len(table.counts))
    if len(kept) > MOST_SERIES:
        order = np.argsort(-table.counts[:, : as_of + 1].sum(axis=1), kind="stable")
        rest = np.random.default_rng(len(kept)).permutation(order[MOST_SERIES // 2 :])
        kept = np.sort(np.concatenate([order[: MOST_SERIES // 2], rest[: MOST_SERIES // 2]]))
    ahead = len(prepared.kinds) - table.steps
    cut = replace(
        table,
        counts=table.counts[kept, : as_of + 1],
        observed=table.observed[kept, : as_of + 1],
        category=table.category[kept],
        region=table.region[kept],
        finest=table.finest[kept],
    )
    return prepare(cut, prepared.kinds[: as_of + 1 + ahead])


def _descend(
    lesson: Lesson,
    vocabulary: Vocabulary,
    budget: Budget,
    number: int,
    report: Callable[[float], None],
) -> Network:
    seed = budget.seed * 1000 + number
    torch.manual_seed(seed)
    network = Network(len(vocabulary.regions), len(vocabulary.categories))
    network.to(lesson.steps.device).train()
    rank, processes = _rank()
    generator = torch.Generator().manual_seed(seed * 100 + rank)
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, LEARNING_RATE, total_steps=budget.steps, pct_start=WARM_UP
    )
    for step in range(budget.steps):
        if _over(budget.deadline, processes):
            break
        loss = draw_loss(network, lesson, BATCH, generator)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if processes > 1:
            _average(network, processes)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 20 == 0:
            report(step / budget.steps)
    return network.cpu().eval()


def _device() -> torch.device:
    """Return a GPU where there is one, each process its own as far as there are enough."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", _rank()[0] % torch.cuda.device_count())


def _rank() -> tuple[int, int]:
    """Return number of this process and number of processes that train together."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def _over(deadline: float, processes: int) -> bool:
    """Say whether the time is over for any process: all of them have to stop at the same step."""
    over = time.monotonic() > deadline
    if processes == 1:
        return over
    flag = torch.tensor(float(over))
    distributed.all_reduce(flag)
    return bool(flag > 0)


def _average(network: Network, processes: int) -> None:
    gradients: Sequence[torch.Tensor] = [
        part.grad for part in network.parameters() if part.grad is not None
    ]
    flat = torch.cat([part.reshape(-1) for part in gradients])
    distributed.all_reduce(flat)
    flat /= processes
    place = 0
    for part in gradients:
        part.copy_(flat[place : place + part.numel()].view_as(part))
        place += part.numel()
