"""
A pipeline: poll, process, write and commit one partition, over and over.

A reader polls and has slices of records processed; a writer takes what they became, in order, and commits each batch
in one transaction. So batch N+1 is worked on while batch N commits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from services.kafka import client
from services.kafka.breaker import Breaker
from services.kafka.budget import ByteBudget
from services.kafka.partition_reader import PartitionReader
from services.kafka.records import Output, Record
from services.kafka.transactions import Transactions
from services.telemetry.metrics import BATCH_BYTES, BATCH_RECORDS


class Outcome(Protocol):
    """What became of a record."""

    @property
    def outputs(self) -> Sequence[Output]: ...
    @property
    def is_bug(self) -> bool:
        """Whether our own code failed on it; many of those open the breaker."""


Transform = Callable[[Sequence[Record]], Awaitable[Sequence[Outcome]]]
"""Records of one partition in order -> one outcome each, in order. Pure in effect: it may run again."""

Committed = Callable[[Sequence[Any]], None]
"""Told the outcomes of a batch when its transaction has been committed. Must not raise."""

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


class Pipeline:
    """`run` it from a committed offset, and again after whatever it raised; nothing that it raised was committed."""

    def __init__(
        self,
        source: PartitionReader,
        transform: Transform,
        transactions: Transactions,
        *,
        on_committed: Committed,
        batch_records: int,
        budget: ByteBudget,
    ) -> None:
        """
        A batch with `batch_records` is committed at once. No slice is ever cut, so it may hold some more.

        `budget` bounds the bytes of records in work, of all pipelines of a process.
        """
        self.committed_records = 0
        self._source = source
        self._transform = transform
        self._transactions = transactions
        self._on_committed = on_committed
        self._batch_records = batch_records
        self._budget = budget
        self._breaker = Breaker()
        self._judged = asyncio.Event()
        """The breaker has let a batch pass."""
        self._in_work: list[Slice] = []
        self._clock = asyncio.get_running_loop().time
        self._moved_at = self._clock()
        # Until something is known, one record at a time.
        self._mean_bytes = float(SLICE_BYTES)
        self._mean_s = 0.0

    @property
    def is_at_work(self) -> bool:
        """Whether records are being processed or committed."""
        return bool(self._in_work)

    @property
    def is_probing(self) -> bool:
        """Whether the breaker is open; what runs then is a trial."""
        return self._breaker.is_open

    def stood_s(self) -> float:
        """Return for how many seconds nothing was committed, nor found to be all done."""
        return self._clock() - self._moved_at

    async def run(self) -> None:
        """Read and write for ever, or raise what either raises."""
        self._breaker.begin()
        found: asyncio.Queue[Slice | Idle | Exception] = asyncio.Queue(SLICES_AHEAD)
        reading = asyncio.create_task(self._read(found))
        try:
            await self._write(found)
        finally:
            try:
                # To its very end: else it would take records away from whoever reads the partition next.
                await client.end(reading)
            finally:
                for left in self._in_work:
                    left.outcomes.cancel()
                    self._budget.give_back(left.size_bytes)
                self._in_work.clear()

    async def _read(self, found: asyncio.Queue[Slice | Idle | Exception]) -> None:
        """Poll for ever; what is raised goes the same way as what is found, so that the writer meets it."""
        try:
            while True:
                if records := await self._source.poll(self._slice_size()):
                    begun = await self._begin_slice(records)
                    is_probe = self._breaker.is_open
                    self._judged.clear()
                    await found.put(begun)
                    if is_probe:  # what comes of it decides whether there is more
                        await self._judged.wait()
                else:
                    # Nobody else polls, so nothing lies between this position and the records that went before.
                    await found.put(Idle(await self._source.position()))
        except Exception as error:  # noqa: BLE001  # told to the writer
            await found.put(error)

    def _slice_size(self) -> int:
        """Return how many records to poll: bounded by number, bytes and estimated time."""
        most = PROBE_RECORDS if self._breaker.is_open else min(SLICE_RECORDS, self._batch_records)
        return max(1, min(most, int(SLICE_BYTES / self._mean_bytes), int(SLICE_S / max(self._mean_s, 1e-6))))

    async def _begin_slice(self, records: Sequence[Record]) -> Slice:
        """Have records processed, as soon as the budget allows."""
        fetched_at = self._clock()
        size_bytes = sum(record.size_bytes for record in records)
        self._mean_bytes = max(size_bytes / len(records), 1.0)
        await self._budget.take(size_bytes)
        outcomes = asyncio.ensure_future(self._transform(records))
        begun = Slice(len(records), size_bytes, records[-1].offset + 1, fetched_at, outcomes)
        outcomes.add_done_callback(partial(self._learn, begun, self._clock()))
        self._in_work.append(begun)
        return begun

    def _learn(self, ended: Slice, began_at: float, outcomes: asyncio.Task[Sequence[Outcome]]) -> None:
        """Note how long a slice took."""
        client.look_at(outcomes)
        self._mean_s = (self._clock() - began_at) / ended.records

    async def _write(self, found: asyncio.Queue[Slice | Idle | Exception]) -> None:
        """Commit what the reader has found, in order; batch N+1 is worked on while batch N commits."""
        held: Slice | None = None
        while True:
            match held or await found.get():
                case Exception() as error:
                    raise error
                case Idle(position):
                    await self._transactions.settle()
                    if self._transactions.committed is None or position > self._transactions.committed:
                        self._transactions.commit([], position)
                        await self._transactions.settle()
                    self._moved_at = self._clock()
                case Slice() as first:
                    batch, held = await self._batch(first, found)
                    outcomes = [outcome for each in batch for outcome in each.outcomes.result()]
                    await self._transactions.settle()
                    self._breaker.judge(outcome.is_bug for outcome in outcomes)
                    self._judged.set()
                    for each in batch:
                        self._in_work.remove(each)
                    outputs = [output for outcome in outcomes for output in outcome.outputs]
                    transaction = self._transactions.commit(outputs, batch[-1].next_offset)
                    # Not when the next batch waits for it: the next one may be waiting for these bytes.
                    transaction.add_done_callback(partial(self._end, batch, outcomes))

    async def _batch(
        self, first: Slice, found: asyncio.Queue[Slice | Idle | Exception]
    ) -> tuple[list[Slice], Slice | None]:
        """Return what is done `COMMIT_AFTER_S` after the first was fetched, or what a batch holds, and who is not."""
        batch = [first]
        await first.outcomes
        while sum(each.records for each in batch) < self._batch_records:
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

    def _end(self, batch: Sequence[Slice], outcomes: Sequence[Outcome], transaction: asyncio.Task[None]) -> None:
        """Give back what a batch held, however its transaction ended."""
        size_bytes = sum(each.size_bytes for each in batch)
        self._budget.give_back(size_bytes)
        if transaction.cancelled() or transaction.exception() is not None:
            return
        self._moved_at = self._clock()
        self.committed_records += len(outcomes)
        BATCH_RECORDS.observe(len(outcomes))
        BATCH_BYTES.observe(size_bytes)
        self._on_committed(outcomes)
