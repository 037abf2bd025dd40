"""
tagwire's own worker: exactly once, a transaction for what 50 ms bring, children on all cores.

`whole_job` is the worker as it is. Any other function replaces the steps in its children, and what is left is plumbing.
"""

import asyncio
import cProfile
import os
import signal
import time
from typing import Final

import uvloop

from bench.peers.job import Job, job, wait_for_start
from services.kafka.lanes import Lanes
from services.kafka.settings import KafkaSettings
from services.telemetry.logs import configure_logs
from services.worker import pool
from services.worker.flow import JOURNEY
from services.worker.settings import WorkerSettings
from services.worker.worker import work

PROFILE: Final = "BENCH_PROFILE"
"""Environment variable: a file for the profile of the parent process."""
FUNCTION: Final = "BENCH_FUNCTION"
"""Environment variable: what the children do."""
CHILDREN: Final = "TAGWIRE_WORKER_CHILDREN"
"""Environment variable of the worker's own."""
TAG_TOPICS: Final = "BENCH_TAG_TOPICS"
"""Environment variable: among how many topics a copy of each document is routed; 0 is none."""


def main() -> None:
    told = job()
    configure_logs("warning")
    if told.function != "whole_job":
        os.environ[FUNCTION] = told.function
        pool.CHILD_MODULE = "bench.peers.tagwire_child"  # type: ignore[attr-defined]
    _join_when_told()
    profiler = cProfile.Profile(time.thread_time)
    if file := os.environ.get(PROFILE):
        profiler.enable()
    uvloop.run(_run(told))
    if file:
        profiler.dump_stats(file)


def _join_when_told() -> None:
    """Have the worker say that it is ready when its children are, and join its group when the clock runs."""
    join = Lanes.__aenter__

    async def wait_and_join(lanes: Lanes) -> Lanes:
        await asyncio.to_thread(wait_for_start)
        return await join(lanes)

    Lanes.__aenter__ = wait_and_join  # type: ignore[method-assign, assignment]


async def _run(told: Job) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    kafka = KafkaSettings(
        bootstrap_servers=told.bootstrap,
        topic_prefix=told.source.removesuffix(JOURNEY[0].reads.name),
        group_prefix=f"{told.group}.",
    )
    await work(kafka, WorkerSettings(), JOURNEY, stop=stop)


if __name__ == "__main__":
    main()
