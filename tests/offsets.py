"""How far groups have come, for tests that wait for it."""

from collections.abc import Collection
from dataclasses import dataclass

from aiokafka.errors import KafkaError

from services.kafka.cluster import Cluster
from services.kafka.settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class GroupOffset:
    """How far a group has come in one partition."""

    group: str
    topic: str
    partition: int
    committed: int
    """Next offset to be read."""
    end: int | None
    """Last stable offset: where a read-committed reader ends. None: not known."""


async def group_offsets(settings: KafkaSettings, groups: Collection[str]) -> list[GroupOffset]:
    """Return where these groups have committed, sorted by group, topic and partition. Raises KafkaError."""
    async with Cluster(settings, includes=frozenset(groups).__contains__) as cluster:
        look = await cluster.look()
    if look.errors:
        raise KafkaError(str(look.errors))
    return [
        GroupOffset(name, partition.topic, partition.number, offset, look.ends[partition].end)
        for name, group in look.groups.items()
        for partition, offset in sorted(group.committed.items())
        if partition in look.ends
    ]
