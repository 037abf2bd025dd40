"""
A child process: records in, outcomes out, one after the other, under limits of time and memory.

It is a process of its own because a document may hang a parser, crash it natively or eat its memory, and that must
cost the document only. The parent (pool.py) learns from shared memory which document was in work when a child died.
"""

import gc
import mmap
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from schemas.dead_letters import Reason
from services.telemetry import configure_logs
from services.worker.channel import MARK, NO_DOCUMENT, OUT_OF_MEMORY, Reply, receive, send
from services.worker.flow import Resources, StageName, load_resources, stages
from services.worker.transform import Plan, transform


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
    except ConnectionError:  # the parent is gone
        return
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _process(records: Sequence[Any], plan: Plan, resources: Resources, limits: Limits, marks: mmap.mmap) -> Reply:
    began = time.perf_counter()
    outcomes = []
    for index, record in enumerate(records):
        enter = partial(_mark, marks, index)
        enter(0)
        # Of CPU time, not of the clock: a machine that was asleep, or is busy with others, is no document's fault.
        # Nobody handles SIGPROF, so it ends this process, in native code, too.
        signal.setitimer(signal.ITIMER_PROF, limits.cpu_s)
        outcomes.append(transform(record, plan, resources, enter))
    signal.setitimer(signal.ITIMER_PROF, 0)
    _mark(marks, NO_DOCUMENT, 0)
    is_leaving = any(outcome.reason is Reason.MEMORY for outcome in outcomes)
    return Reply(tuple(outcomes), time.perf_counter() - began, is_leaving)


def _mark(marks: mmap.mmap, index: int, stage: int) -> None:
    marks[: MARK.size] = MARK.pack(index, stage)


def _limit_memory(memory_mb: int) -> None:
    """Allow as much address space as is in use now, and what a document may take."""
    if sys.platform != "linux":  # elsewhere the limit is not kept, or counts shared libraries
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main(sys.argv[1:])
