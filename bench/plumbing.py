"""CPU time per document of everything but the steps, on a backlog: exactly once, zstd, 4 partitions."""

import argparse
import asyncio
import os
import pstats
import random
import resource
import signal
import sys
import tempfile
import time
from asyncio.subprocess import create_subprocess_exec
from pathlib import Path

from rich.console import Console
from rich.table import Table

from schemas.topics import EMBEDDED_PARTITIONS, RAW, all_topics
from services.core.lag import lag
from services.core.taxonomy import shipped_routes
from services.kafka.admin import create_topics
from services.kafka.embedded.broker import EmbeddedSettings, embedded_kafka
from services.kafka.offsets import group_offsets
from services.kafka.publisher import Publisher
from services.kafka.records import Output
from services.kafka.settings import KafkaSettings

WORDS = Path(__file__).with_name("words.txt")


def text(size_bytes: int, chance: random.Random) -> bytes:
    """Return a salad of words: it compresses about as prose does."""
    words = WORDS.read_text().split()
    salad = " ".join(chance.choices(words, k=size_bytes // 5))
    return salad.encode()[:size_bytes]


async def fill(kafka: KafkaSettings, documents: int, size_bytes: int) -> None:
    await create_topics(kafka, all_topics(shipped_routes()), partitions=EMBEDDED_PARTITIONS)
    chance = random.Random(7)
    bodies = [text(size_bytes, chance) for _ in range(500)]
    async with Publisher(kafka, client_id="bench") as publisher:
        for number in range(documents):
            await publisher.send(Output(RAW.name, b"%d" % number, bodies[number % len(bodies)]))


async def drain(kafka: KafkaSettings, child_module: str, profile: str = "-") -> tuple[float, float]:
    """Run a worker until nothing is left; return its CPU seconds, children included, and the wall seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    worker = await create_subprocess_exec(
        *(sys.executable, "-m", "bench.worker_process", child_module, profile),
        env={**os.environ, "TAGWIRE_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers},
    )
    group = kafka.group("tagwire-clean-route")
    while True:
        offsets = await group_offsets(kafka, [group])
        if len(offsets) == EMBEDDED_PARTITIONS and all(lag(o.end, o.committed) == 0 for o in offsets):
            break
        await asyncio.sleep(0.2)
    wall_s = time.perf_counter() - began
    worker.send_signal(signal.SIGTERM)
    await worker.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall_s


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=40_000)
    parser.add_argument("--bytes", type=int, default=5_000)
    parser.add_argument("--profile", action="store_true", help="show where the parent's time goes")
    options = parser.parse_args()
    table = Table("documents", "bytes", "CPU µs a document", "documents/s")
    with tempfile.TemporaryDirectory() as folder:
        # The start costs CPU time, too, so the same is measured on few documents and taken off.
        results = []
        for documents in (1_000, options.documents):
            data = Path(folder) / str(documents)
            async with embedded_kafka(EmbeddedSettings(data_folder=data, port=0)) as broker:
                kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
                await fill(kafka, documents, options.bytes)
                results.append(await drain(kafka, "bench.passing_child"))
        (cpu_0, wall_0), (cpu_s, wall_s) = results
        done = options.documents - 1_000
        table.add_row(
            str(done), str(options.bytes), f"{(cpu_s - cpu_0) / done * 1e6:.0f}", f"{done / (wall_s - wall_0):.0f}"
        )
        Console().print(table)
        if options.profile:
            async with embedded_kafka(EmbeddedSettings(data_folder=Path(folder) / "profile", port=0)) as broker:
                kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
                await fill(kafka, options.documents, options.bytes)
                profile = str(Path(folder) / "profile.stats")
                await drain(kafka, "bench.passing_child", profile)
                pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    asyncio.run(main())
