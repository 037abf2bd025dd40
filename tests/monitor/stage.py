"""A topic of one partition and a group that reads it, on a real broker, under a watch."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from services.kafka.settings import KafkaSettings
from services.monitor.snapshot import GroupState, PartitionState
from services.monitor.watch import Watch
from tests.brokers import produce

LOOKS = 3
"""The first, and two sampling periods after it."""


class Stage:
    """The watch looks when it is told to."""

    def __init__(self, settings: KafkaSettings, watch: Watch) -> None:
        self.settings = settings
        self.watch = watch
        self.topic = settings.topic("in")
        self.partition = TopicPartition(self.topic, 0)
        self.group = settings.group("g")

    async def feed(self, records: int) -> None:
        await produce(self.settings.bootstrap_servers, self.topic, [(None, b"%d" % n, ()) for n in range(records)])

    @asynccontextmanager
    async def member(self, *topics: str) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            *(topics or (self.topic,)),
            bootstrap_servers=self.settings.bootstrap_servers,
            group_id=self.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=6000,
            heartbeat_interval_ms=500,
        )
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()

    async def commit(self, offset: int) -> None:
        """Commit as somebody who is no member."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.bootstrap_servers, group_id=self.group, enable_auto_commit=False
        )
        await consumer.start()
        try:
            consumer.assign([self.partition])
            await consumer.commit({self.partition: offset})
        finally:
            await consumer.stop()

    async def look(self, times: int = LOOKS) -> GroupState:
        for _ in range(times):
            seen = await self.watch.look()
        return seen.groups[self.group]

    async def transact(self, records: int, *, commits: bool = True) -> None:
        async with self.open_transaction(records) as producer:
            await (producer.commit_transaction() if commits else producer.abort_transaction())

    @asynccontextmanager
    async def open_transaction(self, records: int) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.bootstrap_servers, transactional_id=self.settings.group("t")
        )
        await producer.start()
        try:
            await producer.begin_transaction()
            for number in range(records):
                await producer.send_and_wait(self.topic, b"%d" % number, partition=0)
            yield producer
        finally:
            await producer.stop()


def only(group: GroupState) -> PartitionState:
    (partition,) = group.partitions
    return partition
