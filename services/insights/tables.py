"""
Rows of a partition -> Faust's table: its changelog first, then its RocksDB.

Faust's own `table[key] = value` writes RocksDB at once and the changelog some time later, through a buffer that tells
nobody when it fails, and notes the offset of the changelog row by row: some 2,000 rows a second. Here the changelog is
acknowledged first, and then all rows go into RocksDB with its offset in one step. So the local store is never ahead of
the changelog, and what a crash leaves is read again from it. Assignment, recovery and standby copies are Faust's.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, NamedTuple

from rocksdict import WriteBatch

from services.kafka.records import Placed

Write = Callable[[Iterable[Placed]], Awaitable[list[int]]]


class Row(NamedTuple):
    partition: int
    key: bytes
    value: bytes | None
    """None: the row is deleted."""


class Table:
    """A table of Faust's, whose partitions are those of its agent's topic."""

    def __init__(self, app: Any, name: str, changelog: str, *, partitions: int) -> None:
        """`changelog` is the topic's name on the broker."""
        topic = app.topic(
            changelog,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            allow_empty=True,
            acks=False,
            internal=True,
            partitions=partitions,
            compacting=True,
        )
        self.name = name
        self.changelog = changelog
        self.faust = app.Table(
            name, key_type=bytes, value_type=bytes, partitions=partitions, changelog_topic=topic, options={}
        )

    @property
    def _store(self) -> Any:
        return self.faust.data

    def rows(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        store = self._store
        for key, value in store._db_for_partition(partition).items():  # noqa: SLF001  # Faust's goes by the event in work
            if key != store.offset_key:
                yield key, value

    def get(self, partition: int, key: bytes) -> bytes | None:
        value: bytes | None = self._store._db_for_partition(partition).get(key)  # noqa: SLF001
        return value

    async def write(self, rows: Iterable[Row], write: Write) -> None:
        """Write rows and return when they are in the changelog and in the store; later ones of a key win."""
        last = {(row.partition, row.key): row for row in rows}
        ordered = list(last.values())
        offsets = await write(Placed(self.changelog, row.partition, row.key, row.value) for row in ordered)
        batches: dict[int, WriteBatch] = defaultdict(lambda: WriteBatch(raw_mode=True))
        ends: dict[int, int] = {}
        for row, offset in zip(ordered, offsets, strict=True):
            if row.value is None:
                batches[row.partition].delete(row.key)
            else:
                batches[row.partition].put(row.key, row.value)
            ends[row.partition] = max(offset, ends.get(row.partition, -1))
        store = self._store
        for partition, batch in batches.items():
            batch.put(store.offset_key, str(ends[partition]).encode())
            store._db_for_partition(partition).write(batch)  # noqa: SLF001
