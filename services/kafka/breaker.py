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

    def judge(self, bugs: Iterable[bool]) -> None:
        """Take note of a batch, record by record. Raises BreakerOpen."""
        batch = list(bugs)
        if self.is_open:
            if sum(batch) * WINDOW >= len(batch) * BUGS:
                raise BreakerOpen
            self.is_open = False
            self._last.clear()
        for is_bug in batch:
            self._last.append(is_bug)
            if sum(self._last) >= BUGS:
                self.is_open = True
        if self.is_open:
            raise BreakerOpen
