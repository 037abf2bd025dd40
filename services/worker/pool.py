"""
Child processes for the pure steps: records in, outcomes out, in order, on all cores.

A document that hangs, crashes or bloats its child costs that document only: the child's shared memory names it, the
rest goes to the next child. The libraries fall short here: one breaks the whole pool when a child dies, another when an
idle one does, a third hangs for good when children are killed from outside (docs/decisions/0004).
"""

import asyncio
import contextlib
import mmap
import os
import pickle
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import orjson
import structlog

from schemas.dead_letters import Reason
from services.kafka.records import Record
from services.worker.child import HEADER, MARK, NO_DOCUMENT, OUT_OF_MEMORY, Reply
from services.worker.transform import Outcome, Plan, dead

log = structlog.get_logger()

CHUNK_S: Final = 0.02
"""Estimated work that a child gets at once: little enough to share among children, enough to forget the plumbing."""
FIRST_GUESS_S_PER_BYTE: Final = 3e-7
"""1.5 ms for 5 KB, until something was measured."""
START_TIMEOUT_S: Final = 60.0
FAILED_STARTS: Final = 5
"""In a row, after which it is not the documents."""
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


@dataclass(slots=True)
class Child:
    """A running child; its methods are for one chunk at a time."""

    process: Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    marks: mmap.mmap
    processed: int = 0
    is_leaving: bool = False

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
        self.is_leaving = reply.is_leaving
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


@dataclass(slots=True)
class Pool:
    """Use as an async context manager; entering returns when every child is ready."""

    plan: Plan
    limits: PoolLimits
    taxonomy_version: str = ""
    """Of the children, once they are ready."""
    restarts: int = 0
    """Children that had to be replaced because they died."""
    _idle: asyncio.Queue[Child] = field(default_factory=asyncio.Queue)
    _children: set[Child] = field(default_factory=set)
    _background: set[asyncio.Task[Any]] = field(default_factory=set)
    _s_per_byte: float = FIRST_GUESS_S_PER_BYTE
    _broken: asyncio.Future[None] | None = None
