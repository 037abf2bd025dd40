"""Partitions -> what has come last in them, a bounded number of records at a time."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Self

from aiokafka import TopicPartition

from services.kafka import client
from services.kafka.client import record_of
from services.kafka.cluster import Ends, Partition
from services.kafka.polling import poll
from services.kafka.records import Record
from services.kafka.settings import KafkaSettings

PATIENCE_S: Final = 5.0
POLL_MS: Final = 200
FETCH_BYTES: Final = 256 * 1024
MOST_BYTES: Final = 32 * 2**20
"""Of records in one answer; documents may have 16 MiB."""


class Latest:
    """Each record is given once; where many have come, only the last of them. Use as an async context manager."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._seen: dict[Partition, int] = {}

    async def __aenter__(self) -> Self:
        self._consumer = client.reader(
            self._settings, client_id="tagwire-monitor", from_start=False, fetch_bytes=FETCH_BYTES
        )
        await client.start(self._consumer)
        return self

    async def __aexit__(self, *_: object) -> None:
        await client.stop(self._consumer)

    async def new(self, ends: Mapping[Partition, Ends], *, most: int) -> list[Record]:
        """Return at most so many of the last records of each partition, without those that were given before."""
        waiting: dict[TopicPartition, int] = {}
        begin: dict[TopicPartition, int] = {}
        for partition, (low, end, _) in ends.items():
            if low is None or end is None:
                continue
            if self._seen.get(partition, 0) > end:  # a new topic of the same name
                del self._seen[partition]
            since = max(low, self._seen.get(partition, 0), end - most)
            self._seen[partition] = end
            if since < end:
                waiting[TopicPartition(*partition)], begin[TopicPartition(*partition)] = end, since
        if not waiting:
            return []
        self._consumer.assign(list(waiting))
        for asked, since in begin.items():
            self._consumer.seek(asked, since)
        records: list[Record] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._read(waiting, begin, records)
        self._consumer.unsubscribe()
        return records

    async def _read(
        self, waiting: dict[TopicPartition, int], places: dict[TopicPartition, int], records: list[Record]
    ) -> None:
        size_bytes = 0
        while waiting and size_bytes < MOST_BYTES:
            fetched = await poll(self._consumer, places, timeout_ms=POLL_MS, most=100)
            for asked, messages in fetched.items():
                records += [record_of(message) for message in messages if message.offset < waiting[asked]]
                size_bytes += sum(record_of(message).size_bytes for message in messages)
            for asked in list(waiting):
                places[asked] = await self._consumer.position(asked)
                if places[asked] >= waiting[asked]:
                    del waiting[asked], places[asked]
