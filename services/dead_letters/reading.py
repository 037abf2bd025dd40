"""A topic -> its records from the start, or from a time, to where it ended when it was asked; read-committed."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from typing import Any, Final

from schemas.topics import DEAD_LETTER, Topic
from services.dead_letters.letters import DeadLetterError, Letter, letter_of
from services.kafka import client
from services.kafka.admin import compare_topics
from services.kafka.client import record_of
from services.kafka.records import Record
from services.kafka.settings import KafkaSettings

CLIENT_ID: Final = "tagwire-dead-letters"
POLL_MS: Final = 500
SILENT_S: Final = 30.0
"""aiokafka waits for ever for a broker that went away; a command that ends by itself must not."""
SILENT: Final = f"a topic could not be read to its end: Kafka was silent for {SILENT_S:g} s"

Ends = Mapping[int, int]
"""Partition -> the offset at which a read-committed reader ended at some time."""


async def ends(settings: KafkaSettings, topic: Topic) -> Ends:
    """Return where the topic ends now. Raises DeadLetterError when it is missing."""
    (report,) = await compare_topics(settings, [topic])
    if not report.exists:
        raise DeadLetterError(f"missing on {settings.bootstrap_servers}: {report.name}: run `tagwire topics create`")
    consumer = client.reader(settings, report.name, client_id=CLIENT_ID)
    try:
        await consumer.start()
        found = await consumer.end_offsets(consumer.assignment())
        return {partition.partition: end for partition, end in found.items()}
    finally:
        await client.stop(consumer)


async def read(settings: KafkaSettings, topic: Topic, until: Ends, *, since_ms: int = 0) -> AsyncGenerator[Record]:
    """
    Yield the records before `until`, each partition in order, and end.

    With `since_ms` a partition is begun at its first record with such a timestamp or a later one. Raises
    DeadLetterError when Kafka falls silent.
    """
    consumer = client.reader(settings, settings.topic(topic), client_id=CLIENT_ID)
    try:
        await consumer.start()
        waiting = await _begun(consumer, until, since_ms)
        clock = asyncio.get_running_loop().time
        positions, moved_at = dict.fromkeys(waiting, -1), clock()
        while waiting:
            for partition, messages in (await consumer.getmany(*waiting, timeout_ms=POLL_MS)).items():
                for message in messages:
                    if message.offset < until[partition.partition]:
                        yield record_of(message)
                moved_at = clock()  # however long the taker worked on them
            # Beyond the last record may lie transaction markers, which a position passes and no record shows.
            now = await _positions(consumer, waiting)
            if now != positions:
                positions, moved_at = now, clock()
            elif clock() - moved_at > SILENT_S:
                raise DeadLetterError(SILENT)
            waiting = {partition for partition in waiting if now[partition] < until[partition.partition]}
    finally:
        await client.stop(consumer)


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
        raise DeadLetterError(SILENT) from None


async def read_letters(settings: KafkaSettings, until: Ends | None = None) -> AsyncGenerator[Letter]:
    """Yield every letter that is there now, or that was there at `until`."""
    until = await ends(settings, DEAD_LETTER) if until is None else until
    async with aclosing(read(settings, DEAD_LETTER, until)) as records:
        async for record in records:
            yield letter_of(record)
