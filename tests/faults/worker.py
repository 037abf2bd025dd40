"""
`tagwire worker` as a process, whose children obey hostile documents (child.py), and which can be made slow.

    python -m tests.faults.worker worker
"""

import asyncio
import os
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer

from services import cli
from services.kafka import client
from services.worker import pool, worker

REBALANCE_TIMEOUT_MS = "TAGWIRE_TEST_REBALANCE_TIMEOUT_MS"
"""How long a rebalance waits for this worker: a minute is long for a test."""
LATE_COMMITS = "TAGWIRE_TEST_LATE_COMMITS"
"""`4x10`: this process's first 4 transactions stay open for 10 s, offsets sent, before they are committed."""


def commit_late(number: int, pause_s: float) -> None:
    """Have the first transactions of this process committed late."""
    commit, left = AIOKafkaProducer.commit_transaction, number

    async def commit_transaction(self: Any) -> None:
        nonlocal left
        if left:
            left -= 1
            await asyncio.sleep(pause_s)
        await commit(self)

    AIOKafkaProducer.commit_transaction = commit_transaction


if __name__ == "__main__":
    worker.Pool = partial(pool.Pool, child_module="tests.faults.child")  # type: ignore[attr-defined, assignment]
    if given := os.environ.get(REBALANCE_TIMEOUT_MS):
        client.REBALANCE_TIMEOUT_MS = int(given)  # type: ignore[misc]
    if given := os.environ.get(LATE_COMMITS):
        commits, seconds = given.split("x")
        commit_late(int(commits), float(seconds))
    cli.main()
