"""
A child process: records in, outcomes out, one after the other, under limits of time and memory.

It is a process of its own because a document may hang a parser, crash it natively or eat its memory, and that must
cost the document only. The parent (pool.py) learns from shared memory which document was in work when a child died.
"""

import gc
import mmap
import os
import pickle
import resource
import signal
import socket
import struct
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from services.telemetry import configure_logs
from services.worker.flow import Resources, StageName, load_resources, stages
from services.worker.transform import Outcome, Plan, transform

HEADER: Final = struct.Struct("!Q")
"""Before each message: how many bytes follow."""
MARK: Final = struct.Struct("!qq")
"""In shared memory: index of the document in work, or `NO_DOCUMENT`; index of its stage in the plan."""
NO_DOCUMENT: Final = -1
OUT_OF_MEMORY: Final = 86
"""Exit status when not even a dead letter could be made any more."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a child answers to a chunk."""

    outcomes: tuple[Outcome, ...]
    seconds: float
    """How long it worked."""
    is_leaving: bool
    """It has run out of memory once, and ends rather than work on with what is left of its heap."""


@dataclass(frozen=True, slots=True)
class Limits:
    """For each document."""

    cpu_s: float
    memory_mb: int


def main(arguments: Sequence[str]) -> None:
    """Serve the parent until it hangs up. Arguments: the socket's fd, the shared memory's, and the job as JSON."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its children
    parent = socket.socket(fileno=int(arguments[0]))
    marks = mmap.mmap(int(arguments[1]), MARK.size)
    job = orjson.loads(arguments[2])
    configure_logs("error")
    limits = Limits(job["cpu_s"], job["memory_mb"])
    plan = Plan(stages(job["stages"]), job["group"], frozenset(StageName(name) for name in job["publish"]))
    resources = load_resources()
    gc.collect()
    gc.freeze()  # what was loaded lives as long as we do: no collection need look at it
    _limit_memory(limits.memory_mb)
    try:
        send(parent, resources.taxonomy.version)
        while (records := receive(parent)) is not None:
            reply = _process(records, plan, resources, limits, marks)
            send(parent, reply)
            if reply.is_leaving:
                return
    except BrokenPipeError:  # the parent is gone
        return
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _process(
    records: Sequence[Any], plan: Plan, resources: Resources, limits: Limits, marks: mmap.mmap
) -> Reply:
    began = time.perf_counter()
    outcomes = []
    position = 0

    def enter(stage: int) -> None:
        marks[: MARK.size] = MARK.pack(position, stage)

    for position, record in enumerate(records):
        enter(0)
        # Of CPU time, not of the clock: a machine that was asleep, or is busy with others, is no document's fault.
        # Nobody handles SIGPROF, so it ends this process, in native code, too.
        signal.setitimer(signal.ITIMER_PROF, limits.cpu_s)
        outcomes.append(transform(record, plan, resources, enter))
    signal.setitimer(signal.ITIMER_PROF, 0)
    marks[: MARK.size] = MARK.pack(NO_DOCUMENT, 0)
    is_leaving = any(outcome.is_out_of_memory for outcome in outcomes)
    return Reply(tuple(outcomes), time.perf_counter() - began, is_leaving)


def _limit_memory(memory_mb: int) -> None:
    """Allow as much address space as is in use now, and what a document may take."""
    if sys.platform != "linux":  # elsewhere the limit is not kept, or counts shared libraries
        return
    pages = int(open("/proc/self/statm").read().split()[0])
    limit = pages * resource.getpagesize() + memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def send(connection: socket.socket, message: object) -> None:
    payload = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    connection.sendall(HEADER.pack(len(payload)) + payload)


def receive(connection: socket.socket) -> Any:
    """Return the next message, None when the other end has hung up."""
    header = _exactly(connection, HEADER.size)
    if header is None:
        return None
    payload = _exactly(connection, HEADER.unpack(header)[0])
    return None if payload is None else pickle.loads(payload)  # noqa: S301  # of our own parent


def _exactly(connection: socket.socket, size: int) -> bytearray | None:
    received = bytearray(size)
    view = memoryview(received)
    while view:
        count = connection.recv_into(view)
        if not count:
            return None
        view = view[count:]
    return received


if __name__ == "__main__":
    main(sys.argv[1:])
