"""Offsets -> the first record that a read-committed reader finds from there on, and its timestamp."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple, Self

from aiokafka import TopicPartition

from services.kafka import client
from services.kafka.cluster import Partition
from services.kafka.settings import KafkaSettings

PATIENCE_S: Final = 3.0
"""One time of asking takes no longer; what is not known by then is asked again the next time."""
POLL_S: Final = 0.02
FETCH_BYTES: Final = 32 * 1024
"""Of one partition in one fetch; a larger first batch still comes whole."""
MOST: Final = 500
"""Partitions that are asked at one time."""


class Place(NamedTuple):
    """An offset, and where its partition ended when it was last looked at."""

    partition: Partition
    offset: int
    end: int


class First(NamedTuple):
    """The first record at an offset or after it."""

    offset: int
    """Of the record; or, when there is none, from where on there may be one."""
    timestamp_ms: int | None
    """None: there is none yet, only transaction markers and aborted records."""


class FirstUnread:
    """
    Reads one record at each place it is asked for, and remembers what it has found.

    So a place costs a fetch once: what lies at a stable offset does not change, but for records that are deleted.
    Use as an async context manager; raises KafkaError when entered.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._found: dict[tuple[Partition, int], First] = {}

    async def __aenter__(self) -> Self:
        self._consumer = client.reader(self._settings, client_id="tagwire-monitor", fetch_bytes=FETCH_BYTES)
        await client.start(self._consumer)
        return self

    async def __aexit__(self, *_: object) -> None:
        await client.stop(self._consumer)

    async def ask(self, places: Iterable[Place]) -> Mapping[tuple[Partition, int], First]:
        """Return, by partition and offset, what is known of the places; whatever cannot be read is left out."""
        wanted = list(places)
        known = {(place.partition, place.offset) for place in wanted}
        self._found = {key: first for key, first in self._found.items() if key in known}
        # Several groups may stand at different offsets of one partition, and a consumer has one position in it.
        rounds: list[dict[Partition, Place]] = []
        depth: dict[Partition, int] = defaultdict(int)
        for place in [place for place in wanted if self._is_open(place)][:MOST]:
            if depth[place.partition] == len(rounds):
                rounds.append({})
            rounds[depth[place.partition]][place.partition] = place
            depth[place.partition] += 1
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                for each in rounds:
                    await self._read(each)
        if rounds:
            # Nothing more is fetched for the sake of what was asked.
            self._consumer.unsubscribe()
        return self._found

    def _is_open(self, place: Place) -> bool:
        first = self._found.get((place.partition, place.offset))
        return first is None or (first.timestamp_ms is None and first.offset < place.end)

    async def _read(self, places: Mapping[Partition, Place]) -> None:
        waiting = {TopicPartition(*partition): place for partition, place in places.items()}
        self._consumer.assign(list(waiting))
        for asked, place in waiting.items():
            first = self._found.get((place.partition, place.offset))
            self._consumer.seek(asked, first.offset if first else place.offset)
        while waiting:
            before = len(waiting)
            for asked, place in list(waiting.items()):
                if await self._poll(asked, place):
                    del waiting[asked]
            if len(waiting) == before:
                await asyncio.sleep(POLL_S)

    async def _poll(self, asked: TopicPartition, place: Place) -> bool:
        """Look for a record that has come; return whether there is nothing more to wait for."""
        try:
            messages = (await self._consumer.getmany(asked, timeout_ms=0, max_records=1)).get(asked, [])
        except Exception:  # noqa: BLE001  # it may not be read, or aiokafka cannot decode it: then it is not known
            return True
        if messages:
            self._found[place.partition, place.offset] = First(messages[0].offset, messages[0].timestamp)
            return True
        position = await self._consumer.position(asked)
        if position < place.end:
            return False
        self._found[place.partition, place.offset] = First(position, None)
        return True
