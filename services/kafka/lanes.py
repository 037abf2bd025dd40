"""Lanes: a member of a consumer group that runs one lane for each partition it is given."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Final, Self

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from schemas.workers import LaneState
from services.kafka import client
from services.kafka.budget import ByteBudget
from services.kafka.lane import Lane, LaneLimits
from services.kafka.pipeline import Committed, Transform
from services.kafka.settings import KafkaSettings
from services.telemetry.metrics import BYTES_IN_FLIGHT, LANES, REBALANCES

log = structlog.get_logger()

WATCH_S: Final = 1.0
TOPIC_TIMEOUT_S: Final = 10.0
TOPIC_ASK_S: Final = 0.2
OUTSIDE_S: Final = 90.0
"""Without the group's answer to a join for so long is a problem: more than a rebalance may take."""


class Lanes(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Use as an async context manager: entering joins the group, leaving ends every lane and leaves it at once."""

    def __init__(
        self,
        settings: KafkaSettings,
        topic: str,
        *,
        group: str,
        transform: Transform,
        limits: LaneLimits,
        on_committed: Committed = lambda _: None,
        client_id: str | None = None,
    ) -> None:
        """
        `topic` and `group` are full names, as they are on the broker.

        `client_id` is what the member is called there; None: after its group, as every other member then.
        `on_committed` is told the outcomes of each transaction that was committed, once.
        """
        self._settings = settings
        self._topic = topic
        self._group = group
        self._transform = transform
        self._limits = limits
        self._on_committed = on_committed
        self._client_id = client_id or f"{group}-worker"
        self._budget = ByteBudget(limits.in_flight_bytes)
        self._is_leaving = False
        self.has_joined = False
        """Whether the group has given it its share, be it empty."""
        self._clock = asyncio.get_running_loop().time
        self._outside_since = self._clock()
        self._lanes: dict[TopicPartition, Lane] = {}
        self._consumer: AIOKafkaConsumer | None = None

    @property
    def states(self) -> dict[int, LaneState]:
        """Partition -> state of its lane, for the partitions that this member has."""
        return {partition.partition: lane.state for partition, lane in sorted(self._lanes.items())}

    def problems(self) -> dict[str, str]:
        """
        Return why an operator should look, by partition or `group`.

        Empty when all is well, also when there is nothing to do.
        """
        found = {str(partition.partition): lane.problem() for partition, lane in sorted(self._lanes.items())}
        if not self.has_joined and (outside_s := self._clock() - self._outside_since) > OUTSIDE_S:
            found["group"] = f"no member of {self._group} for {outside_s:.0f} s"
        return {where: problem for where, problem in found.items() if problem}

    async def __aenter__(self) -> Self:
        BYTES_IN_FLIGHT.set_function(lambda: self._budget.taken)
        for state in LaneState:
            LANES.labels(state).set_function(partial(self._lanes_in, state))
        self._consumer = await client.group_member(self._settings, self._group, client_id=self._client_id)
        try:
            await self._until_known(self._consumer)
        except BaseException:
            await client.stop(self._consumer)
            raise
        self._consumer.subscribe([self._topic], listener=self)
        return self

    async def _until_known(self, consumer: AIOKafkaConsumer) -> None:
        """Wait for a topic that was created just now: who joins before a broker knows of it gets no partitions."""
        with suppress(TimeoutError):
            async with asyncio.timeout(TOPIC_TIMEOUT_S):
                while self._topic not in await consumer.topics():  # noqa: ASYNC110  # nothing tells of it
                    await asyncio.sleep(TOPIC_ASK_S)

    async def __aexit__(self, *_: object) -> None:
        self._is_leaving = True
        await self._stop_lanes()
        if self._consumer is not None:
            await client.stop(self._consumer)
        BYTES_IN_FLIGHT.set_function(lambda: 0)
        for state in LaneState:
            LANES.labels(state).set_function(lambda: 0)

    async def watch(self) -> None:
        """Return never; raise when a task has ended that nobody starts again: only a new process can mend it."""
        assert self._consumer is not None
        while True:
            await asyncio.sleep(WATCH_S)
            for task in (*client.vital_tasks(self._consumer), *(lane.task for lane in self._lanes.values())):
                if task is not None and task.done() and not task.cancelled():
                    task.result()
            coordinator = self._consumer._coordinator  # noqa: SLF001  # nothing public tells it
            # After an error aiokafka joins again only when somebody has polled and met it; without a lane nobody does.
            try:
                coordinator.check_errors()
            except KafkaError as error:
                log.warning("group_error", group=self._group, error=repr(error))

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """End the lanes before anyone else may have their partitions; called by aiokafka."""
        if self.has_joined:
            self.has_joined, self._outside_since = False, self._clock()
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
        if self._is_leaving:  # a rebalance has ended while we left
            return
        self.has_joined = True
        REBALANCES.inc()
        for partition in sorted(assigned):
            lane = Lane(
                self._settings,
                self._consumer,
                partition,
                group=self._group,
                transform=self._transform,
                on_committed=self._on_committed,
                limits=self._limits,
                budget=self._budget,
            )
            self._lanes[partition] = lane
            lane.start()
        log.info("partitions_assigned", topic=self._topic, partitions=[p.partition for p in self._lanes])

    def _lanes_in(self, state: LaneState) -> int:
        return sum(lane.state is state for lane in self._lanes.values())

    async def _stop_lanes(self) -> None:
        lanes, self._lanes = list(self._lanes.values()), {}
        await asyncio.gather(*(lane.stop() for lane in lanes))
