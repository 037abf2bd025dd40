"""
A lane: one assigned partition, worked on from fencing to revocation, whatever goes wrong between.

Its producer's transactional id belongs to the partition, so a new owner's producer fences the old owner's, however
long that one slept. A lane first fences, then reads the committed offset, then works from there: that order, and
that nothing else ever commits for the group, is why no record is lost and none is counted twice.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from schemas.workers import LaneState
from services.kafka import client
from services.kafka.breaker import BreakerOpen
from services.kafka.budget import ByteBudget
from services.kafka.partition_reader import PartitionReader
from services.kafka.pipeline import Committed, Pipeline, Transform
from services.kafka.settings import KafkaSettings
from services.kafka.transactions import Transactions
from services.telemetry.metrics import LANE_RESTARTS, RestartCause

log = structlog.get_logger()

START_TIMEOUT_S: Final = 30
"""For fencing and for the first position; a broker that is away makes the lane try again after it."""
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
BREAKER_BACKOFF_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
SILENT_S: Final = 30.0
"""Without any answer to a fetch for so long, there is a problem."""
WORLD: Final = (KafkaError, OSError, TimeoutError, AssertionError)
"""Errors that need no traceback. aiokafka guards its transactions with assert: a fenced one may show as that."""


@dataclass(frozen=True, slots=True)
class LaneLimits:
    batch_records: int
    """A batch with so many records is committed at once."""
    in_flight_bytes: int
    """Values that all lanes of a process have in work, at most; a single larger record still passes."""
    stalled_s: float = 60.0
    """Work and no commit for so long is a problem: more than the slowest slice may take."""


class Lane:
    """One assigned partition. `start` it when the partition is assigned, `stop` it when it is revoked."""

    def __init__(
        self,
        settings: KafkaSettings,
        consumer: AIOKafkaConsumer,
        partition: TopicPartition,
        *,
        group: str,
        transform: Transform,
        on_committed: Committed,
        limits: LaneLimits,
        budget: ByteBudget,
    ) -> None:
        self._state = LaneState.STARTING
        self._session_s = settings.session_timeout_ms / 1000
        self._partition = partition
        self._stalled_s = limits.stalled_s
        self._input = PartitionReader(consumer, partition)
        self._transactions = Transactions(settings, partition, group=group)
        self._pipeline = Pipeline(
            self._input,
            transform,
            self._transactions,
            on_committed=on_committed,
            batch_records=limits.batch_records,
            budget=budget,
        )
        self.task: asyncio.Task[None] | None = None
        """Ends by `stop` only; should it end otherwise, nobody works on the partition."""
        self._log = log.bind(topic=partition.topic, partition=partition.partition)

    @property
    def state(self) -> LaneState:
        """A trial while the breaker is open is no running."""
        is_trial = self._state in {LaneState.STARTING, LaneState.RUNNING} and self._pipeline.is_probing
        return LaneState.BREAKER_OPEN if is_trial else self._state

    def start(self) -> None:
        self.task = asyncio.create_task(self._run(), name=f"lane {self._partition}")

    async def stop(self) -> None:
        """
        End the lane within a bound: wait for the transaction under way, throw away what has not begun to commit.

        Whatever is left undone here is undone for good by the next owner, who fences this lane's producer.
        """
        if self.task is not None:
            await client.end(self.task)
        await self._transactions.drop()

    def problem(self) -> str | None:
        """Return why an operator should look at this lane; None when it works, or has nothing to do."""
        if self.state is LaneState.BREAKER_OPEN:
            return "our own code fails on most records: the breaker is open"
        if (stood_s := self._pipeline.stood_s()) > self._stalled_s:
            return f"{self.state}, and nothing committed for {stood_s:.0f} s"
        # With records in work it need not be asked.
        if not self._pipeline.is_at_work and (silent_s := self._input.silent_s()) > SILENT_S:
            return f"Kafka has not answered for {silent_s:.0f} s"
        return None

    async def _run(self) -> None:
        failures = 0
        while True:
            done = self._pipeline.committed_records
            try:
                await self._begin()
                self._state = LaneState.RUNNING
                await self._pipeline.run()
            except ProducerFenced:
                # The new owner is at work. Coming back at once would fence it in turn, so the rebalance that
                # takes this lane away gets time to arrive; it did not come only if the owner died meanwhile.
                self._state = LaneState.FENCED
                LANE_RESTARTS.labels(RestartCause.FENCED).inc()
                self._log.warning("lane_fenced")
                pause_s = self._session_s
            except Exception as error:  # noqa: BLE001  # nothing of it is committed, and there is one way back from all
                failures = 0 if self._pipeline.committed_records > done else failures + 1
                pause_s = self._tell(error, failures)
            await self._transactions.drop()
            await asyncio.sleep(pause_s)

    def _tell(self, error: Exception, failures: int) -> float:
        """Set the state, log what happened and return how long to pause."""
        if isinstance(error, BreakerOpen):
            self._state = LaneState.BREAKER_OPEN
            LANE_RESTARTS.labels(RestartCause.BREAKER_OPEN).inc()
            pause_s = BREAKER_BACKOFF_S[min(failures, len(BREAKER_BACKOFF_S) - 1)]
            self._log.error("breaker_open", pause_s=pause_s)
        else:
            self._state = LaneState.BACKING_OFF
            pause_s = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
            unforeseen = None if isinstance(error, WORLD) else error
            LANE_RESTARTS.labels(RestartCause.UNFORESEEN if unforeseen else RestartCause.KAFKA).inc()
            self._log.warning("lane_backs_off", error=repr(error), pause_s=pause_s, exc_info=unforeseen)
        return pause_s

    async def _begin(self) -> None:
        """Fence whoever had the partition before, then go to the committed offset."""
        async with asyncio.timeout(START_TIMEOUT_S):
            await self._transactions.open()
            await self._input.go_to_committed()
