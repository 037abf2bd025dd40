"""
What each agent of insights takes for a document, beside what a worker takes for it on the same cores.

Reports, half of them printed several times, go through a worker with one child; then each agent drains its topic
alone, as a process of its own. `.venv/bin/python -m bench.insights_throughput --stories 10000`
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from asyncio.subprocess import Process, create_subprocess_exec
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import orjson

from bench.copies import Report, reports
from bench.measure import cpu_s, machine, resident_mb
from bench.table import Table, figure
from bench.topics import PARTITIONS, broker
from schemas.topics import (
    CLASSIFIED,
    FINGERPRINT_BANDS,
    RAW,
    STORY_LINKS,
    TAG_COUNTS,
    Topic,
    all_topics,
)
from services.core.taxonomy import shipped_routes
from services.insights.service import AGENTS, insights
from services.insights.settings import GROUP, InsightSettings
from services.kafka.admin import create_topics
from services.kafka.cluster import Cluster, Partition
from services.kafka.publisher import Publisher
from services.kafka.records import Output
from services.kafka.settings import KafkaSettings
from services.worker.flow import JOURNEY
from services.worker.worker import group_name

READS: Final = dict(zip(AGENTS, (CLASSIFIED, FINGERPRINT_BANDS, STORY_LINKS, TAG_COUNTS), strict=True))
DAYS: Final = 2
"""Event time that the documents are spread over."""
ASK_S: Final = 0.2
GIVE_UP_S: Final = 1200.0


@dataclass(frozen=True, slots=True)
class Result:
    """What a process took for all documents, from the first one that was done to the last."""

    name: str
    documents: int
    took_s: float
    cpu_s: float
    resident_mb: float

    def row(self) -> tuple[str, ...]:
        return (
            self.name,
            figure(self.documents / self.took_s),
            figure(self.documents / self.cpu_s),
            figure(self.cpu_s / self.documents * 1e6),
            figure(self.resident_mb),
        )


async def measure(stories: int) -> list[Result]:
    found = reports(stories, seed=5)
    async with broker() as kafka:
        await create_topics(kafka, all_topics(shipped_routes()), partitions=PARTITIONS)
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            worker = (sys.executable, "-m", "services.cli", "worker", "--log-level", "error")
            await publish(kafka, found)
            group = kafka.group(group_name(JOURNEY))
            results = [await drain("worker", worker, kafka, group, RAW, len(found), Path(folder))]
            for name in AGENTS:
                alone = (sys.executable, "-m", "bench.insights_throughput", "--agent", name)
                results.append(
                    await drain(name, alone, kafka, kafka.group(GROUP), READS[name], len(found), Path(folder))
                )
                sys.stderr.write(f"insights: {results[-1]}\n")
    return results


async def publish(kafka: KafkaSettings, found: list[Report]) -> None:
    begin = datetime.now(UTC) - timedelta(days=DAYS)
    step = timedelta(days=DAYS) / len(found)
    async with Publisher(kafka, client_id="bench") as publisher:
        for number, report in enumerate(found):
            fields = {
                "id": f"r-{number}",
                "source": f"paper-{number % 20}",
                "media_type": "text/plain",
                "published_at": (begin + number * step).isoformat(timespec="seconds"),
                "body": report.text,
            }
            await publisher.send(Output(RAW.name, fields["id"].encode(), orjson.dumps(fields)))


async def drain(
    name: str, command: tuple[str, ...], kafka: KafkaSettings, group: str, topic: Topic, documents: int, folder: Path
) -> Result:
    """Have a process read a topic to its end, and stop it."""

    async def begun() -> bool:
        committed, _ = await standing(kafka, group, topic)
        return committed > 0

    async def drained() -> bool:
        committed, end = await standing(kafka, group, topic)
        return committed == end

    async with process(command, kafka, folder) as started:
        await until(lambda: is_member(kafka, group), started)
        begun_s, started_cpu_s = time.monotonic(), cpu_s([started.pid])
        await until(begun, started)
        await until(drained, started)
        return Result(
            name,
            documents,
            time.monotonic() - begun_s,
            cpu_s([started.pid]) - started_cpu_s,
            resident_mb(started.pid),
        )


@asynccontextmanager
async def process(command: tuple[str, ...], kafka: KafkaSettings, folder: Path) -> AsyncIterator[Process]:
    given = {
        "TAGWIRE_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "TAGWIRE_WORKER_CHILDREN": "1",
        "TAGWIRE_INSIGHTS_DATA_FOLDER": str(folder / "insights"),
        "TAGWIRE_INSIGHTS_HTTP_PORT": "0",
    }
    started = await create_subprocess_exec(
        *command,
        env={**os.environ, **given},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield started
    finally:
        started.terminate()
        await started.wait()


async def standing(kafka: KafkaSettings, group: str, topic: Topic) -> tuple[int, int]:
    """Return what the group has committed in a topic, and where that ends, added up over its partitions."""
    async with Cluster(kafka, includes=lambda name: name == group) as cluster:
        look = await cluster.look()
    committed = look.groups[group].committed if group in look.groups else {}
    partitions = [Partition(kafka.topic(topic), number) for number in range(topic.partitions_of(PARTITIONS))]
    return sum(committed.get(each, 0) for each in partitions), sum(look.ends[each].end or 0 for each in partitions)


async def is_member(kafka: KafkaSettings, group: str) -> bool:
    async with Cluster(kafka, includes=lambda name: name == group) as cluster:
        look = await cluster.look()
    return group in look.groups and any(member.partitions for member in look.groups[group].members)


async def until(condition: Callable[[], Awaitable[bool]], started: Process) -> None:
    """Wait for a condition. Raises RuntimeError when the process ends, and TimeoutError."""
    async with asyncio.timeout(GIVE_UP_S):
        while not await condition():
            if started.returncode is not None:
                raise RuntimeError(f"the process ended with status {started.returncode}")
            await asyncio.sleep(ASK_S)


def shown(results: list[Result], stories: int) -> str:
    worker, *agents = results
    table = Table(("", "documents/s", "documents/s per core", "µs of CPU a document", "MiB"))
    table.rows.extend(result.row() for result in results)
    cpu_us = sum(agent.cpu_s / agent.documents for agent in agents) * 1e6
    documents = worker.documents
    ratio = (worker.cpu_s / documents * 1e6) / cpu_us
    return "\n".join(
        [
            f"{machine()}; {documents:,} documents of {stories:,} stories.",
            "",
            table.markdown(),
            "",
            f"All agents together: {cpu_us:,.0f} µs of CPU a document, {1e6 / cpu_us:,.0f} documents/s on one core.",
            f"A worker takes {ratio:.1f} times as much: one insights process keeps up with workers on so many cores.",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=3_000)
    parser.add_argument("--agent", choices=AGENTS, help="Run this one alone until it is terminated: for ourselves.")
    told = parser.parse_args()
    if told.agent:
        from services.cli.running import run_until_told  # noqa: PLC0415

        run_until_told(lambda stop: insights(KafkaSettings(), InsightSettings(), stop=stop, agents=(told.agent,)))
    else:
        print(shown(asyncio.run(measure(told.stories)), told.stories))  # noqa: T201


if __name__ == "__main__":
    main()
