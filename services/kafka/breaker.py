"""Breaker: keeps a bad release from emptying a topic into the dead letters."""

from collections import deque
from collections.abc import Iterable
from typing import Final

WINDOW: Final = 200
"""Records of one partition that are looked at."""
BUGS: Final = 100
"""Of them, with a bug of ours, and the breaker opens."""


class BreakerOpen(Exception):  # noqa: N818  # a state, told to the lane
    """Nothing of this batch may be committed: our own code fails on most records."""


class Breaker:
    """
    Counts bugs among the last records of a partition; rejections, time-outs and crashes are no bugs.

    Once open, it closes when a batch has fewer bugs than the same share.
    """

    def __init__(self) -> None:
        self.is_open = False
        self._last: deque[bool] = deque(maxlen=WINDOW)
        self._bugs = 0
        """Among the last ones."""

    def begin(self) -> None:
        """Forget what was counted, unless it is open: what was not committed is done, and counted, again."""
        if not self.is_open:
            self._last.clear()
            self._bugs = 0

    def judge(self, bugs: Iterable[bool]) -> None:
        """Take note of a batch, record by record. Raises BreakerOpen."""
        batch = list(bugs)
        if self.is_open:
            if sum(batch) * WINDOW >= len(batch) * BUGS:
                raise BreakerOpen
            self.is_open = False
            self._last.clear()
            self._bugs = 0
        for is_bug in batch:
            if len(self._last) == WINDOW:
                self._bugs -= self._last[0]
            self._last.append(is_bug)
            self._bugs += is_bug
            self.is_open = self.is_open or self._bugs >= BUGS
        if self.is_open:
            raise BreakerOpen
