"""
A lane: consume, process, produce and commit one partition, each batch in one transaction.

Its producer's transactional id belongs to the partition, so a new owner's producer fences the old owner's, however
long that one slept. A lane first fences, then reads the committed offset, then works from there: that order, and
that nothing else ever commits for the group, is why no record is lost and none is counted twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced
from aiokafka.structs import OffsetAndMetadata

from services.kafka import client
from services.kafka.records import Output, Record
from services.kafka.settings import KafkaSettings

log = structlog.get_logger()

Transform = Callable[[Sequence[Record]], Awaitable[Sequence[Output]]]
"""Records of one partition in order -> the outputs of all of them, in order. Pure in effect: it may run again."""

POLL_MS: Final = 200
START_TIMEOUT_S: Final = 30
"""For fencing and for the first position; a broker that is away makes the lane try again after it."""
COMMIT_TIMEOUT_S: Final = 20
"""How long a revoked lane waits for the transaction under way. Well under the rebalance timeout."""
BACKOFF_S: Final = (0.2, 0.5, 1, 2, 5, 10)


WORLD: Final = (KafkaError, OSError, TimeoutError, AssertionError)
"""Errors that need no traceback. aiokafka guards its transactions with assert: a fenced one may show as that."""


class LaneState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    FENCED = "fenced"
    """Another worker took the partition over; a rebalance will end this lane."""
    BACKING_OFF = "backing_off"


@dataclass(frozen=True, slots=True)
class LaneLimits:
    batch_records: int
    """Records in one transaction, at most."""


class Lane:
    """One assigned partition. `run` it as a task; `stop` it when the partition is revoked."""

    def __init__(
        self,
        settings: KafkaSettings,
        consumer: AIOKafkaConsumer,
        partition: TopicPartition,
        *,
        group: str,
        transform: Transform,
        limits: LaneLimits,
    ) -> None:
        self.state = LaneState.STARTING
        self.processed = 0
        """Records whose transaction was committed."""
        self._settings = settings
        self._consumer = consumer
        self._partition = partition
        self._group = group
        self._transform = transform
        self._limits = limits
        self._producer: AIOKafkaProducer | None = None
        self._transaction: asyncio.Task[None] | None = None
        self._committed: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._log = log.bind(topic=partition.topic, partition=partition.partition)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"lane {self._partition}")

    async def stop(self) -> None:
        """
        End the lane within a bound: wait for the transaction under way, throw away what has not begun to commit.

        Whatever is left undone here is undone for good by the next owner, who fences this lane's producer.
        """
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._drop_producer()

    async def _run(self) -> None:
        failures = 0
        while True:
            done = self.processed
            try:
                await self._begin()
                self.state = LaneState.RUNNING
                await self._work()
            except ProducerFenced:
                # The new owner is at work. Coming back at once would fence it in turn, so the rebalance that
                # takes this lane away gets time to arrive; it did not come only if the owner died meanwhile.
                self.state = LaneState.FENCED
                self._log.warning("lane_fenced")
                pause = self._settings.session_timeout_ms / 1000
            except Exception as error:  # noqa: BLE001  # whatever it was, nothing of it is committed and the way back is one
                self.state = LaneState.BACKING_OFF
                failures = 0 if self.processed > done else failures + 1
                pause = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
                unforeseen = None if isinstance(error, WORLD) else error
                self._log.warning("lane_backs_off", error=repr(error), pause_s=pause, exc_info=unforeseen)
            await self._drop_producer()
            await asyncio.sleep(pause)

    async def _begin(self) -> None:
        """Fence whoever had the partition before, then go to the committed offset."""
        number = self._partition.partition
        transactional_id = f"{self._group}-{self._partition.topic}-{number}"
        self._producer = client.producer(self._settings, client_id=transactional_id, transactional_id=transactional_id)
        async with asyncio.timeout(START_TIMEOUT_S):
            await self._producer.start()
            self._committed = await self._consumer.committed(self._partition)
            if self._committed is None:
                if not await self._consumer.seek_to_beginning(self._partition):
                    msg = f"no first offset of {self._partition} in time"
                    raise TimeoutError(msg)
            else:
                self._consumer.seek(self._partition, self._committed)

    async def _work(self) -> None:
        """Process batches for ever; batch N+1 is worked on while batch N commits."""
        while True:
            batch = await self._next_batch()
            if not batch:
                await self._settle()
                await self._commit_position()
                continue
            outputs = await self._transform([record_of(message) for message in batch])
            await self._settle()
            self._commit(outputs, batch[-1].offset + 1, records=len(batch))

    async def _next_batch(self) -> list[ConsumerRecord[Any, Any]]:
        limit = self._limits.batch_records
        fetched = await self._consumer.getmany(self._partition, timeout_ms=POLL_MS, max_records=limit)
        batch: list[ConsumerRecord[Any, Any]] = fetched.get(self._partition, [])
        return batch

    async def _commit_position(self) -> None:
        """
        Commit the position when there is nothing to do, so that lag reaches 0.

        The position steps over transaction markers and aborted records, which no record's offset does.
        """
        async with asyncio.timeout(START_TIMEOUT_S):
            position = await self._consumer.position(self._partition)
        if self._committed is None or position > self._committed:
            self._commit([], position, records=0)
            await self._settle()

    def _commit(self, outputs: Sequence[Output], offset: int, *, records: int) -> None:
        self._transaction = asyncio.create_task(self._transact(outputs, offset, records=records))

    async def _settle(self) -> None:
        """Wait for the transaction under way and raise what it raised. It goes on when this lane is cancelled."""
        if self._transaction is not None:
            transaction = self._transaction
            await asyncio.shield(transaction)
            self._transaction = None

    async def _transact(self, outputs: Sequence[Output], offset: int, *, records: int) -> None:
        assert self._producer is not None
        await self._producer.begin_transaction()
        acknowledgements: list[asyncio.Future[Any]] = []
        for output in outputs:
            topic = self._settings.topic(output.topic)
            sent = await self._producer.send(topic, output.value, key=output.key, headers=list(output.headers))
            sent.add_done_callback(_look_at)
            acknowledgements.append(sent)
        # commit_transaction() does not look at them: a refused record would be lost with its offset committed.
        await asyncio.gather(*acknowledgements)
        await self._producer.send_offsets_to_transaction({self._partition: OffsetAndMetadata(offset, "")}, self._group)
        await self._producer.commit_transaction()
        self._committed = offset
        self.processed += records

    async def _drop_producer(self) -> None:
        """
        Give the producer up: after any error it may hold half a transaction, so none is used again.

        A transaction under way gets time to end by itself. One that does not is left to the next producer with this
        id: starting, it makes the broker finish or abort what was open before it answers.
        """
        if self._transaction is not None:
            await asyncio.wait({self._transaction}, timeout=COMMIT_TIMEOUT_S)
            self._transaction.cancel()
            self._transaction.add_done_callback(_look_at)
            self._transaction = None
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await client.stop(producer)


def _look_at(task: asyncio.Future[Any]) -> None:
    """Take note of an outcome that no longer matters, so that asyncio does not complain of it."""
    if not task.cancelled():
        task.exception()


def record_of(message: ConsumerRecord[Any, Any]) -> Record:
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp_ms=message.timestamp,
        key=message.key,
        value=message.value,
        headers=tuple(message.headers),
    )
