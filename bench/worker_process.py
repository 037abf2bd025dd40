"""A worker in a process of its own that measures itself: `python -m bench.worker_process CHILD_MODULE PROFILE|-`."""

import asyncio
import cProfile
import signal
import sys

import uvloop

from services.kafka.settings import KafkaSettings
from services.telemetry import configure_logs
from services.worker import pool
from services.worker.flow import JOURNEY
from services.worker.settings import WorkerSettings
from services.worker.worker import work


async def run() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await work(KafkaSettings(), WorkerSettings(), JOURNEY, stop=stop)


def main(child_module: str, profile: str) -> None:
    configure_logs("warning")
    pool.CHILD_MODULE = child_module  # type: ignore[attr-defined]
    profiler = cProfile.Profile()
    if profile != "-":
        profiler.enable()
    uvloop.run(run())
    if profile != "-":
        profiler.disable()
        profiler.dump_stats(profile)


if __name__ == "__main__":
    main(*sys.argv[1:])
