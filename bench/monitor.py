"""
What the monitor takes for a cluster with many groups: `python -m bench.monitor`.

A broker of its own gets the groups, each with a commit in every partition of one topic, and a third of them behind.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiokafka.admin import NewTopic
from aiokafka.protocol.commit import OffsetCommitRequest

from services.kafka.admin import admin
from services.kafka.cluster import Cluster
from services.kafka.embedded.broker import EmbeddedSettings, embedded_kafka
from services.kafka.publisher import Publisher
from services.kafka.records import Output
from services.kafka.settings import KafkaSettings
from services.monitor.metrics import SnapshotMetrics
from services.monitor.settings import MonitorSettings
from services.monitor.watch import Watch

TOPIC: Final = "many"
RECORDS_PER_PARTITION: Final = 20


@dataclass
class Figures:
    groups: int
    rows: int
    """Partitions of groups."""
    looks_s: list[float] = field(default_factory=list)
    """From the first request to the snapshot, one after the other."""
    looks_cpu_s: list[float] = field(default_factory=list)
    scrape_s: float = 0.0
    scrape_bytes: int = 0
    memory_mb: int = 0
    """The largest that the process has been."""


async def measure(groups: int, partitions: int, *, looks: int = 5) -> Figures:
    """Start a broker, make the groups, look at them a few times and scrape once."""
    with tempfile.TemporaryDirectory(prefix="tagwire-many-") as folder:
        async with embedded_kafka(EmbeddedSettings(data_folder=Path(folder), port=0), lambda _: None) as broker:
            kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
            await make_groups(kafka, groups, partitions)
            return await look(kafka, looks)


async def look(kafka: KafkaSettings, looks: int) -> Figures:
    async with Watch(kafka, MonitorSettings(), {}) as watch:
        took, cpu = [], []
        for _ in range(looks):
            began, began_cpu = time.perf_counter(), time.process_time()
            snapshot = await watch.look()
            took.append(time.perf_counter() - began)
            cpu.append(time.process_time() - began_cpu)
        began = time.perf_counter()
        scraped = SnapshotMetrics(watch, "many").text()
        return Figures(
            len(snapshot.groups),
            sum(len(group.partitions) for group in snapshot.groups.values()),
            took,
            cpu,
            time.perf_counter() - began,
            len(scraped),
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        )


async def make_groups(kafka: KafkaSettings, groups: int, partitions: int) -> None:
    """Commit in the name of each group, as a reader does that is no member; a third stands before the end."""
    async with admin(kafka) as connection:
        await connection.create_topics([NewTopic(TOPIC, partitions, 1)])
        async with Publisher(kafka, client_id="many") as publisher:
            for number in range(RECORDS_PER_PARTITION * partitions):
                await publisher.send(Output(TOPIC, b"%d" % number, b"x" * 100))
        async with Cluster(kafka) as cluster:
            ends = {partition.number: each.end or 0 for partition, each in (await cluster.look()).ends.items()}
        coordinator = await connection.find_coordinator("group-0")
        for number in range(groups):
            offsets = [(partition, end // 2 if number % 3 == 0 else end, "") for partition, end in ends.items()]
            request = OffsetCommitRequest(f"group-{number}", -1, "", -1, [(TOPIC, offsets)])
            answer = await connection._send_request(request, coordinator)  # noqa: SLF001
            assert not any(code for _, each in answer.topics for _, code in each), answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=1000)
    parser.add_argument("--partitions", type=int, default=50)
    given = parser.parse_args()
    figures = asyncio.run(measure(given.groups, given.partitions))
    looks = ", ".join(
        f"{took:.2f} s ({cpu:.2f} of CPU)" for took, cpu in zip(figures.looks_s, figures.looks_cpu_s, strict=True)
    )
    sys.stdout.write(
        f"{figures.groups} groups, {figures.rows} partitions of groups\n"
        f"looks: {looks}\n"
        f"scrape: {figures.scrape_s:.2f} s, {figures.scrape_bytes / 2**20:.1f} MiB, no request to Kafka\n"
        f"memory: {figures.memory_mb} MB at most\n"
    )


if __name__ == "__main__":
    main()
