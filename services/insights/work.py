"""
A batch of records -> what follows of it, and then its offset: the one order in which all agents work.

What follows is written first, then the tables, and each is acknowledged before the next begins; only then are the
records done. So whatever dies between comes again, and what was said is said once more; turned round, a table would
know of a document that nobody was told of.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog

from schemas.topics import Topic
from services.insights.pulse import Pulse, StoodStillError
from services.insights.tables import Row, Table
from services.kafka.records import Placed, Record
from services.telemetry.insight_metrics import RECEIVED

log = structlog.get_logger()

BATCH: Final = 500
"""Records taken at once, if so many are there: an agent is not held up for long, nor is a rebalance."""
BATCH_BYTES: Final = 4 * 1024 * 1024
"""Of their values: a packed record may hold hundreds of documents."""
GATHER_S: Final = 0.1
"""How long a batch waits for more: what is packed together costs less on its way."""
END_S: Final = 45.0
"""What is in hand when a rebalance begins must end within it, before others get its partitions: the group waits for
60 s (`services.kafka.client.REBALANCE_TIMEOUT_MS`)."""


@dataclass(slots=True)
class Effects:
    """What follows of a batch."""

    outputs: list[Placed] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    done: Callable[[], None] = lambda: None
    """Called when all of it is written: to count it, or to go on from it."""


class Agent(Protocol):
    """What is done with the records of a topic. It decides and writes nothing; the table's rows are its memory."""

    name: str
    source: Topic
    table: Table | None

    def take(self, records: Sequence[Record]) -> Effects:
        """Return what follows. What it raises ends the process: a record's own faults are for it to catch."""
        ...

    def tick(self) -> Effects:
        """Return what follows of time passing."""
        ...

    def remember(self, partition: int, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take over a partition: build what is kept in memory from its rows."""
        ...

    def forget(self, partition: int) -> None:
        """Drop what is kept in memory of a partition that is another's."""
        ...

    @property
    def rows(self) -> int:
        """How many rows the table has here."""
        ...


class Work:
    """What is in hand, of all agents of a process. Nothing is begun while partitions change hands."""

    def __init__(self, write: Callable[[Iterable[Placed]], Awaitable[list[int]]], pulse: Pulse) -> None:
        self._write = write
        self._pulse = pulse
        self._is_open = False
        self.closed = 0
        """How often it was closed."""
        self._in_hand = 0
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """An agent does one thing at a time, or an older row could be written over a later one."""
        self._idle = asyncio.Event()
        self._idle.set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Raises what must end the process."""

    def fail(self, error: BaseException) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)

    async def close(self) -> None:
        """Begin nothing more, and return when what is in hand is done."""
        self._is_open = False
        self.closed += 1
        try:
            async with asyncio.timeout(END_S):
                await self._idle.wait()
        except TimeoutError:
            self.fail(StoodStillError(f"work in hand was not done {END_S:g} s after a rebalance had begun"))
            await asyncio.Event().wait()  # the partitions stay ours until the process has ended

    def open(self) -> None:
        self._is_open = True

    async def run(self, agent: Agent, stream: Any) -> None:
        """Do the records of a stream for ever, as many at once as are there."""
        app, queue, clock = stream.app, stream.channel.queue, asyncio.get_running_loop().time
        batch: list[Any] = []
        size_bytes, until = 0, 0.0
        async for event in stream.events():
            if not batch:
                size_bytes, until = 0, clock() + GATHER_S
            batch.append(event.message)
            size_bytes += len(event.message.value or b"")
            is_full = len(batch) >= BATCH or size_bytes >= BATCH_BYTES
            while not is_full and queue.empty() and clock() < until:  # noqa: ASYNC110  # the queue tells nobody
                await asyncio.sleep(GATHER_S / 10)
            if not is_full and not queue.empty():
                continue
            messages, batch = batch, []
            generation = app.consumer_generation_id
            # What was fetched before a rebalance comes again after it, here or elsewhere.
            current = [message for message in messages if message.generation_id == generation]
            async with self._turns[agent.name]:
                if not current or not self._is_open or generation != app.consumer_generation_id:
                    continue
                async with _InHand(self):
                    await self._do(agent, agent.take([_record(message) for message in current]))
                    for message in current:
                        app.consumer.finish(message.tp, message.offset)
                    RECEIVED.labels(agent.name).inc(len(current))

    async def tick(self, agent: Agent) -> None:
        async with self._turns[agent.name]:
            if self._is_open:
                async with _InHand(self):
                    await self._do(agent, agent.tick())

    async def _do(self, agent: Agent, effects: Effects) -> None:
        if effects.outputs:
            self._pulse.check()
            await self._write(effects.outputs)
        if effects.rows:
            assert agent.table is not None
            self._pulse.check()
            await agent.table.write(effects.rows, self._write)
        effects.done()

    def _begin(self) -> None:
        self._in_hand += 1
        self._idle.clear()

    def _end(self) -> None:
        self._in_hand -= 1
        if not self._in_hand:
            self._idle.set()


class _InHand:
    """A batch that is being done. Whatever it raises ends the process, with its records not done."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def __aenter__(self) -> None:
        self._work._begin()  # noqa: SLF001

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            self._work._end()  # noqa: SLF001
            return
        if isinstance(error, asyncio.CancelledError):
            return  # the process ends; what is in hand stays in hand, and is never committed
        self._work.fail(error)
        await asyncio.Event().wait()


def _record(message: Any) -> Record:
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp_ms=int(message.timestamp * 1000),
        key=message.key,
        value=message.value,
        headers=tuple(message.headers or ()),
    )
