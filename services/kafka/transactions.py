"""Outputs and an offset -> one committed transaction; the producer is fenced by whoever opens the next one."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from services.kafka import client
from services.kafka.record_batches import RecordBatches
from services.kafka.records import Output
from services.kafka.settings import KafkaSettings
from services.telemetry.metrics import TRANSACTION_DURATION, TRANSACTION_RECORDS, TRANSACTIONS

TRANSACTION_TIMEOUT_S: Final = client.TRANSACTION_TIMEOUT_MS / 1000
"""After it the broker aborts what is open, so there is nothing left to wait for. aiokafka would: once in a while, after
the broker's disk was full, a transaction did not end and nobody was told."""
COMMIT_TIMEOUT_S: Final = 20
"""How long a revoked lane waits for the transaction under way. Well under the rebalance timeout."""


class Transactions:
    """The transactional producer of one input partition: one transaction at a time, and none after an error."""

    def __init__(self, settings: KafkaSettings, partition: TopicPartition, *, group: str) -> None:
        self.committed: int | None = None
        """Offset of the last transaction that ended well here; None before the first."""
        self._settings = settings
        self._partition = partition
        self._group = group
        self._producer: AIOKafkaProducer | None = None
        self._under_way: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """
        Start a producer, and with that end whatever another one with the same id had begun.

        The broker answers only when a transaction that was left open is committed or aborted, so an offset that is
        read after this is the last word.
        """
        identity = f"{self._group}-{self._partition.topic}-{self._partition.partition}"
        self.committed = None
        self._producer = client.producer(self._settings, client_id=identity, transactional_id=identity)
        await self._producer.start()

    def commit(self, outputs: Sequence[Output], offset: int) -> asyncio.Task[None]:
        """Begin to write outputs and offset in one transaction, and return it; `settle` waits for it."""
        assert self._under_way is None, "one at a time"
        self._under_way = asyncio.create_task(self._measured(outputs, offset))
        return self._under_way

    async def settle(self) -> None:
        """Wait for the transaction under way and raise what it raised. It goes on when the caller is cancelled."""
        if self._under_way is not None:
            await asyncio.shield(self._under_way)
            self._under_way = None

    async def drop(self) -> None:
        """
        Give the producer up, within a bound: after any error it may hold half a transaction, so none is used again.

        A transaction under way gets time to end by itself. One that does not is left to the next `open`, here or
        elsewhere, which settles it at the broker.
        """
        if self._under_way is not None:
            await asyncio.wait({self._under_way}, timeout=COMMIT_TIMEOUT_S)
            self._under_way.cancel()
            self._under_way.add_done_callback(client.look_at)
            self._under_way = None
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await client.stop(producer)

    async def _measured(self, outputs: Sequence[Output], offset: int) -> None:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(TRANSACTION_TIMEOUT_S):
                await self._transact(outputs, offset)
        except BaseException:
            TRANSACTIONS.labels("failed").inc()
            raise
        TRANSACTIONS.labels("committed").inc()
        TRANSACTION_DURATION.observe(time.perf_counter() - began)
        TRANSACTION_RECORDS.observe(len(outputs))

    async def _transact(self, outputs: Sequence[Output], offset: int) -> None:
        assert self._producer is not None
        await self._producer.begin_transaction()
        batches = RecordBatches(self._producer)
        topics = {name: self._settings.topic(name) for name in {output.topic for output in outputs}}
        batches.announce(topics.values())
        for output in outputs:
            await batches.add(topics[output.topic], output)
        # commit_transaction() does not look at them: a refused record would be lost with its offset committed.
        await batches.flush()
        await self._producer.send_offsets_to_transaction({self._partition: OffsetAndMetadata(offset, "")}, self._group)
        await self._producer.commit_transaction()
        self.committed = offset
