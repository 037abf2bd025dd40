"""A cluster -> how far each consumer group is behind in each partition, ours also before their first commit."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.topics import Topic
from services.core.lag import lag
from services.kafka.offsets import GroupOffset, group_offsets
from services.kafka.reader import Span, spans
from services.kafka.settings import KafkaSettings

CLIENT_ID: Final = "tagwire-lag"


@dataclass(frozen=True, slots=True)
class PartitionLag:
    group: str
    topic: str
    partition: int
    committed: int | None
    """Next offset to be read. None: nothing was committed yet."""
    end: int | None
    """Last stable offset. None: the topic is gone."""
    lag: int | None
    """Records still to be read. None: not known, for it depends on where the group will begin."""


async def lags(
    settings: KafkaSettings, groups: Collection[str] | None, inputs: Mapping[str, Topic]
) -> list[PartitionLag]:
    """
    Return the lag of these groups, or of every group on the cluster, sorted by group, topic and partition.

    `inputs` are the groups that begin at the first record, and what they read; the first of them is expected to be
    there. Such a group has partitions without a commit listed, too.
    """
    offsets = await group_offsets(settings, groups)
    ours = expected(offsets, groups, inputs)
    held = await spans(settings, sorted(set(ours.values()), key=lambda topic: topic.name), client_id=CLIENT_ID)
    return rows(offsets, {group: settings.topic(topic) for group, topic in ours.items()}, held)


def expected(
    offsets: Iterable[GroupOffset], groups: Collection[str] | None, inputs: Mapping[str, Topic]
) -> dict[str, Topic]:
    """
    Return those of our groups that are to be shown whole: the ones asked for, or those that have committed something.

    Without any that reads what the first of them reads, the first is shown as well: a worker is still to come.
    """
    if groups is not None:
        return {group: inputs[group] for group in groups if group in inputs}
    present = {offset.group for offset in offsets}
    shown = {group: topic for group, topic in inputs.items() if group in present}
    first, topic = next(iter(inputs.items()))
    return shown if topic in shown.values() else {first: topic, **shown}


def rows(
    offsets: Iterable[GroupOffset], ours: Mapping[str, str], held: Mapping[tuple[str, int], Span]
) -> list[PartitionLag]:
    """Return a row for each offset, and for each partition of our groups' topics that has none."""
    told = {
        (each.group, each.topic, each.partition): PartitionLag(
            each.group, each.topic, each.partition, each.committed, each.end, lag(each.end, each.committed)
        )
        for each in offsets
    }
    for group, topic in ours.items():
        for (name, partition), span in held.items():
            row = told.get((group, topic, partition))
            if name == topic and (row is None or row.committed is None):
                still = lag(span.end, span.first)
                told[group, topic, partition] = PartitionLag(group, topic, partition, None, span.end, still)
    return [told[place] for place in sorted(told)]
