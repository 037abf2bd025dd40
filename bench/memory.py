"""Resident memory of a worker and its children over many documents, all different, through all steps."""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
from asyncio.subprocess import create_subprocess_exec
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.plumbing import WORDS
from schemas.topics import EMBEDDED_PARTITIONS, RAW, all_topics
from services.core.lag import lag
from services.core.taxonomy import shipped_routes
from services.kafka.admin import create_topics
from services.kafka.embedded.broker import EmbeddedSettings, embedded_kafka
from services.kafka.offsets import group_offsets
from services.kafka.publisher import Publisher
from services.kafka.records import Output
from services.kafka.settings import KafkaSettings

PLACES = ("Libya", "Kenya", "Peru", "Norway", "Hanoi", "Toronto", "Mali", "Osaka", "Marseille", "Texas")


def bodies(documents: int, size_bytes: int) -> Iterator[bytes]:
    chance = random.Random(11)
    words = WORDS.read_text().split()
    for number in range(documents):
        sentences = [" ".join(chance.choices(words, k=18)) for _ in range(size_bytes // 110)]
        paragraphs = [f"{chance.choice(PLACES)} {sentence}." for sentence in sentences]
        page = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
        yield (
            f"<html><body><h1>Page {number}</h1>{page}</body></html>".encode()
            if number % 20 == 0
            else "\n\n".join(paragraphs).encode()
        )


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--bytes", type=int, default=2_000)
    options = parser.parse_args()
    table = Table("documents", "parent MB", "children MB", "all MB", "children")
    with tempfile.TemporaryDirectory() as folder:
        async with embedded_kafka(EmbeddedSettings(data_folder=Path(folder) / "kafka", port=0)) as broker:
            kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
            await create_topics(kafka, all_topics(shipped_routes()), partitions=EMBEDDED_PARTITIONS)
            async with Publisher(kafka, client_id="bench") as publisher:
                for number, body in enumerate(bodies(options.documents, options.bytes)):
                    await publisher.send(Output(RAW.name, b"%d" % number, body))
            worker = await create_subprocess_exec(
                *(sys.executable, "-m", "bench.worker_process", "services.worker.child", "-"),
                env={**os.environ, "TAGWIRE_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers},
            )
            step = shown = options.documents // 10
            while True:
                offsets = await group_offsets(kafka, [kafka.group("tagwire-clean-route")])
                done = sum(offset.committed or 0 for offset in offsets)
                is_drained = len(offsets) == EMBEDDED_PARTITIONS and all(lag(o.end, o.committed) == 0 for o in offsets)
                if done >= shown or is_drained:
                    shown = (done // step + 1) * step
                    parent, own = resident_mb(worker.pid), [resident_mb(child) for child in children(worker.pid)]
                    table.add_row(
                        str(done), f"{parent:.0f}", f"{sum(own):.0f}", f"{parent + sum(own):.0f}", str(len(own))
                    )
                if is_drained:
                    break
                await asyncio.sleep(0.5)
            worker.send_signal(signal.SIGTERM)
            await worker.wait()
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main())
