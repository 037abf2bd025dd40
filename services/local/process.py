"""`tagwire process`: documents in, classified documents out, in order, without Kafka and on every core."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from services.feed.sources import Refusal, Sourced
from services.worker.children import pool_limits
from services.worker.flow import JOURNEY
from services.worker.pool import Pool
from services.worker.settings import WorkerSettings
from services.worker.transform import Outcome, Plan

BATCH: Final = 64
"""Documents that are read at once."""
BATCHES_AHEAD: Final = 2
"""Batches under way for each child, so that none waits and memory stays bounded."""

_PLAN: Final = Plan(JOURNEY[:-1], group="")


async def process(
    items: Iterable[Sourced | Refusal], settings: WorkerSettings, *, jobs: int
) -> AsyncGenerator[bytes | Refusal]:
    """
    Yield one result for each item, in order: a classified document as JSON, or why there is none.

    `jobs` is the number of child processes, each under the limits of a worker's; one batch needs only one. Raises
    `services.worker.pool.PoolError` when they do not start.
    """
    batches = _batches(items)
    first = list(islice(batches, 2))
    limits = pool_limits(settings, children=jobs if len(first) > 1 else 1)
    async with Pool(_PLAN, limits) as pool:
        under_way: deque[tuple[list[Sourced | Refusal], asyncio.Task[list[Outcome]]]] = deque()
        for batch in chain(first, batches):
            records = [item.record for item in batch if isinstance(item, Sourced)]
            under_way.append((batch, asyncio.create_task(pool.process(records))))
            if len(under_way) > jobs * BATCHES_AHEAD:
                for result in _results(*await _oldest(under_way)):
                    yield result
        while under_way:
            for result in _results(*await _oldest(under_way)):
                yield result


async def _oldest(
    under_way: deque[tuple[list[Sourced | Refusal], asyncio.Task[list[Outcome]]]],
) -> tuple[list[Sourced | Refusal], list[Outcome]]:
    batch, task = under_way.popleft()
    return batch, await task


def _results(batch: Sequence[Sourced | Refusal], outcomes: Sequence[Outcome]) -> Iterator[bytes | Refusal]:
    waiting = iter(outcomes)
    for item in batch:
        yield item if isinstance(item, Refusal) else _result(item, next(waiting))


def _result(item: Sourced, outcome: Outcome) -> bytes | Refusal:
    if outcome.reason is not None:
        return item.refusal(outcome.document_id, outcome.reason, outcome.message)
    value = outcome.outputs[-1].value
    assert value is not None
    return value


def _batches(items: Iterable[Sourced | Refusal]) -> Iterator[list[Sourced | Refusal]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
