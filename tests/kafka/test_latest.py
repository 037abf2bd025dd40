"""What came last in a topic, on a real broker: each record once, and no more than was asked for."""

import pytest
from aiokafka import AIOKafkaProducer

from services.kafka.cluster import Cluster, Ends, Partition
from services.kafka.latest import Latest
from services.kafka.settings import KafkaSettings
from tests.brokers import create_topic, produce, produce_unreadable


@pytest.fixture
async def settings(kafka: str, prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)
    await create_topic(kafka, settings.topic("in"), partitions=2)
    return settings


async def ends(settings: KafkaSettings) -> dict[Partition, Ends]:
    async with Cluster(settings) as cluster:
        seen = await cluster.look()
    return {partition: each for partition, each in seen.ends.items() if partition.topic == settings.topic("in")}


async def send(settings: KafkaSettings, *numbers: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers)
    await producer.start()
    try:
        for number in numbers:
            await producer.send_and_wait(settings.topic("in"), b"%d" % number, partition=number % 2)
    finally:
        await producer.stop()


async def test_the_last_records_come_first_time_and_then_what_is_new(settings: KafkaSettings) -> None:
    await send(settings, *range(20))
    async with Latest(settings) as latest:
        first = await latest.new(await ends(settings), most=3)
        nothing = await latest.new(await ends(settings), most=3)
        await send(settings, 20)
        new = await latest.new(await ends(settings), most=3)
        await send(settings, *range(21, 41))
        many = await latest.new(await ends(settings), most=3)

    assert sorted(int(record.value or b"") for record in first) == [14, 15, 16, 17, 18, 19]
    assert nothing == []
    assert [record.value for record in new] == [b"20"]
    assert sorted(int(record.value or b"") for record in many) == [35, 36, 37, 38, 39, 40]


async def test_an_empty_topic_and_one_that_is_not_known_have_nothing(settings: KafkaSettings) -> None:
    async with Latest(settings) as latest:
        assert await latest.new(await ends(settings), most=3) == []
        assert await latest.new({Partition("gone", 0): Ends(None, None, None)}, most=3) == []


async def test_a_record_that_no_client_can_read_hides_no_other(settings: KafkaSettings) -> None:
    await send(settings, 0, 1)
    await produce_unreadable(settings.bootstrap_servers, settings.topic("in"), [b"2", b"4", b"6"], at=1)
    await send(settings, 8, 3)
    async with Latest(settings) as latest:
        found = await latest.new(await ends(settings), most=100)

    assert sorted(int(record.value or b"") for record in found) == [0, 1, 2, 3, 8]


async def test_a_topic_made_anew_begins_anew(settings: KafkaSettings) -> None:
    zero = Partition(settings.topic("in"), 0)
    await produce(settings.bootstrap_servers, settings.topic("in"), [(None, b"x", ())])
    await send(settings, 0, 2)
    async with Latest(settings) as latest:
        # As if a look before had seen a longer topic of this name.
        latest._seen[zero] = 1000
        found = await latest.new(await ends(settings), most=10)

    assert {b"0", b"2"} <= {record.value for record in found}
