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
from pathlib import Path

import orjson

from schemas.dead_letters import Reason
from services.kafka.records import Record
from services.telemetry.logs import configure_logs
from services.telemetry.tally import STAGE_BUCKETS_S, Tally
from services.worker.channel import MARK, NO_DOCUMENT, OUT_OF_MEMORY, Reply, receive, records_of, send
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
        while (chunk := receive(parent)) is not None:
            reply = _process(records_of(chunk), plan, resources, limits, marks)
            send(parent, reply.plain())
            if reply.is_leaving:
                return
    except ConnectionError:  # the parent is gone
        return
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _process(records: Sequence[Record], plan: Plan, resources: Resources, limits: Limits, marks: mmap.mmap) -> Reply:
    began = time.perf_counter()
    outcomes = []
    durations = Tally(STAGE_BUCKETS_S)
    for index, record in enumerate(records):
        progress = Progress(index, plan, marks, durations)
        progress.enter(0)
        # Of CPU time, not of the clock: a machine that was asleep, or is busy with others, is no document's fault.
        # Nobody handles SIGPROF, so it ends this process, in native code, too.
        signal.setitimer(signal.ITIMER_PROF, limits.cpu_s)
        outcomes.append(transform(record, plan, resources, progress.enter))
        progress.end()
    signal.setitimer(signal.ITIMER_PROF, 0)
    marks[: MARK.size] = MARK.pack(NO_DOCUMENT, 0)
    is_leaving = any(outcome.reason is Reason.MEMORY for outcome in outcomes)
    return Reply(outcomes, time.perf_counter() - began, durations.drain(), is_leaving)


class Progress:
    """Where a document is: told to the parent while it is on its way, and timed."""

    def __init__(self, index: int, plan: Plan, marks: mmap.mmap, durations: Tally) -> None:
        self._index = index
        self._stages = plan.stages
        self._marks = marks
        self._durations = durations
        self._stage = 0
        self._entered_at = time.perf_counter()

    def enter(self, stage: int) -> None:
        """Begin a stage of the plan, and end the one before."""
        self._marks[: MARK.size] = MARK.pack(self._index, stage)
        if stage != self._stage:
            self.end()
            self._stage = stage

    def end(self) -> None:
        now = time.perf_counter()
        self._durations.observe(self._stages[self._stage].name, now - self._entered_at)
        self._entered_at = now


def _limit_memory(memory_mb: int) -> None:
    """Allow as much address space as is in use now, and what a document may take."""
    if sys.platform != "linux":  # elsewhere the limit is not kept, or counts shared libraries
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main(sys.argv[1:])
