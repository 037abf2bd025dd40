"""A cluster -> how far each consumer group has come, and where a read-committed reader ends."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.commit import OffsetFetchRequest

from services.kafka import client
from services.kafka.admin import admin
from services.kafka.settings import KafkaSettings

STABLE: Final = "Stable"
"""The state of a group whose members all have their partitions, as the broker calls it."""
POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class GroupOffset:
    """How far a group has come in one partition."""

    group: str
    topic: str
    partition: int
    committed: int | None
    """Next offset to be read. None: nothing was ever committed."""
    end: int | None
    """Last stable offset: where a read-committed reader ends. None: the topic is gone."""


async def group_offsets(settings: KafkaSettings, groups: Iterable[str] | None = None) -> list[GroupOffset]:
    """
    Return the offsets of these groups, or of every group on the cluster, sorted by group, topic and partition.

    Committed offsets are read first and ends second: the other way round, lag could come out negative.
    """
    async with admin(settings) as connection:
        wanted = sorted(
            {name for name, _ in await connection.list_consumer_groups()} if groups is None else set(groups)
        )
        committed = {group: await _committed(connection, group) for group in wanted}
        topics = {topic["topic"] for topic in await connection.describe_topics()}
    partitions = {partition for offsets in committed.values() for partition in offsets if partition.topic in topics}
    ends = await _ends(settings, partitions)
    return [
        GroupOffset(group, partition.topic, partition.partition, offset, ends.get(partition))
        for group, offsets in committed.items()
        for partition, offset in sorted(offsets.items())
    ]


async def until_group_works(settings: KafkaSettings, group: str, *, members: int) -> None:
    """Return when the group has as many members and each has been told its partitions."""
    async with admin(settings) as connection:
        while True:
            (answer,) = await connection.describe_consumer_groups([group])
            for code, _, state, _, _, present, *_ in answer.groups:
                if not code and state == STABLE and len(present) >= members:
                    return
            await asyncio.sleep(POLL_S)


async def _committed(connection: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, int | None]:
    # Not list_consumer_group_offsets(): it takes an error of the coordinator for «no offsets», as the consumer does.
    coordinator = await connection.find_coordinator(group)
    answer: Any = await connection._send_request(OffsetFetchRequest(group, None), coordinator)  # noqa: SLF001
    if code := getattr(answer, "error_code", 0):
        raise for_code(code)(f"offsets of group {group}")
    offsets: dict[TopicPartition, int | None] = {}
    for topic, partitions in answer.topics:
        for partition, offset, _, code in partitions:
            if code:
                raise for_code(code)(f"offset of group {group} in {topic} {partition}")
            offsets[TopicPartition(topic, partition)] = None if offset < 0 else offset
    return offsets


async def _ends(settings: KafkaSettings, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    wanted = list(partitions)
    if not wanted:
        return {}
    reader = client.reader(settings, client_id="tagwire-lag")
    try:
        await reader.start()
        ends: dict[TopicPartition, int] = await reader.end_offsets(wanted)
        return ends
    finally:
        await client.stop(reader)
