"""
Whether this process stood still, as in a paused container: its partitions may be another's by now.

Nothing fences it there, and a row of a table that it writes late would undo what the other has written.
"""

import time
from threading import Event, Thread
from typing import Final, Self

BEAT_S: Final = 0.25

# Linux's monotonic clock stands still while the machine is suspended, and brokers' clocks go on.
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class StoodStillError(Exception):
    """This process stood still, or its work did, so that its partitions may be another's."""


class Pulse:
    """
    A thread that does nothing but note that it runs. Use as a context manager.

    A thread, because the event loop may well be held up by a long computation, while heartbeats go on in theirs.
    """

    def __init__(self, most_s: float) -> None:
        """A pause of more than `most_s` seconds is too long."""
        self._most_s = most_s
        self._at_s = _now_s()
        self._longest_s = 0.0
        self._is_over = Event()
        self._thread = Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        self._at_s = _now_s()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def check(self) -> None:
        """Raise StoodStillError when it stood still, whichever thread wakes first."""
        pause_s = max(self._longest_s, _now_s() - self._at_s)
        if pause_s > self._most_s:
            raise StoodStillError(f"this process stood still for {pause_s:.1f} s")

    def _beat(self) -> None:
        while not self._is_over.wait(BEAT_S):
            now_s = _now_s()
            self._longest_s = max(self._longest_s, now_s - self._at_s)
            self._at_s = now_s


def _now_s() -> float:
    return time.clock_gettime(_CLOCK)
