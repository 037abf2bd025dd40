"""
A lane: consume, process, produce and commit one partition, each batch in one transaction.

Its producer's transactional id belongs to the partition, so a new owner's producer fences the old owner's, however
long that one slept. A lane first fences, then reads the committed offset, then works from there: that order, and
that nothing else ever commits for the group, is why no record is lost and none is counted twice.

A reader polls and has slices of records processed; a writer takes what they became, in order, and commits. So batch
N+1 is worked on while batch N commits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from services.kafka.breaker import Breaker, BreakerOpen
from services.kafka.budget import ByteBudget
from services.kafka.partition_reader import PartitionReader
from services.kafka.records import Output, Record
from services.kafka.settings import KafkaSettings
from services.kafka.transactions import Transactions, look_at

log = structlog.get_logger()


class Outcome(Protocol):
    """What became of a record."""

    @property
    def outputs(self) -> Sequence[Output]: ...
    @property
    def is_bug(self) -> bool:
        """Whether our own code failed on it; many of those open the breaker."""


Transform = Callable[[Sequence[Record]], Awaitable[Sequence[Outcome]]]
"""Records of one partition in order -> one outcome each, in order. Pure in effect: it may run again."""

COMMIT_AFTER_S: Final = 0.05
"""A transaction takes some 22 ms of waiting, so a batch is what this time brings."""
SLICE_BYTES: Final = 2**20
"""Values that are polled and processed at once."""
SLICE_RECORDS: Final = 500
SLICE_S: Final = 1.0
"""Estimated time that a slice takes: a lane that must stop, or is asked whether it moves, has an answer soon."""
PROBE_RECORDS: Final = 20
"""What is tried while the breaker is open."""
SLICES_AHEAD: Final = 4
"""Slices that wait for the writer; the byte budget bounds them, too."""
START_TIMEOUT_S: Final = 30
"""For fencing and for the first position; a broker that is away makes the lane try again after it."""
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
BREAKER_BACKOFF_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
SILENT_S: Final = 30.0
"""No answer to a fetch for so long is one, too."""
WORLD: Final = (KafkaError, OSError, TimeoutError, AssertionError)
"""Errors that need no traceback. aiokafka guards its transactions with assert: a fenced one may show as that."""


class LaneState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    FENCED = "fenced"
    """Another worker took the partition over; a rebalance will end this lane."""
    BACKING_OFF = "backing_off"
    BREAKER_OPEN = "breaker_open"
    """Our own code fails on most records; one batch is tried after each pause."""


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Consecutive records in work."""

    records: int
    size_bytes: int
    next_offset: int
    fetched_at: float
    outcomes: asyncio.Task[Sequence[Outcome]]


@dataclass(frozen=True, slots=True)
class Idle:
    """A poll brought nothing."""

    position: int
    """Beyond the last record, and beyond transaction markers and aborted records, which no record's offset is."""


