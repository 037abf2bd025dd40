"""What lies at an offset, on a real broker: a record, or nothing but markers."""

import time

import pytest
from aiokafka import AIOKafkaProducer

from services.kafka.cluster import Partition
from services.kafka.settings import KafkaSettings
from services.kafka.unread import First, FirstUnread, Place
from tests.brokers import create_topic, produce


@pytest.fixture
async def settings(kafka: str, prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)
    await create_topic(kafka, settings.topic("in"), partitions=1)
    return settings


async def transact(settings: KafkaSettings, *values: bytes, commits: bool = True) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, transactional_id=settings.group("t"))
    await producer.start()
    try:
        await producer.begin_transaction()
        for value in values:
            await producer.send_and_wait(settings.topic("in"), value, partition=0)
        await (producer.commit_transaction() if commits else producer.abort_transaction())
    finally:
        await producer.stop()


async def test_several_places_of_one_partition_each_have_their_record(settings: KafkaSettings) -> None:
    before_ms = time.time() * 1000
    await produce(settings.bootstrap_servers, settings.topic("in"), [(None, b"%d" % n, ()) for n in range(10)])
    zero = Partition(settings.topic("in"), 0)

    async with FirstUnread(settings) as first_unread:
        found = await first_unread.ask([Place(zero, offset, 10) for offset in (0, 4, 9)])

    assert [found[zero, offset].offset for offset in (0, 4, 9)] == [0, 4, 9]
    assert all(before_ms - 1000 < (first.timestamp_ms or 0) < time.time() * 1000 + 1000 for first in found.values())


async def test_behind_the_last_record_there_are_only_markers_until_the_next_one_comes(settings: KafkaSettings) -> None:
    zero = Partition(settings.topic("in"), 0)
    await transact(settings, b"a", b"b")  # offsets 0 and 1, and a marker
    await transact(settings, b"c", commits=False)  # 3, and another

    async with FirstUnread(settings) as first_unread:
        drained = (await first_unread.ask([Place(zero, 2, 5)]))[zero, 2]
        await transact(settings, b"d")
        behind = (await first_unread.ask([Place(zero, 2, 7)]))[zero, 2]

    assert drained == First(5, None)
    assert behind.offset == 5
    assert behind.timestamp_ms is not None


async def test_what_is_known_is_not_fetched_again(settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    await produce(settings.bootstrap_servers, settings.topic("in"), [(None, b"x", ())])
    place = Place(Partition(settings.topic("in"), 0), 0, 1)

    async with FirstUnread(settings) as first_unread:
        found = await first_unread.ask([place])
        monkeypatch.setattr(first_unread._consumer, "assign", None)  # it would raise
        again = await first_unread.ask([place])

    assert again == found != {}


async def test_a_topic_that_is_gone_is_left_out_within_a_bound(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.kafka.unread.PATIENCE_S", 0.5)
    async with FirstUnread(settings) as first_unread:
        assert await first_unread.ask([Place(Partition(settings.topic("no-such"), 0), 0, 1)]) == {}
