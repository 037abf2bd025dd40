"""A partition of a group member -> its records, from the committed offset on, whatever is in them."""

import time
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from schemas import headers
from services.kafka.client import record_of
from services.kafka.records import Record

log = structlog.get_logger()

POLL_MS: Final = 200


class PartitionReader:
    """The only one that polls its partition, so nobody else moves the position."""

    def __init__(self, consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
        self._consumer = consumer
        self._partition = partition
        self._is_careful = False
        """One record at a time, since one of the next cannot be read at all."""
        self._began_ms = time.time() * 1000
        self._log = log.bind(topic=partition.topic, partition=partition.partition)

    async def go_to_committed(self) -> None:
        """Go to the committed offset, or to the first one where nothing was ever committed."""
        committed = await self._consumer.committed(self._partition)
        if committed is None:
            await self._go_to_first()
        else:
            self._consumer.seek(self._partition, committed)

    async def position(self) -> int:
        """Return the next offset. After an empty poll it lies beyond markers and aborted records, too."""
        position: int = await self._consumer.position(self._partition)
        return position

    def silent_s(self) -> float:
        """Return for how many seconds Kafka has not answered a fetch of this partition."""
        if self._partition not in self._consumer.assignment():
            return 0.0
        answered_ms = self._consumer.last_poll_timestamp(self._partition) or self._began_ms
        return time.time() - answered_ms / 1000

    async def poll(self, limit: int) -> list[Record]:
        """Return up to `limit` records; none when there was nothing for `POLL_MS`."""
        fetched: dict[TopicPartition, list[ConsumerRecord[Any, Any]]] = {}
        try:
            fetched = await self._consumer.getmany(
                self._partition, timeout_ms=POLL_MS, max_records=1 if self._is_careful else limit
            )
        except OffsetOutOfRangeError:
            # Deleted before it was read, or the topic is a new one of the same name: both are a loss to tell of.
            wanted = await self.position()
            await self._go_to_first()
            self._log.error("offset_out_of_range", wanted=wanted, first=await self.position())
        except UnicodeDecodeError as error:
            return await self._step_over(error)
        if not fetched:
            self._is_careful = False
        return [record_of(message) for message in fetched.get(self._partition, [])]

    async def _step_over(self, error: UnicodeDecodeError) -> list[Record]:
        """
        Find the record whose header name is no UTF-8, which aiokafka cannot return, and step over it.

        What stands before it is polled first, one by one. Of the record itself only the place is known: it is returned
        without key and value, so that it ends in the dead letters. So do those that follow it in the same batch of its
        producer, since aiokafka reads a batch from its beginning.
        """
        if not self._is_careful:
            self._is_careful = True
            return []
        self._is_careful = False
        offset = await self.position()
        self._consumer.seek(self._partition, offset + 1)
        self._log.warning("record_unreadable", offset=offset, error=str(error))
        known = ((headers.UNREADABLE, b"the name of a header is not UTF-8"),)
        return [Record(self._partition.topic, self._partition.partition, offset, 0, None, None, known)]

    async def _go_to_first(self) -> None:
        if not await self._consumer.seek_to_beginning(self._partition):
            raise TimeoutError(f"no first offset of {self._partition}")
