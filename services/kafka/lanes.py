"""Lanes: a member of a consumer group that runs one lane for each partition it is given."""

import asyncio
from collections.abc import Iterable
from typing import Final, Self

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from services.kafka import client
from services.kafka.budget import ByteBudget
from services.kafka.lane import Lane, LaneLimits, LaneState, Transform
from services.kafka.settings import KafkaSettings

log = structlog.get_logger()

WATCH_S: Final = 1.0


class Lanes(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Use as an async context manager: entering joins the group, leaving ends every lane and leaves it at once."""

    def __init__(
        self, settings: KafkaSettings, topic: str, *, group: str, transform: Transform, limits: LaneLimits
    ) -> None:
        """`topic` and `group` are full names, as they are on the broker."""
        self._settings = settings
        self._topic = topic
        self._group = group
        self._transform = transform
        self._limits = limits
        self._budget = ByteBudget(limits.in_flight_bytes)
        self.has_joined = False
        """Whether the group has given it its share, be it empty."""
        self._lanes: dict[TopicPartition, Lane] = {}
        self._consumer: AIOKafkaConsumer | None = None

    @property
    def states(self) -> dict[int, LaneState]:
        """Partition -> state of its lane, for the partitions that this member has."""
        return {partition.partition: lane.state for partition, lane in sorted(self._lanes.items())}

    def problems(self) -> dict[int, str]:
        """Partition -> why an operator should look at it; empty when all is well, also when there is nothing to do."""
        found = {partition.partition: lane.problem() for partition, lane in sorted(self._lanes.items())}
        return {number: problem for number, problem in found.items() if problem}

    async def __aenter__(self) -> Self:
        self._consumer = await client.group_member(self._settings, self._group, client_id=f"{self._group}-worker")
        self._consumer.subscribe([self._topic], listener=self)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop_lanes()
        if self._consumer is not None:
            await client.stop(self._consumer)

    async def watch(self) -> None:
        """Return never; raise when the membership itself has broken and only a new process can mend it."""
        assert self._consumer is not None
        while True:
            await asyncio.sleep(WATCH_S)
            membership = self._consumer._coordinator._coordination_task  # noqa: SLF001  # nothing public tells it
            if membership.done():
                membership.result()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """End the lanes before anyone else may have their partitions; called by aiokafka."""
        self.has_joined = False
        await self._stop_lanes()
        if revoked := sorted(partition.partition for partition in revoked):
            log.info("partitions_revoked", topic=self._topic, partitions=revoked)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """
        Start a lane for each partition; called by aiokafka.

        Nothing is polled but by lanes, and each fences before it polls, so records that aiokafka has already
        fetched from some other position are never seen.
        """
        assert self._consumer is not None
        self.has_joined = True
        for partition in sorted(assigned):
            lane = Lane(
                self._settings,
                self._consumer,
                partition,
                group=self._group,
                transform=self._transform,
                limits=self._limits,
                budget=self._budget,
            )
            self._lanes[partition] = lane
            lane.start()
        log.info("partitions_assigned", topic=self._topic, partitions=[p.partition for p in self._lanes])

    async def _stop_lanes(self) -> None:
        lanes, self._lanes = list(self._lanes.values()), {}
        await asyncio.gather(*(lane.stop() for lane in lanes))
