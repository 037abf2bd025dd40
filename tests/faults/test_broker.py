"""The broker dies, a cluster loses a leader, a disk is full: the workers wait, and each document comes out once."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from services.kafka.embedded.broker import EmbeddedKafka, EmbeddedSettings
from tests.faults.conftest import of
from tests.faults.harness import Count, feeding, installation

pytestmark = [pytest.mark.timeout(900), pytest.mark.broker]

Note = Callable[[str, Count], None]


async def test_a_broker_killed_and_started_again(tmp_path: Path, prefix: str, note: Note, run: int) -> None:
    broker = EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path / "broker", port=0))
    await broker.start()
    try:
        async with installation(broker.bootstrap_servers, prefix, tmp_path, children=of(short=1, long=2)) as running:
            workers = [await running.worker() for _ in range(of(short=1, long=2))]
            async with feeding(running, documents_s=of(short=300, long=400)):
                for _ in range(of(short=1, long=3)):
                    await running.until_written(300)
                    await kill(broker)
                    await broker.start()
                await running.until_written(300)
            await running.until(running.drained)

            count = await running.count()

            note("5 the broker killed and started again under load", count)
            assert count.harm() == {}
            assert count.letters == ()
            for worker in workers:
                await worker.leave()
    finally:
        await broker.stop()


async def kill(broker: EmbeddedKafka) -> None:
    """Kill Java, and return when it is gone."""
    assert broker.java_pid is not None
    os.kill(broker.java_pid, signal.SIGKILL)
    assert await broker.died() is not None
