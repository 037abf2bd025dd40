"""
Outputs -> record batches, as Kafka stores them, on their way to the broker.

A producer's `send` does for one record what is done here for a batch: look at the topic's metadata, make a future, wait
for room. That was a third of the parent's CPU time besides compression.

Nothing here bounds a record's size, as `send` does: the codec does, for whatever a worker writes.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from services.kafka.client import look_at
from services.kafka.partitioning import partition_of
from services.kafka.records import Output

_ANY: Final = DefaultPartitioner()
"""For records without a key."""


class RecordBatches:
    """What one transaction sends. Records of one partition keep their order."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._partitions: dict[str, list[int]] = {}
        self._open: dict[tuple[str, int], BatchBuilder] = {}
        self._sent: list[asyncio.Future[Any]] = []

    def announce(self, topics: Iterable[str]) -> None:
        """Name the topics to come: what is not known of them is asked at once, and not of one after the other."""
        for topic in topics:
            self._producer.client.add_topic(topic)

    async def add(self, topic: str, output: Output) -> None:
        """Put an output, for a topic as the broker calls it, into a batch, and send the batch that is full."""
        if topic not in self._partitions:
            self._partitions[topic] = sorted(await self._producer.partitions_for(topic))
        place = topic, self._partition_of(topic, output.key)
        batch = self._open.get(place)
        if batch is not None and _append(batch, output):
            return
        if batch is not None:
            await self._send(place, batch)
        batch = self._open[place] = self._producer.create_batch()
        if not _append(batch, output):
            # An empty batch takes whatever comes, says aiokafka; were it not so, a record would be lost in silence.
            raise RuntimeError(f"{topic}: an empty batch refused a record")

    async def flush(self) -> None:
        """Send what is left and wait until the broker has acknowledged every batch. Raises what befell the first."""
        for place, batch in self._open.items():
            await self._send(place, batch)
        self._open.clear()
        await asyncio.gather(*self._sent)

    def _partition_of(self, topic: str, key: bytes | None) -> int:
        """Return where a key leads; without one, any partition that has a leader, if there is one."""
        partitions = self._partitions[topic]
        if key is not None:
            return partition_of(key, len(partitions))
        free = self._producer.client.cluster.available_partitions_for_topic(topic)
        partition: int = _ANY(None, partitions, list(free or ()))
        return partition

    async def _send(self, place: tuple[str, int], batch: BatchBuilder) -> None:
        batch.close()  # or it would linger for more
        topic, partition = place
        sent = await self._producer.send_batch(batch, topic, partition=partition)
        sent.add_done_callback(look_at)
        self._sent.append(sent)


def _append(batch: BatchBuilder, output: Output) -> bool:
    """Return whether the batch had room."""
    appended = batch.append(timestamp=None, key=output.key, value=output.value, headers=list(output.headers))
    return appended is not None
