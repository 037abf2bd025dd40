"""A record that died -> what the current code makes of it, in child processes with the worker's limits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from schemas.topics import Topic
from services.kafka.records import Record
from services.worker.children import pool_limits
from services.worker.flow import JOURNEY, Stage
from services.worker.pool import Pool
from services.worker.settings import WorkerSettings
from services.worker.transform import Outcome, Plan

Trial = Callable[[Topic, Sequence[Record]], Awaitable[list[Outcome]]]
"""Records that stood in this topic -> one outcome each, in order. Nothing is written anywhere."""

STAGES: Final[dict[Topic, tuple[Stage, ...]]] = {stage.reads: JOURNEY[index:] for index, stage in enumerate(JOURNEY)}
"""Topic -> what comes after it: a document passes when it comes out at the end."""


@asynccontextmanager
async def current_code(settings: WorkerSettings, topics: Collection[Topic], *, at_most: int) -> AsyncIterator[Trial]:
    """
    Give the trial for these topics, of `at_most` so many records.

    In child processes, as in the worker: a letter that died of `crashed`, `timeout` or `memory` would take the command
    with it. Raises `services.worker.pool.PoolError` when children do not start, also later out of the trial.
    """
    limits = pool_limits(settings, children=max(1, min(settings.children, at_most)))
    async with AsyncExitStack() as stack:
        pools = {topic: await stack.enter_async_context(Pool(Plan(STAGES[topic], ""), limits)) for topic in topics}

        async def attempt(topic: Topic, records: Sequence[Record]) -> list[Outcome]:
            working = asyncio.ensure_future(pools[topic].process(records))
            broken = asyncio.ensure_future(pools[topic].broken())
            try:
                await asyncio.wait({working, broken}, return_when=asyncio.FIRST_COMPLETED)
                if not working.done():
                    broken.result()
                return working.result()
            finally:
                working.cancel()
                broken.cancel()
                await asyncio.gather(working, broken, return_exceptions=True)

        yield attempt
