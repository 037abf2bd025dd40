"""
An installation under faults: real workers on a real broker, and a count of what a read-committed reader finds.

A scenario publishes documents, several versions of each under one key, does its harm, waits until the group has
nothing left, and counts. Each output is traced to its raw record by `tagwire-origin` or, in a dead letter, by
`kafka_dlt-original-*`, so a record that a producer sent twice counts as two.
"""

import asyncio
import os
import re
import signal
import sys
import time
from asyncio.subprocess import Process, create_subprocess_exec
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas import headers as names
from schemas.topics import CLASSIFIED, DEAD_LETTER, EMBEDDED_PARTITIONS, RAW, all_topics, tag_topic
from services.core.lag import lag
from services.core.taxonomy import shipped_routes
from services.kafka import client
from services.kafka.admin import create_topics
from services.kafka.client import record_of
from services.kafka.records import Record, header
from services.kafka.settings import KafkaSettings
from tests.articles import article
from tests.brokers import Message
from tests.offsets import group_offsets

GROUP: Final = "tagwire-clean-route"
SESSION_TIMEOUT_MS: Final = 6000
"""A killed worker's partitions are free after it; brokers allow no shorter one."""
DEADLINE_S: Final = 400.0
"""Long, for a machine may be busy with other things; a test that goes well never waits for it."""
ASK_S: Final = 0.2
ANSWER_S: Final = 10.0
FEED_S: Final = 0.2
LOG_TAIL: Final = 3000
NORMAL: Final = "services.cli"
OBEYING: Final = "tests.faults.worker"
"""A worker whose children do what a document says."""


