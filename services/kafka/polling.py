"""Places in partitions -> the records from there on, for tools: what cannot be read is stepped over and told of."""

from collections.abc import Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

log = structlog.get_logger()

Polled = dict[TopicPartition, list[ConsumerRecord[Any, Any]]]


async def poll(
    consumer: AIOKafkaConsumer, places: Mapping[TopicPartition, int], *, timeout_ms: int, most: int | None = None
) -> Polled:
    """
    Return records of partitions that stand at these places, as `getmany` does.

    The name of a header may be any bytes, and aiokafka decodes it strictly: it raises, and what it had taken out of
    other partitions meanwhile is lost. Then all is read again from its place, partition by partition.
    """
    try:
        return await _polled(consumer, *places, timeout_ms=timeout_ms, most=most)
    except UnicodeDecodeError:
        for partition, place in places.items():
            consumer.seek(partition, place)
    found: Polled = {}
    for partition, place in places.items():
        try:
            found |= await _polled(consumer, partition, timeout_ms=timeout_ms, most=most)
        except UnicodeDecodeError:
            consumer.seek(partition, place)
            found[partition] = await _one_by_one(consumer, partition, timeout_ms)
    return found


async def _one_by_one(
    consumer: AIOKafkaConsumer, partition: TopicPartition, timeout_ms: int
) -> list[ConsumerRecord[Any, Any]]:
    """
    Return what stands before the record that cannot be read, and step over it.

    Those behind it in the same batch of its producer cannot be read either: aiokafka reads a batch from its beginning.
    """
    before: list[ConsumerRecord[Any, Any]] = []
    try:
        while found := await _polled(consumer, partition, timeout_ms=timeout_ms, most=1):
            before += found[partition]
    except UnicodeDecodeError as error:
        offset = await consumer.position(partition)
        consumer.seek(partition, offset + 1)
        log.warning(
            "record_unreadable", topic=partition.topic, partition=partition.partition, offset=offset, error=str(error)
        )
    return before


async def _polled(consumer: AIOKafkaConsumer, *partitions: TopicPartition, timeout_ms: int, most: int | None) -> Polled:
    found: Polled = await consumer.getmany(*partitions, timeout_ms=timeout_ms, max_records=most)
    return found
