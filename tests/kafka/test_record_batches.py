"""Outputs -> record batches on a real broker: all of them, in order, where their key belongs, and errors are told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner

from services.kafka import client
from services.kafka.record_batches import RecordBatches
from services.kafka.records import Output
from services.kafka.settings import KafkaSettings
from tests.brokers import create_topic, read_committed

PARTITIONS = 4


@pytest.fixture
async def settings(kafka: str, prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)
    await create_topic(kafka, settings.topic("out"), partitions=PARTITIONS)
    return settings


@asynccontextmanager
async def transaction(settings: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    producer = client.producer(settings, client_id="tests", transactional_id=settings.group("tests"))
    await producer.start()
    try:
        async with producer.transaction():
            yield producer
    finally:
        await client.stop(producer)


async def send(settings: KafkaSettings, topic: str, *outputs: Output) -> None:
    async with transaction(settings) as producer:
        batches = RecordBatches(producer)
        batches.announce([topic])
        for output in outputs:
            await batches.add(topic, output)
        await batches.flush()


async def sent(settings: KafkaSettings, *outputs: Output) -> list[ConsumerRecord[bytes | None, bytes | None]]:
    topic = settings.topic("out")
    await send(settings, topic, *outputs)
    return await read_committed(settings.bootstrap_servers, topic)


async def test_what_fills_many_batches_arrives_once_in_the_order_of_each_key(settings: KafkaSettings) -> None:
    outputs = [Output("out", b"key-%d" % (number % 7), b"%6d" % number + b"x" * 20_000) for number in range(200)]

    records = await sent(settings, *outputs)

    assert sum(len(output.value or b"") for output in outputs) > PARTITIONS * client.BATCH_BYTES
    assert sorted(int((record.value or b"")[:6]) for record in records) == list(range(200))
    for key in {record.key for record in records}:
        numbers = [int((record.value or b"")[:6]) for record in records if record.key == key]
        assert numbers == sorted(numbers)


async def test_a_key_leads_to_the_partition_where_other_producers_put_it(settings: KafkaSettings) -> None:
    keys = [b"a", b"wire-17", "кошка".encode(), b"", b"x" * 1000]

    records = await sent(settings, *(Output("out", key, b"1") for key in keys))

    places = list(range(PARTITIONS))
    assert {record.key: record.partition for record in records} == {
        key: DefaultPartitioner()(key, places, places) for key in keys
    }


async def test_nulls_and_headers_arrive_as_they_are(settings: KafkaSettings) -> None:
    headers = (("ce_id", b"1"), ("ce_id", b"2"), ("empty", None), ("größe", b"\xff"))

    records = await sent(settings, Output("out", b"k", None, headers), Output("out", None, b"no key"))

    assert {(record.key, record.value, record.headers) for record in records} == {
        (b"k", None, headers),
        (None, b"no key", ()),
    }


async def test_a_record_larger_than_a_batch_has_one_of_its_own(settings: KafkaSettings) -> None:
    large = b"x" * (client.BATCH_BYTES * 3)

    records = await sent(settings, Output("out", b"k", b"1"), Output("out", b"k", large), Output("out", b"k", b"2"))

    assert [record.value for record in records] == [b"1", large, b"2"]


async def test_a_batch_that_the_broker_refuses_is_an_error(kafka: str, settings: KafkaSettings) -> None:
    small = settings.topic("small")
    await create_topic(kafka, small, partitions=1, config={"max.message.bytes": "100"})

    with pytest.raises(MessageSizeTooLargeError):
        await send(settings, small, Output("small", b"k", bytes(range(256))))

    assert await read_committed(kafka, small) == []