@dataclass(frozen=True, slots=True)
class Count:
    """What came of what was published, as a read-committed reader sees it."""

    published: int
    out: int
    """Records in documents.classified."""
    dead: int
    lost: int
    """Raw records in neither topic, and documents that are missing in the topic of one of their tags."""
    doubled: int
    """Records beyond the first of the same raw record, in any topic."""
    out_of_order: int
    """Records behind a later one of the same key."""
    longest_stall_s: float
    """For how long at most a partition had something to do and nothing of it came out."""
    letters: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Key and reason of each dead letter, sorted."""

    def harm(self) -> Mapping[str, int]:
        """Return what must be 0, where it is not."""
        counts = {"lost": self.lost, "doubled": self.doubled, "out of order": self.out_of_order}
        return {name: count for name, count in counts.items() if count}


class Worker:
    """A worker process, leader of a process group that its children belong to."""

    def __init__(self, process: Process, log: Path) -> None:
        self.process = process
        self.log = log
        self.is_doomed = False
        """Whether its end is part of the scenario."""

    @property
    def children(self) -> list[int]:
        """The pids of its child processes."""
        pid = self.process.pid
        with suppress(FileNotFoundError):
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def said(self, event: str) -> int:
        """Return how often its log has this event."""
        return self.log.read_text(errors="replace").count(f'"{event}"')

    async def kill(self) -> None:
        self.is_doomed = True
        self.process.kill()
        await self.process.wait()

    async def leave(self) -> None:
        """Ask it to stop, as a deployment does."""
        self.is_doomed = True
        self.process.send_signal(signal.SIGTERM)
        assert await self.process.wait() == 0, self.log.read_text(errors="replace")[-LOG_TAIL:]

    def freeze(self, *, with_children: bool) -> None:
        os.kill(-self.process.pid if with_children else self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.process.pid, signal.SIGCONT)

    async def end(self) -> None:
        """Kill it and its children, frozen or not."""
        self.is_doomed = True
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()

    async def health(self, path: str = "/healthz") -> tuple[int, Any]:
        """Return status and body; status 0 while it does not listen yet."""
        found = re.search(r'"url":"(http://[^"]+)"', self.log.read_text(errors="replace"))
        if found is None:
            return 0, None
        async with aiohttp.ClientSession() as http, http.get(found[1] + path) as answer:
            return answer.status, await answer.json()


class Installation:
    """Topics under a prefix of their own, and the workers that were started on them."""

    def __init__(self, settings: KafkaSettings, folder: Path, *, children: int) -> None:
        """`folder` gets the workers' logs."""
        self.settings = settings
        self.workers: list[Worker] = []
        self._folder = folder
        self._children = children

    async def worker(self, module: str = NORMAL, **environment: str) -> Worker:
        """Start a worker process; its log goes to a file."""
        given = {
            "TAGWIRE_KAFKA_BOOTSTRAP_SERVERS": self.settings.bootstrap_servers,
            "TAGWIRE_KAFKA_TOPIC_PREFIX": self.settings.topic_prefix,
            "TAGWIRE_KAFKA_SESSION_TIMEOUT_MS": str(self.settings.session_timeout_ms),
            "TAGWIRE_WORKER_CHILDREN": str(self._children),
            "TAGWIRE_WORKER_HTTP_PORT": "0",
        }
        log = self._folder / f"worker-{len(self.workers)}.log"
        with log.open("wb") as output:
            process = await create_subprocess_exec(
                *(sys.executable, "-m", module, "worker"),
                env={**os.environ, **given, **environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.workers.append(started := Worker(process, log))
        return started

    async def end(self) -> None:
        await asyncio.gather(*(worker.end() for worker in self.workers))

    async def publish(self, messages: Iterable[Message]) -> None:
        """Send and wait for every acknowledgement."""
        await send(self.settings, messages)

    async def until(self, condition: Callable[[], Awaitable[bool]], *, within_s: float = DEADLINE_S) -> None:
        """
        Wait for a condition; a broker that does not answer only means not yet.

        Raises AssertionError when it does not come, or when a worker ends that should not, with the end of its log.
        """
        deadline = time.monotonic() + within_s
        while True:
            with suppress(KafkaError, OSError):
                if await condition():
                    return
            for worker in self.workers:
                if not worker.is_doomed and worker.process.returncode is not None:
                    raise AssertionError(f"a worker ended: {worker.log.read_text(errors='replace')[-LOG_TAIL:]}")
            if time.monotonic() > deadline:
                raise AssertionError("\n".join(["it did not come, and the workers said:", *await self._last_words()]))
            await asyncio.sleep(ASK_S)

    async def _last_words(self) -> list[str]:
        """Return how far the group is, then each worker's health and the end of its log, as far as they can be had."""
        words = []
        with suppress(KafkaError, OSError):
            async with asyncio.timeout(ANSWER_S):
                words += [str(offset) for offset in await group_offsets(self.settings, [self.settings.group(GROUP)])]
        for worker in self.workers:
            with suppress(aiohttp.ClientError, OSError):
                async with asyncio.timeout(ANSWER_S):
                    words.append(str(await worker.health()))
            words.append(worker.log.read_text(errors="replace")[-LOG_TAIL:])
        return words

    async def until_written(self, records: int, *, since: int | None = None) -> None:
        """Wait until so many more have come out of the workers, transaction markers among them."""
        target = (await self.written() if since is None else since) + records
        await self.until(lambda: self._has_written(target))

    async def written(self) -> int:
        """Return how many offsets documents.classified and documents.dead-letter have used."""
        topics = [self.settings.topic(topic) for topic in (CLASSIFIED, DEAD_LETTER)]
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.bootstrap_servers)
        try:
            await consumer.start()
            ends = await consumer.end_offsets(partitions(topics))
        finally:
            await client.stop(consumer)
        return sum(ends.values())

    async def _has_written(self, records: int) -> bool:
        return await self.written() >= records

    async def drained(self) -> bool:
        """Whether the group has nothing left to do, in any partition."""
        offsets = await group_offsets(self.settings, [self.settings.group(GROUP)])
        return len(offsets) == EMBEDDED_PARTITIONS and all(lag(o.end, o.committed) == 0 for o in offsets)

    async def count(self) -> Count:
        return await count(self.settings)


@asynccontextmanager
async def installation(bootstrap: str, prefix: str, folder: Path, *, children: int = 1) -> AsyncIterator[Installation]:
    """Give topics and, in the end, kill every worker that is left."""
    settings = KafkaSettings(bootstrap_servers=bootstrap, topic_prefix=prefix, session_timeout_ms=SESSION_TIMEOUT_MS)
    await create_topics(settings, all_topics(shipped_routes()), partitions=EMBEDDED_PARTITIONS)
    running = Installation(settings, folder, children=children)
    try:
        yield running
    finally:
        await running.end()


def documents(keys: int, versions: int) -> list[Message]:
    """Return articles, every version of each in its order and the versions of one far apart."""
    return [document(number, version) for version in range(1, versions + 1) for number in range(keys)]


def document(number: int, version: int = 1, body: str | None = None) -> Message:
    """Return one article, or another body under its key."""
    key, value = article(number)
    envelope = {**orjson.loads(value), "version": version, **({} if body is None else {"body": body})}
    return key, orjson.dumps(envelope), ()


@asynccontextmanager
async def feeding(running: Installation, *, documents_s: int, keys: int = 200) -> AsyncIterator[None]:
    """Publish about so many documents a second while the context lasts, through outages, too."""
    is_over = asyncio.Event()

    async def feed() -> None:
        sent = 0
        while not is_over.is_set():
            batch = range(sent, sent := sent + max(1, int(documents_s * FEED_S)))
            # What a producer sends twice after an outage is two raw records, and is counted as such.
            with suppress(KafkaError, OSError):
                await send(running.settings, [document(n % keys, n // keys + 1) for n in batch])
            with suppress(TimeoutError):
                await asyncio.wait_for(is_over.wait(), FEED_S)

    feeder = asyncio.create_task(feed())
    try:
        yield
    finally:
        is_over.set()
        await feeder


async def send(settings: KafkaSettings, messages: Iterable[Message]) -> None:
    producer = client.producer(settings, client_id="tests")
    try:
        await producer.start()
        sent = [
            await producer.send(settings.topic(RAW), value, key=key, headers=list(headers))
            for key, value, headers in messages
        ]
        await asyncio.gather(*sent)
    finally:
        await client.stop(producer)


async def count(settings: KafkaSettings) -> Count:
    """Read every topic to its end and compare."""
    raw = await read(settings, RAW.name)
    classified = await read(settings, CLASSIFIED.name)
    dead = await read(settings, DEAD_LETTER.name)
    came = Counter(origin(record) for record in (*classified, *dead))
    lost = len({record.origin for record in raw} - set(came))
    doubled = sum(came.values()) - len(came)
    out_of_order = behind(classified) + behind(dead)
    for tag in sorted(shipped_routes()):
        expected = {
            origin(record) for record in classified if tag in (header(record.headers, names.TAGS) or "").split(",")
        }
        routed = await read(settings, tag_topic(tag).name)
        found = Counter(origin(record) for record in routed)
        lost += len(expected - set(found))
        doubled += len(routed) - len(expected & set(found))
        out_of_order += behind(routed)
    return Count(
        published=len(raw),
        out=len(classified),
        dead=len(dead),
        lost=lost,
        doubled=doubled,
        out_of_order=out_of_order,
        longest_stall_s=longest_stall_s(raw, (*classified, *dead)),
        letters=tuple(sorted(((r.key or b"").decode(), header(r.headers, names.DLQ_REASON) or "") for r in dead)),
    )


async def read(settings: KafkaSettings, topic: str) -> list[Record]:
    """Return every record that a read-committed consumer sees now, partition by partition."""
    name = settings.topic(topic)
    consumer = client.reader(settings, client_id="tests")
    records: list[Record] = []
    try:
        await consumer.start()
        consumer.assign(partitions([name]))
        ends = await consumer.end_offsets(partitions([name]))
        for partition, end in ends.items():
            while await consumer.position(partition) < end:
                for batch in (await consumer.getmany(partition, timeout_ms=200)).values():
                    records += map(record_of, batch)
    finally:
        await client.stop(consumer)
    return records


def partitions(topics: Iterable[str]) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for topic in topics for number in range(EMBEDDED_PARTITIONS)]


def origin(record: Record) -> str:
    """Return `topic/partition/offset` of the raw record that a record came of."""
    told = header(record.headers, names.ORIGIN)
    dead = (header(record.headers, name) for name in (names.DLT_TOPIC, names.DLT_PARTITION, names.DLT_OFFSET))
    return told or "/".join(str(part) for part in dead)


def behind(records: Sequence[Record]) -> int:
    """Return how many stand behind a later record of the same key and raw partition."""
    last: dict[tuple[str, bytes | None], int] = {}
    late = 0
    for record in records:
        partition, _, offset = origin(record).rpartition("/")
        newest = last.setdefault((partition, record.key), int(offset))
        late += int(offset) < newest
        last[partition, record.key] = max(newest, int(offset))
    return late


def longest_stall_s(raw: Sequence[Record], came: Sequence[Record]) -> float:
    """
    Return the longest time in which a partition had a record to be processed and none of it came out.

    From the outputs' timestamps, which the workers set; the wait for the first output is not counted.
    """
    written_ms: dict[str, int] = {}
    for record in came:
        written_ms[origin(record)] = min(record.timestamp_ms, written_ms.get(origin(record), record.timestamp_ms))
    longest_ms = 0
    before: Record | None = None
    for record in sorted(raw, key=lambda record: (record.partition, record.offset)):
        if record.origin not in written_ms:
            continue
        if before is not None and before.partition == record.partition:
            begun_ms = max(written_ms[before.origin], record.timestamp_ms)
            longest_ms = max(longest_ms, written_ms[record.origin] - begun_ms)
        before = record
    return longest_ms / 1000
