"""
Topics -> their records, read-committed and outside any group: for people and for tools, not for services.

`follow` reads for ever; `read` ends where a topic ended when `ends` was asked.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, Final, NamedTuple

from aiokafka.errors import KafkaError

from schemas.topics import Topic
from services.kafka import client
from services.kafka.admin import missing_topics
from services.kafka.client import record_of
from services.kafka.polling import Polled, poll
from services.kafka.records import Record
from services.kafka.settings import KafkaSettings

POLL_MS: Final = 500
QUIET_S: Final = 3.0
"""After so long without a record, a follower asks whether Kafka is still there: aiokafka tells nobody."""
ANSWER_S: Final = 5.0
SILENT_S: Final = 30.0
"""aiokafka waits for ever for a broker that went away; a command that ends by itself must not."""
SILENT: Final = f"a topic could not be read to its end: Kafka was silent for {SILENT_S:g} s"

Ends = Mapping[int, int]
"""Partition -> the offset at which a read-committed reader ended at some time."""


class ReadError(Exception):
    """A topic is missing, or could not be read to its end; the message says which or why."""


class Link(StrEnum):
    """How a follower stands with Kafka."""

    READY = "ready"
    """It has its place: whatever is committed from now on will come."""
    CAUGHT_UP = "caught up"
    """From the start on: all that was there when it began has come."""
    LOST = "lost"
    """Kafka does not answer; it goes on when it does."""
    BACK = "back"


class Span(NamedTuple):
    """What a partition holds for a read-committed reader."""

    first: int
    end: int
    """Last stable offset."""


async def follow(
    settings: KafkaSettings,
    *topics: Topic,
    from_start: bool,
    client_id: str,
    on_link: Callable[[Link], None] = lambda _: None,
) -> AsyncGenerator[Record]:
    """
    Yield records for ever, from the first ones or from now on.

    `on_link` is told when Kafka goes and comes back, and when what came before is read. A topic that is missing is not
    waited for; what cannot be read is stepped over.
    """
    async with _consumer(settings, *topics, client_id=client_id, from_start=from_start) as consumer:
        for partition in consumer.assignment():
            await consumer.position(partition)  # or «from now on» would begin some time later
        before = await consumer.end_offsets(consumer.assignment()) if from_start else None
        on_link(Link.READY)
        clock = asyncio.get_running_loop().time
        heard_at, is_there = clock(), True
        while True:
            found = await _followed(consumer)
            for messages in found.values():
                for message in messages:
                    yield record_of(message)
            if before is not None and await _is_past(consumer, before):
                before = None
                on_link(Link.CAUGHT_UP)
            if found or clock() - heard_at > QUIET_S:
                was_there, is_there = is_there, bool(found) or await _answers(consumer)
                heard_at = clock()
                if was_there != is_there:
                    on_link(Link.BACK if is_there else Link.LOST)


async def read(
    settings: KafkaSettings, topic: Topic, until: Ends, *, client_id: str, since_ms: int = 0
) -> AsyncGenerator[Record]:
    """
    Yield the records before `until`, each partition in order, and end.

    With `since_ms` a partition is begun at its first record with such a timestamp or a later one. Raises ReadError when
    Kafka falls silent.
    """
    async with _consumer(settings, topic, client_id=client_id) as consumer:
        waiting = await _begun(consumer, until, since_ms)
        clock = asyncio.get_running_loop().time
        positions, moved_at = await _positions(consumer, waiting), clock()
        while waiting:
            places = {partition: positions[partition] for partition in waiting}
            for partition, messages in (await poll(consumer, places, timeout_ms=POLL_MS)).items():
                for message in messages:
                    if message.offset < until[partition.partition]:
                        yield record_of(message)
                moved_at = clock()  # however long the taker worked on them
            # Beyond the last record may lie transaction markers, which a position passes and no record shows.
            now = await _positions(consumer, waiting)
            if now != positions:
                positions, moved_at = now, clock()
            elif clock() - moved_at > SILENT_S:
                raise ReadError(SILENT)
            waiting = {partition for partition in waiting if now[partition] < until[partition.partition]}


async def ends(settings: KafkaSettings, topic: Topic, *, client_id: str) -> Ends:
    """Return where the topic ends now. Raises ReadError when it is missing."""
    found = await spans(settings, [topic], client_id=client_id)
    if not found:
        name = settings.topic(topic)
        raise ReadError(f"missing on {settings.bootstrap_servers}: {name}: run `tagwire topics create`")
    return {partition: span.end for (_, partition), span in found.items()}


async def spans(settings: KafkaSettings, topics: Sequence[Topic], *, client_id: str) -> dict[tuple[str, int], Span]:
    """Return what each partition holds now, by full topic name and partition; a topic that is missing has none."""
    missing = set(await missing_topics(settings, topics))
    present = [topic for topic in topics if settings.topic(topic) not in missing]
    if not present:
        return {}
    async with _consumer(settings, *present, client_id=client_id) as consumer:
        partitions = consumer.assignment()
        firsts, lasts = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    return {(each.topic, each.partition): Span(firsts[each], lasts[each]) for each in partitions}


@asynccontextmanager
async def _consumer(
    settings: KafkaSettings, *topics: Topic, client_id: str, from_start: bool = True
) -> AsyncIterator[Any]:
    names = (settings.topic(topic) for topic in topics)
    consumer = client.reader(settings, *names, client_id=client_id, from_start=from_start)
    try:
        await consumer.start()
        yield consumer
    finally:
        await client.stop(consumer)


async def _followed(consumer: Any) -> Polled:
    """Return what has come. Nothing, where Kafka does not say in time where a partition stands."""
    try:
        async with asyncio.timeout(ANSWER_S):
            places = {partition: await consumer.position(partition) for partition in consumer.assignment()}
    except TimeoutError:
        return {}
    return await poll(consumer, places, timeout_ms=POLL_MS)


async def _is_past(consumer: Any, ends: Mapping[Any, int]) -> bool:
    # Beyond the last record may lie transaction markers, which a position passes and no record shows.
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


async def _answers(consumer: Any) -> bool:
    try:
        async with asyncio.timeout(ANSWER_S):
            await consumer.end_offsets(consumer.assignment())
    except (TimeoutError, KafkaError):
        return False
    return True


async def _begun(consumer: Any, until: Ends, since_ms: int) -> set[Any]:
    """Go to where reading begins and return the partitions that have something to read."""
    waiting = {partition for partition in consumer.assignment() if until.get(partition.partition, 0) > 0}
    if since_ms <= 0 or not waiting:
        return waiting
    firsts = await consumer.offsets_for_times(dict.fromkeys(waiting, since_ms))
    begun = {partition for partition in waiting if firsts.get(partition) is not None}
    for partition in begun:
        consumer.seek(partition, firsts[partition].offset)
    return begun


async def _positions(consumer: Any, partitions: Iterable[Any]) -> dict[Any, int]:
    try:
        async with asyncio.timeout(SILENT_S):
            return {partition: await consumer.position(partition) for partition in partitions}
    except TimeoutError:
        raise ReadError(SILENT) from None
