"""
Child processes for the pure steps: records in, outcomes out, in order, on all cores.

A document that hangs, crashes or bloats its child costs that document only: the child's shared memory names it, the
rest goes to the next child. The libraries fall short here: one breaks the whole pool when a child dies, another when an
idle one does, a third hangs for good when children are killed from outside (docs/decisions/0004).
"""

import asyncio
import contextlib
import mmap
import pickle
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from collections import Counter, deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

import orjson
import structlog

from schemas.dead_letters import Reason
from services.kafka.records import Record
from services.worker.channel import HEADER, MARK, NO_DOCUMENT, OUT_OF_MEMORY, Reply
from services.worker.transform import Outcome, Plan, dead

log = structlog.get_logger()

Result = TypeVar("Result")

CHILD_MODULE: Final = "services.worker.child"
CHUNK_S: Final = 0.02
"""Estimated work that a child gets at once: little enough to share among children, enough to forget the plumbing."""
FIRST_GUESS_S_PER_BYTE: Final = 3e-7
"""1.5 ms for 5 KB, until something was measured."""
LEARNING_RATE: Final = 0.2
READ_AHEAD_BYTES: Final = 2**20
START_TIMEOUT_S: Final = 60.0
FAILED_STARTS: Final = 5
"""In a row, after which it is not the documents."""
DEATHS_ALLOWED: Final = {Reason.TIMEOUT: 0, Reason.MEMORY: 0, Reason.CRASHED: 1}
DEATHS_UNMARKED: Final = 2
WATCH_S: Final = 1.0
WALL_PER_CPU: Final = 4
"""A child that stands still, without using CPU time, is given up after so many times its limit."""


