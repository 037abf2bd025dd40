"""Child: a process that does the steps, seen from its parent: start it, have it work, learn how it died."""

import asyncio
import contextlib
import mmap
import os
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final

import orjson

from schemas.dead_letters import Reason
from services.kafka.records import Record
from services.worker import channel
from services.worker.channel import MARK, NO_DOCUMENT, OUT_OF_MEMORY, Reply
from services.worker.settings import WorkerSettings
from services.worker.transform import Plan

CHILD_MODULE: Final = "services.worker.child"
READ_AHEAD_BYTES: Final = 2**20
START_TIMEOUT_S: Final = 60.0
WATCH_S: Final = 1.0


class PoolError(Exception):
    """A child does not start; the message says how it ended."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    children: int
    document_cpu_s: float
    document_memory_mb: int
    documents_per_child: int


def pool_limits(settings: WorkerSettings, *, children: int | None = None) -> PoolLimits:
    """Return the limits that the settings ask for, with as many children, or as many as are given."""
    return PoolLimits(
        children=children or settings.children,
        document_cpu_s=settings.document_cpu_s,
        document_memory_mb=settings.document_memory_mb,
        documents_per_child=settings.documents_per_child,
    )


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
            await channel.write(self.writer, channel.plain_records(records))
            reply = Reply.of(await channel.read(self.reader))
        except (OSError, EOFError):
            raise await self._death(was_still=watch.done()) from None
        finally:
            watch.cancel()
        self.processed += len(records)
        self.is_leaving = self.is_leaving or reply.is_leaving
        return reply

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
        with contextlib.suppress(ProcessLookupError):
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


async def start_child(plan: Plan, limits: PoolLimits, module: str) -> tuple[Child, str]:
    """Start a child and return it with the version of its taxonomy when it is ready. Raises PoolError."""
    job = {
        "stages": f"{plan.stages[0].name}-{plan.stages[-1].name}",
        "group": plan.group,
        "publish": sorted(plan.publish),
        "cpu_s": limits.document_cpu_s,
        "memory_mb": limits.document_memory_mb,
    }
    try:
        child = await _spawn(module, orjson.dumps(job).decode())
    except OSError as error:
        raise PoolError(f"a child process could not be started: {error}") from error
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            version: str = await channel.read(child.reader)
    except (OSError, EOFError, TimeoutError):
        await child.end()
        status = child.process.returncode
        raise PoolError(f"a child process ended while it started, with status {status}") from None
    except BaseException:
        await child.end()
        raise
    return child, version


async def _spawn(module: str, job: str) -> Child:
    ours, theirs = socket.socketpair()
    with theirs, _shared_memory() as shared:
        fds = (theirs.fileno(), shared.fileno())
        try:
            marks = mmap.mmap(shared.fileno(), MARK.size)
            process = await asyncio.create_subprocess_exec(
                # -P: a folder that happens to hold a package of our name is not to be imported from.
                *(sys.executable, "-P", "-m", module, *map(str, fds), job),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=fds,
            )
        except BaseException:
            ours.close()
            raise
    reader, writer = await asyncio.open_connection(sock=ours, limit=READ_AHEAD_BYTES)
    return Child(process, reader, writer, marks)


def _shared_memory() -> IO[bytes]:
    """Return an open file without a name that holds a mark; in memory, so that no full disk can hurt."""
    shared: IO[bytes]
    if sys.platform == "linux":
        shared = os.fdopen(os.memfd_create("tagwire"), "w+b")
    else:
        shared = tempfile.TemporaryFile()  # noqa: SIM115  # the caller's
    shared.truncate(MARK.size)
    return shared
