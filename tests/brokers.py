"""Plain Kafka clients for tests: what a producer and a read-committed subscriber of anyone's would do."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.record._crc32c import crc as crc32c

Message = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes]]]
"""Key, value, headers."""


async def create_topic(
    bootstrap: str, name: str, partitions: int = 4, *, config: Mapping[str, str] | None = None
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=dict(config or {}))])
    finally:
        await admin.close()


async def produce(bootstrap: str, topic: str, messages: Iterable[Message]) -> None:
    """Send and wait for every acknowledgement."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=16 * 2**20, linger_ms=5)
    await producer.start()
    try:
        sent = [await producer.send(topic, value, key=key, headers=list(headers)) for key, value, headers in messages]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def produce_unreadable(bootstrap: str, topic: str, values: Sequence[bytes], *, at: int) -> int:
    """Send one batch to partition 0, in which a header's name is no UTF-8 from that record on; return its offset."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        batch = producer.create_batch()
        for number, value in enumerate(values):
            named = "unreadable" if number == at else "readable"
            batch.append(key=b"key-1", value=value, timestamp=None, headers=[(named, b"x")])
        batch._build()
        spoilt = bytearray(bytes(batch._buffer).replace(b"unreadable", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6"))
        spoilt[17:21] = crc32c(bytes(spoilt[21:])).to_bytes(4, "big")  # record batch, magic 2: it covers the rest
        batch._buffer = bytes(spoilt)
        sent = await (await producer.send_batch(batch, topic, partition=0))
        return int(sent.offset)
    finally:
        await producer.stop()


async def read_committed(bootstrap: str, topic: str) -> list[ConsumerRecord[bytes | None, bytes | None]]:
    """Return every record that a read-committed consumer sees now, partition by partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in await partitions_of(bootstrap, topic)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        records: list[ConsumerRecord[bytes | None, bytes | None]] = []
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    records += batch
        return records
    finally:
        await consumer.stop()


async def partitions_of(bootstrap: str, topic: str) -> list[int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (described,) = await admin.describe_topics([topic])
    finally:
        await admin.close()
    return [partition["partition"] for partition in described["partitions"]]


async def until(condition: Callable[[], Awaitable[bool]], *, within_s: float) -> None:
    """Wait for a condition; TimeoutError when it does not come."""
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110  # nothing tells us; we ask
            await asyncio.sleep(0.1)
