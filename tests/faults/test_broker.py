"""The broker dies, a cluster loses a leader, a disk is full: the workers wait, and each document comes out once."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.topics import CLASSIFIED, RAW
from services.kafka.embedded.broker import EmbeddedKafka, EmbeddedSettings
from tests.faults.cluster import cluster, kill
from tests.faults.conftest import of
from tests.faults.harness import Count, document, feeding, installation

pytestmark = [pytest.mark.timeout(900), pytest.mark.broker]

Note = Callable[[str, Count], None]

DISK_MB = 10
"""Twenty thousand documents and what comes of them: full in less than a minute."""
MORE_MB = 400
MIB = 2**20


async def test_a_broker_killed_and_started_again(tmp_path: Path, prefix: str, note: Note, run: int) -> None:
    broker = EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path / "broker", port=0))
    await broker.start()
    try:
        async with installation(broker.bootstrap_servers, prefix, tmp_path, children=of(short=1, long=2)) as running:
            workers = [await running.worker() for _ in range(of(short=1, long=2))]
            async with feeding(running, documents_s=of(short=100, long=300)):
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


@pytest.mark.long
async def test_a_cluster_that_loses_a_leader(tmp_path: Path, prefix: str, note: Note, run: int) -> None:
    async with (
        cluster(tmp_path) as brokers,
        installation(brokers.bootstrap_servers, prefix, tmp_path, children=2) as running,
    ):
        workers = [await running.worker() for _ in range(2)]
        async with feeding(running, documents_s=200):
            for topic in (RAW, CLASSIFIED):
                name = running.settings.topic(topic)
                await running.until_written(500)
                leader = await brokers.leader(name, 0)
                await kill(leader)
                await running.until_written(1000)
                await leader.start()
                await running.until(lambda name=name: brokers.are_in_sync(name))  # type: ignore[misc]
        await running.until(running.drained)

        count = await running.count()

        note("7 three brokers, the leader of a partition killed twice under load", count)
        assert count.harm() == {}
        assert count.letters == ()
        for worker in workers:
            await worker.leave()


@pytest.mark.long
async def test_a_full_disk_under_the_broker(tmp_path: Path, prefix: str, note: Note, run: int) -> None:
    """Kafka halts when it cannot write; once there is room it is started again, and the work goes on."""
    with small_disk(tmp_path / "disk") as disk:
        broker = EmbeddedKafka(EmbeddedSettings(data_folder=disk, port=0))
        await broker.start()
        try:
            async with installation(broker.bootstrap_servers, prefix, tmp_path, children=2) as running:
                worker = await running.worker()
                async with feeding(running, documents_s=600):
                    await running.until_written(500)
                    assert await broker.died() is not None
                    assert shutil.disk_usage(disk).free < MIB
                    grow(disk)
                    await broker.start()
                    await running.until_written(500)
                await running.publish([document(number, version=1000) for number in range(100)])
                await running.until(running.drained)

                count = await running.count()

                note("10 the broker's disk full, then room and a restart", count)
                assert count.harm() == {}
                assert count.letters == ()
                await worker.leave()
        finally:
            await broker.stop()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a file system of its own, in memory, for the broker's data."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tagwire-test", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs: run as root (`sudo make faults`), or with CAP_SYS_ADMIN")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def grow(folder: Path) -> None:
    subprocess.run(["mount", "-o", f"remount,size={MORE_MB}m", str(folder)], check=True)