class PoolError(Exception):
    """Children do not even start; the message says what the last one's end was."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    children: int
    document_cpu_s: float
    document_memory_mb: int
    documents_per_child: int


class ChildDied(Exception):  # noqa: N818  # the caller's business, not an error of ours
    """A child ended in the middle of a chunk."""

    def __init__(self, index: int | None, stage: int, reason: Reason) -> None:
        super().__init__(f"{reason} at {index}")
        self.index = index
        """Of the document in work. None: none was."""
        self.stage = stage
        self.reason = reason


@dataclass(slots=True, eq=False)
class Child:
    """A running child; its methods are for one chunk at a time."""

    process: Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    marks: mmap.mmap
    processed: int = 0
    is_leaving: bool = False
    """It is to be replaced before its next chunk."""
    is_renewed: bool = False
    """Its successor has been started."""

    async def work(self, records: Sequence[Record], patience_s: float) -> Reply:
        """Return the reply to a chunk. Raises ChildDied."""
        self.marks[: MARK.size] = MARK.pack(NO_DOCUMENT, 0)
        watch = asyncio.create_task(self._kill_when_still(patience_s))
        try:
            payload = pickle.dumps(records, pickle.HIGHEST_PROTOCOL)
            self.writer.writelines((HEADER.pack(len(payload)), payload))
            await self.writer.drain()
            reply: Reply = await self.receive()
        except (OSError, EOFError):
            raise await self._death(was_still=watch.done()) from None
        finally:
            watch.cancel()
        self.processed += len(records)
        self.is_leaving = self.is_leaving or reply.is_leaving
        return reply

    async def receive(self) -> Any:
        (size,) = HEADER.unpack(await self.reader.readexactly(HEADER.size))
        return pickle.loads(await self.reader.readexactly(size))  # noqa: S301  # of our own child

    async def end(self) -> None:
        """Kill it: it holds nothing that is not done again."""
        self.writer.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def _kill_when_still(self, patience_s: float) -> None:
        # Counted in our own ticks, for after a long sleep of the whole machine a clock would blame the document.
        last, ticks = b"", 0.0
        while ticks < patience_s:
            await asyncio.sleep(WATCH_S)
            mark = self.marks[: MARK.size]
            ticks = ticks + WATCH_S if mark == last else 0.0
            last = mark
        self.process.kill()

    async def _death(self, *, was_still: bool) -> ChildDied:
        status = await self.process.wait()
        index, stage = MARK.unpack(self.marks[: MARK.size])
        if was_still or status == -signal.SIGPROF:
            reason = Reason.TIMEOUT
        elif status == OUT_OF_MEMORY:
            reason = Reason.MEMORY
        else:
            reason = Reason.CRASHED
        return ChildDied(None if index == NO_DOCUMENT else index, stage, reason)


class Pool:
    """Use as an async context manager; entering returns when every child is ready, leaving kills them."""

    def __init__(self, plan: Plan, limits: PoolLimits, *, child_module: str | None = None) -> None:
        """`child_module` is what a child runs; tests of faults have one of their own."""
        self.taxonomy_version = ""
        """Of the children, once they are ready."""
        self.restarts = 0
        """Children that died and were replaced."""
        self._plan = plan
        self._limits = limits
        self._child_module = child_module or CHILD_MODULE
        self._idle: asyncio.Queue[Child] = asyncio.Queue()
        self._children: set[Child] = set()
        self._background: set[asyncio.Task[Any]] = set()
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._s_per_byte = FIRST_GUESS_S_PER_BYTE

    async def __aenter__(self) -> Self:
        starts = [self._start_child() for _ in range(self._limits.children)]
        try:
            await asyncio.gather(*starts)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await asyncio.gather(*(child.end() for child in self._children))
        self._children.clear()

    async def broken(self) -> None:
        """Return never; raise PoolError when children do not start any more."""
        await asyncio.shield(self._broken)

    async def process(self, records: Sequence[Record]) -> list[Outcome]:
        """
        Return the outcome of each record, in order.

        May be cancelled: what is under way then ends by itself and is thrown away.
        """
        chunks = [self._do(self._work_off(chunk)) for chunk in self._chunks(records)]
        return [outcome for chunk in chunks for outcome in await asyncio.shield(chunk)]

    async def _work_off(self, records: Sequence[Record]) -> list[Outcome]:
        """Have a chunk processed by one child, or by as many as it takes."""
        outcomes: dict[int, Outcome] = {}
        deaths: Counter[int] = Counter()
        groups = deque([list(range(len(records)))])
        patience_s = WALL_PER_CPU * self._limits.document_cpu_s
        while groups:
            group = groups.popleft()
            child = await self._take()
            try:
                reply = await child.work([records[index] for index in group], patience_s)
            except ChildDied as death:
                self._replace(child)
                again, culprit = regroup(group, death, deaths)
                groups.extendleft(reversed(again))
                if culprit is not None:
                    outcomes[culprit] = self._verdict(records[culprit], death)
            else:
                self._learn(records, group, reply)
                outcomes.update(zip(group, reply.outcomes, strict=True))
                self._give_back(child)
        return [outcomes[index] for index in range(len(records))]

    async def _take(self) -> Child:
        """Return an idle child that lives, as far as can be known."""
        while (child := await self._idle.get()).process.returncode is not None:
            self._replace(child)
        return child

    def _verdict(self, record: Record, death: ChildDied) -> Outcome:
        stage = self._plan.stages[death.stage]
        message = {
            Reason.TIMEOUT: f"stage {stage.name} took over {self._limits.document_cpu_s:g} s of CPU time",
            Reason.MEMORY: f"stage {stage.name} took over {self._limits.document_memory_mb} MiB of memory",
            Reason.CRASHED: f"stage {stage.name} crashed its process, twice",
        }[death.reason]
        log.warning("child_died", reason=death.reason, stage=stage.name, origin=record.origin)
        return dead(record, self._plan, stage, death.reason, message)

    def _chunks(self, records: Sequence[Record]) -> list[Sequence[Record]]:
        """Cut records into chunks of about `CHUNK_S` of work each."""
        chunks: list[Sequence[Record]] = []
        first, work_s = 0, 0.0
        for index, record in enumerate(records):
            cost_s = self._s_per_byte * _size(record)
            if index > first and work_s + cost_s > CHUNK_S:
                chunks.append(records[first:index])
                first, work_s = index, 0.0
            work_s += cost_s
        chunks.append(records[first:])
        return chunks

    def _learn(self, records: Sequence[Record], group: Sequence[int], reply: Reply) -> None:
        """Let the estimate follow what is measured."""
        measured = reply.seconds / sum(_size(records[index]) for index in group)
        self._s_per_byte += LEARNING_RATE * (measured - self._s_per_byte)

    def _give_back(self, child: Child) -> None:
        if child.is_leaving:
            self._replace(child)
            return
        if child.processed >= self._limits.documents_per_child and not child.is_renewed:
            # It works on until its successor is ready.
            child.is_renewed = True
            self._do(self._renew(child))
        self._idle.put_nowait(child)

    async def _renew(self, child: Child) -> None:
        await self._start_child()
        child.is_leaving = True

    def _replace(self, child: Child) -> None:
        self.restarts += 1
        self._children.discard(child)
        self._do(child.end())
        if not child.is_renewed:
            self._do(self._start_again())

    async def _start_again(self) -> None:
        for _ in range(FAILED_STARTS - 1):
            with contextlib.suppress(PoolError):
                return await self._start_child()
        try:
            await self._start_child()
        except PoolError as error:
            if not self._broken.done():
                self._broken.set_exception(error)

    async def _start_child(self) -> None:
        """Start a child and put it among the idle ones when it is ready. Raises PoolError."""
        job = {
            "stages": f"{self._plan.stages[0].name}-{self._plan.stages[-1].name}",
            "group": self._plan.group,
            "publish": sorted(self._plan.publish),
            "cpu_s": self._limits.document_cpu_s,
            "memory_mb": self._limits.document_memory_mb,
        }
        ours, theirs = socket.socketpair()
        with theirs, tempfile.TemporaryFile() as shared:
            shared.truncate(MARK.size)
            fds = (theirs.fileno(), shared.fileno())
            command = (sys.executable, "-m", self._child_module, *map(str, fds), orjson.dumps(job).decode())
            process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, pass_fds=fds)
            marks = mmap.mmap(shared.fileno(), MARK.size)
        reader, writer = await asyncio.open_connection(sock=ours, limit=READ_AHEAD_BYTES)
        child = Child(process, reader, writer, marks)
        self._children.add(child)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                self.taxonomy_version = await child.receive()
        except (OSError, EOFError, TimeoutError):
            await child.end()
            self._children.discard(child)
            raise PoolError(f"a child process ended while it started, with status {process.returncode}") from None
        self._idle.put_nowait(child)

    def _do(self, doing: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Run something that must end by itself, whoever waits for it."""
        task = asyncio.create_task(doing)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


def regroup(group: Sequence[int], death: ChildDied, deaths: Counter[int]) -> tuple[list[list[int]], int | None]:
    """
    Return which documents are to be tried again, in which groups, and the one that is guilty, if that is certain.

    A time or memory limit is certain. A crash is not: somebody may have killed the child; a document is guilty if it
    happens again with it alone. A death before the first document says least. `deaths` counts them per document.
    """
    if death.index is None and len(group) > 1:
        return [[index] for index in group], None
    culprit = group[death.index or 0]
    deaths[culprit] += 1
    others = [index for index in group if index != culprit]
    allowed = DEATHS_UNMARKED if death.index is None else DEATHS_ALLOWED[death.reason]
    is_guilty = deaths[culprit] > allowed
    again = [others] if is_guilty else [others, [culprit]]
    return [indices for indices in again if indices], culprit if is_guilty else None


def _size(record: Record) -> int:
    return len(record.value or b"") + 1
