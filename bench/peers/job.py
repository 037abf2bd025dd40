"""What a peer is told, and how it says that it is ready. It needs the standard library only."""

import json
import os
import signal
import sys
import threading
from dataclasses import dataclass
from types import FrameType
from typing import Final

COMMIT_INTERVAL: Final = "BENCH_COMMIT_INTERVAL_S"
"""Environment variable: how often Quix commits. The latency table sets it low."""
PARTITIONER: Final = "murmur2_random"
"""By which the topics are filled, and what all others use. librdkafka's own is another, and moves keys elsewhere."""


@dataclass(frozen=True, slots=True)
class Job:
    """The one argument of a peer's script, as JSON."""

    bootstrap: str
    source: str
    """The topic that is read, from its beginning."""
    target: str
    """The topic that is written."""
    group: str
    """New for each run."""
    function: str
    """One of `bench.functions`."""
    instance: int
    """Which of the processes of this system this is, from 0."""
    instances: int
    folder: str
    """For files; the instances share it."""
    ports: list[int]
    """Free ones, one for each instance."""


def job() -> Job:
    return Job(**json.loads(sys.argv[1]))


def wait_for_start() -> None:
    """Say that everything is loaded, and return when the clock runs. From then on this process ends with its owner."""
    print("ready", flush=True)  # noqa: T201  # to the process that measures
    if not sys.stdin.readline():
        sys.exit()
    threading.Thread(target=_end_with_owner, daemon=True).start()


def _end_with_owner() -> None:
    while os.read(0, 1):  # not sys.stdin, whose lock would be held when Python ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


class Stopped:
    """True once SIGTERM has come."""

    def __init__(self) -> None:
        self._is_stopped = False
        signal.signal(signal.SIGTERM, self._stop)

    def __bool__(self) -> bool:
        return self._is_stopped

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopped = True
