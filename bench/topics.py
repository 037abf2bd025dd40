"""Topics to measure on: made, filled, and counted as a read-committed subscriber sees them."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.topics import CLASSIFIED, RAW, all_topics, tag_topic
from services.core.taxonomy import shipped_routes
from services.kafka import client
from services.kafka.admin import create_topics
from services.kafka.embedded.broker import EmbeddedSettings, embedded_kafka
from services.kafka.publisher import Publisher
from services.kafka.records import Output
from services.kafka.settings import KafkaSettings

PARTITIONS: Final = 4
READ_MS: Final = 200


@dataclass(frozen=True, slots=True)
class Count:
    """What a read-committed reader has found in a topic, by the keys of what was published."""

    found: int
    lost: int
    doubled: int


@asynccontextmanager
async def broker() -> AsyncIterator[KafkaSettings]:
    """Give the settings of an embedded Kafka of its own; its data is gone afterwards."""
    with TemporaryDirectory(prefix="bench-") as folder:
        settings = EmbeddedSettings(data_folder=Path(folder) / "kafka", port=0, heap_mb=512)
        async with embedded_kafka(settings, report=lambda _: None) as kafka:
            yield KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)


async def make_topics(kafka: KafkaSettings, *, partitions: int = PARTITIONS, tag_topics: int = 0) -> None:
    """Create every topic of an installation under the prefix of the settings, and some more for tags."""
    tags = [tag_topic(f"bench-{number}") for number in range(tag_topics)]
    await create_topics(kafka, [RAW, CLASSIFIED, *tags], partitions=partitions)
    # A worker asks that these are there; here nothing is written to them, or little.
    await create_topics(kafka, all_topics(shipped_routes()), partitions=1)


async def fill(kafka: KafkaSettings, values: list[bytes], documents: int) -> None:
    """Publish so many documents, the values by turns, each under its number as the key."""
    async with Publisher(kafka, client_id="bench") as publisher:
        for number in range(documents):
            await publisher.send(Output(RAW.name, b"%d" % number, values[number % len(values)]))


class Outputs:
    """
    The output topic, watched cheaply while a system works, and read when it seems to be done.

    Use as an async context manager. What was there before does not count.
    """

    def __init__(self, kafka: KafkaSettings, topic: str = CLASSIFIED.name) -> None:
        self._topic = kafka.topic(topic)
        self._reader = client.reader(kafka, client_id="bench-reader")
        self._partitions: list[TopicPartition] = []
        self._from: Mapping[TopicPartition, int] = {}
        self.keys: Counter[bytes | None] = Counter()

    async def __aenter__(self) -> Self:
        await self._reader.start()
        numbers = await _partitions(self._reader, self._topic)
        self._partitions = [TopicPartition(self._topic, number) for number in numbers]
        self._from = await self._reader.end_offsets(self._partitions)
        self._reader.assign(self._partitions)
        for partition, offset in self._from.items():
            self._reader.seek(partition, offset)
        self._reader.pause(*self._partitions)
        return self

    async def __aexit__(self, *_: object) -> None:
        await client.stop(self._reader)

    async def visible(self) -> int:
        """
        Return by how many offsets the topic has grown for a read-committed reader.

        Those are more than documents: ends of transactions are in it, and what came twice.
        """
        ends = await self._reader.end_offsets(self._partitions)
        return sum(ends[partition] - self._from[partition] for partition in self._partitions)

    async def read(self) -> AsyncIterator[Any]:
        """Yield the records up to the end of now that have not been read yet."""
        ends = await self._reader.end_offsets(self._partitions)
        self._reader.resume(*self._partitions)
        while any([await self._reader.position(at) < ends[at] for at in self._partitions]):
            for records in (await self._reader.getmany(timeout_ms=READ_MS)).values():
                for record in records:
                    yield record
        self._reader.pause(*self._partitions)

    async def different(self) -> int:
        """Read what is there and return how many documents have come, by their keys."""
        async for record in self.read():
            self.keys[record.key] += 1
        return len(self.keys)

    async def count(self, expected: int) -> Count:
        """Read what is there and return what came of so many documents, keyed by their numbers from 0."""
        await self.different()
        lost = sum(b"%d" % number not in self.keys for number in range(expected))
        return Count(self.keys.total(), lost, self.keys.total() - len(self.keys))


async def _partitions(reader: AIOKafkaConsumer, topic: str) -> list[int]:
    await reader._client.add_topic(topic)  # noqa: SLF001  # nothing public fetches the partitions of an unassigned topic
    return sorted(reader.partitions_for_topic(topic) or ())