@dataclass(frozen=True, slots=True)
class LaneLimits:
    batch_records: int
    """A batch with so many records is committed at once. No slice is ever cut, so it may hold some more."""
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
        limits: LaneLimits,
        budget: ByteBudget,
    ) -> None:
        self.state = LaneState.STARTING
        self.processed = 0
        """Records whose transaction was committed."""
        self._session_s = settings.session_timeout_ms / 1000
        self._partition = partition
        self._input = PartitionReader(consumer, partition)
        self._transform = transform
        self._limits = limits
        self._budget = budget
        self._breaker = Breaker()
        self._in_work: list[Slice] = []
        self._transactions = Transactions(settings, partition, group=group)
        self.task: asyncio.Task[None] | None = None
        """Ends by `stop` only; should it end otherwise, nobody works on the partition."""
        self._clock = asyncio.get_running_loop().time
        self._moved_at = self._clock()
        # Until something is known, one record at a time.
        self._mean_bytes = float(SLICE_BYTES)
        self._mean_s = 0.0
        self._log = log.bind(topic=partition.topic, partition=partition.partition)

    def start(self) -> None:
        self.task = asyncio.create_task(self._run(), name=f"lane {self._partition}")

    async def stop(self) -> None:
        """
        End the lane within a bound: wait for the transaction under way, throw away what has not begun to commit.

        Whatever is left undone here is undone for good by the next owner, who fences this lane's producer.
        """
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait({self.task})
        await self._transactions.drop()

    def problem(self) -> str | None:
        """Return why an operator should look at this lane; None when it works, or has nothing to do."""
        if self.state is LaneState.BREAKER_OPEN:
            return "our own code fails on most records: the breaker is open"
        stood_s = self._clock() - self._moved_at
        if stood_s > self._limits.stalled_s:
            return f"{self.state}, and nothing committed for {stood_s:.0f} s"
        # With records in work it need not be asked.
        if not self._in_work and (silent_s := self._input.silent_s()) > SILENT_S:
            return f"Kafka has not answered for {silent_s:.0f} s"
        return None

    async def _run(self) -> None:
        failures = 0
        while True:
            done = self.processed
            try:
                await self._begin()
                self.state = LaneState.RUNNING
                await self._work()
            except ProducerFenced:
                # The new owner is at work. Coming back at once would fence it in turn, so the rebalance that
                # takes this lane away gets time to arrive; it did not come only if the owner died meanwhile.
                self.state = LaneState.FENCED
                self._log.warning("lane_fenced")
                pause_s = self._session_s
            except Exception as error:  # noqa: BLE001  # nothing of it is committed, and there is one way back from all
                failures = 0 if self.processed > done else failures + 1
                pause_s = self._tell(error, failures)
            await self._transactions.drop()
            await asyncio.sleep(pause_s)

    def _tell(self, error: Exception, failures: int) -> float:
        """Set the state, log what happened and return how long to pause."""
        if isinstance(error, BreakerOpen):
            self.state = LaneState.BREAKER_OPEN
            pause_s = BREAKER_BACKOFF_S[min(failures, len(BREAKER_BACKOFF_S) - 1)]
            self._log.error("breaker_open", pause_s=pause_s)
        else:
            self.state = LaneState.BACKING_OFF
            pause_s = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
            unforeseen = None if isinstance(error, WORLD) else error
            self._log.warning("lane_backs_off", error=repr(error), pause_s=pause_s, exc_info=unforeseen)
        return pause_s

    async def _begin(self) -> None:
        """Fence whoever had the partition before, then go to the committed offset."""
        async with asyncio.timeout(START_TIMEOUT_S):
            await self._transactions.open()
            await self._input.go_to_committed()

    async def _work(self) -> None:
        """Read and write for ever, or raise what either raises."""
        found: asyncio.Queue[Slice | Idle | Exception] = asyncio.Queue(SLICES_AHEAD)
        reading = asyncio.create_task(self._read(found))
        try:
            await self._write(found)
        finally:
            # Given back before anything is waited for, since a wait may be cancelled.
            reading.cancel()
            for left in self._in_work:
                left.outcomes.cancel()
                self._budget.give_back(left.size_bytes)
            self._in_work.clear()
            await asyncio.wait({reading})

    async def _read(self, found: asyncio.Queue[Slice | Idle | Exception]) -> None:
        """Poll for ever; what is raised goes the same way as what is found, so that the writer meets it."""
        try:
            while True:
                if records := await self._input.poll(self._slice_size()):
                    await found.put(await self._begin_slice(records))
                else:
                    # Nobody else polls, so nothing lies between this position and the records that went before.
                    await found.put(Idle(await self._input.position()))
        except Exception as error:  # noqa: BLE001  # told to the writer
            await found.put(error)

    def _slice_size(self) -> int:
        """Return how many records to poll: bounded by number, bytes and estimated time."""
        most = PROBE_RECORDS if self._breaker.is_open else min(SLICE_RECORDS, self._limits.batch_records)
        return max(1, min(most, int(SLICE_BYTES / self._mean_bytes), int(SLICE_S / max(self._mean_s, 1e-6))))

    async def _begin_slice(self, records: Sequence[Record]) -> Slice:
        """Have records processed, as soon as the budget allows."""
        fetched_at = self._clock()
        size_bytes = sum(len(record.value or b"") for record in records)
        self._mean_bytes = max(size_bytes / len(records), 1.0)
        await self._budget.take(size_bytes)
        outcomes = asyncio.ensure_future(self._transform(records))
        begun = Slice(len(records), size_bytes, records[-1].offset + 1, fetched_at, outcomes)
        outcomes.add_done_callback(partial(self._learn, begun, self._clock()))
        self._in_work.append(begun)
        return begun

    def _learn(self, ended: Slice, began_at: float, outcomes: asyncio.Task[Sequence[Outcome]]) -> None:
        """Note how long a slice took."""
        look_at(outcomes)
        self._mean_s = (self._clock() - began_at) / ended.records
        self._moved_at = self._clock()

    async def _write(self, found: asyncio.Queue[Slice | Idle | Exception]) -> None:
        """Commit what the reader has found, in order; batch N+1 is worked on while batch N commits."""
        held: Slice | None = None
        while True:
            match held or await found.get():
                case Exception() as error:
                    raise error
                case Idle(position):
                    await self._settle()
                    if self._transactions.committed is None or position > self._transactions.committed:
                        self._transactions.commit([], position)
                        await self._settle()
                case Slice() as first:
                    batch, held = await self._batch(first, found)
                    outcomes = [outcome for each in batch for outcome in each.outcomes.result()]
                    await self._settle()
                    self._breaker.judge(outcome.is_bug for outcome in outcomes)
                    for each in batch:
                        self._in_work.remove(each)
                    outputs = [output for outcome in outcomes for output in outcome.outputs]
                    transaction = self._transactions.commit(outputs, batch[-1].next_offset)
                    # Not when the next batch waits for it: the next one may be waiting for these bytes.
                    transaction.add_done_callback(partial(self._release, batch))

    async def _batch(
        self, first: Slice, found: asyncio.Queue[Slice | Idle | Exception]
    ) -> tuple[list[Slice], Slice | None]:
        """Return what is done `COMMIT_AFTER_S` after the first was fetched, or what a batch holds, and who is not."""
        batch = [first]
        await first.outcomes
        while sum(each.records for each in batch) < self._limits.batch_records:
            try:
                async with asyncio.timeout_at(first.fetched_at + COMMIT_AFTER_S):
                    follower = await found.get()
            except TimeoutError:
                break
            if isinstance(follower, Exception):
                raise follower
            if isinstance(follower, Idle):  # it will be said again
                break
            left_s = max(0.0, first.fetched_at + COMMIT_AFTER_S - self._clock())
            done, _ = await asyncio.wait({follower.outcomes}, timeout=left_s)
            if not done:
                return batch, follower
            follower.outcomes.result()
            batch.append(follower)
        return batch, None

    async def _settle(self) -> None:
        """Wait for the transaction under way. Raises what it raised."""
        await self._transactions.settle()
        self._moved_at = self._clock()

    def _release(self, batch: Sequence[Slice], transaction: asyncio.Task[None]) -> None:
        """Give back what a batch held, however its transaction ended."""
        self._budget.give_back(sum(each.size_bytes for each in batch))
        if not transaction.cancelled() and transaction.exception() is None:
            self.processed += sum(each.records for each in batch)
            self._moved_at = self._clock()
