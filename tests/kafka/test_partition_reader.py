"""The records of a partition, on a real broker, whatever aiokafka makes of them."""

from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.kafka.partition_reader import PartitionReader
from services.kafka.records import Record
from tests.brokers import create_topic, produce, until


async def test_one_by_one_ends_when_what_cannot_be_read_is_gone(
    kafka: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been deleted meanwhile: one record a poll would be slow for ever."""
    partition = TopicPartition(f"{prefix}in", 0)
    await create_topic(kafka, partition.topic, partitions=1)
    await produce(kafka, partition.topic, [(None, b"%d" % number, ()) for number in range(3)])
    getmany, limits = AIOKafkaConsumer.getmany, []

    async def cannot_read_at_first(self: Any, *partitions: Any, max_records: int, **options: Any) -> Any:
        limits.append(max_records)
        if len(limits) == 1:
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no header's name")
        return await getmany(self, *partitions, max_records=max_records, **options)

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", cannot_read_at_first)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([partition])
        reader, read = PartitionReader(consumer, partition), list[Record]()

        async def polls_without_bound() -> bool:
            read.extend(await reader.poll(10))
            return len(read) == 3 and limits[-1] == 10

        await until(polls_without_bound, within_s=30)
    finally:
        await consumer.stop()

    assert limits[:3] == [10, 1, 1]
    assert [record.offset for record in read] == [0, 1, 2]
