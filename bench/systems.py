"""The systems that are compared, each at its best settings and its best guarantee; their scripts say which and why."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.environments import ROOT, python_of, versions
from bench.peers.job import Job
from services.kafka.embedded.ports import free_port
from services.worker.flow import JOURNEY
from services.worker.settings import usable_cores
from services.worker.worker import group_name

READY_S: Final = 60.0
GRACE_S: Final = 15.0
TAIL: Final = 3_000
"""Characters of what a failed system has said."""


class SystemFailed(Exception):  # noqa: N818  # a system of somebody's, not an error of ours
    """A system does not start, or ends in the middle of its work. What it said last is a note, not in the message."""

    def told(self, who: str) -> str:
        """Return the message, for a table, and print all of it as progress."""
        sys.stderr.write("\n".join([f"{who} failed: {self}", *getattr(self, "__notes__", ()), ""]))
        return str(self)


@dataclass(frozen=True, slots=True)
class System:
    """Something that reads a topic, applies a function and writes a topic."""

    name: str
    script: str
    """In `bench.peers`; also the name of its environment."""
    guarantee: str
    settings: str
    """What was set for speed, in a few words."""
    package: str
    is_ours: bool = False
    processes: int | None = None
    """None: one for each core."""
    group_ending: str | None = ""
    """What its consumer group's name has behind that of the run. None: it belongs to no group."""

    @property
    def version(self) -> str:
        return version(self.package) if self.is_ours else versions(self.script)[self.package]

    def group(self, run: str) -> str | None:
        return None if self.group_ending is None else f"{run}{self.group_ending}"

    def python(self) -> str:
        """Return the interpreter that has what the script needs; a peer's environment is made at the first call."""
        return sys.executable if self.is_ours else str(python_of(self.script))


TAGWIRE: Final = System(
    "tagwire",
    "tagwire",
    "exactly once",
    "1 process and a child a core",
    "tagwire",
    is_ours=True,
    processes=1,
    group_ending=f".{group_name(JOURNEY)}",
)
CONFLUENT: Final = System(
    "confluent-kafka by hand", "confluent", "exactly once", "consume(2,000), a transaction each", "confluent-kafka"
)
QUIX: Final = System("Quix Streams", "quix", "exactly once", "commit interval 0.5 s", "quixstreams")
FASTSTREAM: Final = System(
    "FastStream", "faststream", "at least once", "batches of 2,000, publish_batch by partition", "faststream"
)
FAUST: Final = System(
    "Faust", "faust", "at least once", "buffer 32,768, commit interval 0.5 s, uvloop", "faust-streaming"
)
BYTEWAX: Final = System(
    "Bytewax", "bytewax", "at least once", "batches of 2,000, snapshots each 1 s", "bytewax", group_ending=None
)
SYSTEMS: Final = (TAGWIRE, CONFLUENT, QUIX, FASTSTREAM, FAUST, BYTEWAX)


@dataclass(slots=True)
class Running:
    """A system's processes, loaded and waiting."""

    processes: list[Process]

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self.processes]

    def go(self) -> None:
        """Start the clock."""
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(b"go\n")

    def require(self) -> None:
        """Raise SystemFailed when a process has ended."""
        for process in self.processes:
            if process.returncode is not None:
                raise SystemFailed(f"a process ended in the middle of its work, with status {process.returncode}")


@asynccontextmanager
async def running(
    system: System, job: Job, *, instances: int | None = None, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Running]:
    """Give the processes when all have said that they are ready. `instances` None: as many as are best."""
    instances = instances or system.processes or usable_cores()
    with TemporaryDirectory(prefix="bench-") as folder:
        said = Path(folder) / "stderr"
        job = replace(job, folder=folder, instances=instances, ports=[free_port() for _ in range(instances)])
        processes: list[Process] = []
        try:
            for instance in range(instances):
                with said.open("ab") as errors:
                    process = await create_subprocess_exec(
                        *(system.python(), "-m", f"bench.peers.{system.script}"),
                        json.dumps(asdict(replace(job, instance=instance))),
                        stdin=PIPE,
                        stdout=PIPE,
                        stderr=errors,
                        cwd=ROOT,
                        env={**os.environ, **(environment or {})},
                    )
                processes.append(process)
            await _until_all_ready(processes)
            yield Running(processes)
        except SystemFailed as failure:
            failure.add_note(said.read_text(errors="replace")[-TAIL:])
            raise
        finally:
            await asyncio.gather(*map(end, processes))


def job_on(bootstrap: str, source: str, target: str, *, group: str, function: str) -> Job:
    """Return what is the same for all processes of a run."""
    return Job(bootstrap, source, target, group, function, 0, 1, "", [])


async def _until_all_ready(processes: list[Process]) -> None:
    try:
        async with asyncio.timeout(READY_S):
            for process in processes:
                await until_ready(process)
    except TimeoutError:
        raise SystemFailed(f"not ready within {READY_S:.0f} s") from None


async def until_ready(process: Process) -> None:
    """Return when the process has said that it is ready. Raises SystemFailed when it ends before."""
    assert process.stdout is not None
    while (line := await process.stdout.readline()) != b"ready\n":
        if not line:
            raise SystemFailed(f"a process ended before it was ready, with status {await process.wait()}")


async def end(process: Process) -> None:
    """Ask a process to end, and make it end."""
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(GRACE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
