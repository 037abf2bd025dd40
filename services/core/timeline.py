"""Numbers by position in time, such as stories per interval; and the hours in which anything was seen at all."""

from array import array
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

MAX_SILENCE_H: Final = 12
"""Longer without any document of any tag, and the installation was off: that is no news of there being no news."""


class Timeline:
    """A number for each position from `first` on; 0 where nothing was put. A position is an interval, or an hour."""

    __slots__ = ("first", "values")

    def __init__(self) -> None:
        self.first = 0
        self.values = array("q")

    def put(self, position: int, value: int) -> None:
        if not self.values:
            self.first = position
        if position < self.first:
            self.values = array("q", bytes(8 * (self.first - position))) + self.values
            self.first = position
        if position >= self.end:
            self.values.frombytes(bytes(8 * (position + 1 - self.end)))
        self.values[position - self.first] = value

    def at(self, position: int) -> int:
        return self.values[position - self.first] if self.first <= position < self.end else 0

    def between(self, start: int, end: int) -> "array[int]":
        """Return the numbers from `start` on and before `end`."""
        low, high = min(max(start, self.first), end), max(min(end, self.end), start)
        if low >= high:
            return array("q", bytes(8 * (end - start)))
        known = self.values[low - self.first : high - self.first]
        if low == start and high == end:
            return known
        return array("q", bytes(8 * (low - start))) + known + array("q", bytes(8 * (end - high)))

    def drop_before(self, position: int) -> None:
        """Forget what is older."""
        if position > self.first:
            del self.values[: position - self.first]
            self.first = position

    @property
    def end(self) -> int:
        """The first position after all that was put."""
        return self.first + len(self.values)


class SeenHours:
    """
    The hours in which any document of any tag was counted, in hours since 1970. Only grows.

    An hour without documents counts as seen between two with documents that are at most `MAX_SILENCE_H` apart.
    """

    def __init__(self, hours: Iterable[int] = ()) -> None:
        self.log: list[int] = []
        """Hours as they were first seen, so that who has read the log up to some length can tell what is new."""
        self._hours: set[int] = set()
        self._flags = Timeline()
        self._is_fresh = True
        for hour in hours:
            self.add(hour)

    def add(self, hour: int) -> None:
        if hour not in self._hours:
            self._hours.add(hour)
            self.log.append(hour)
            self._is_fresh = False

    def between(self, start: int, end: int) -> "array[int]":
        """Return 1 for each hour from `start` on and before `end` that is seen, else 0."""
        if not self._is_fresh:
            self._flags = _closed(self._hours)
            self._is_fresh = True
        return self._flags.between(start, end)


def _closed(hours: set[int]) -> Timeline:
    flags = Timeline()
    ordered = sorted(hours)
    for hour in ordered:
        flags.put(hour, 1)
    for before, after in pairwise(ordered):
        if after - before <= MAX_SILENCE_H + 1:
            for silent in range(before + 1, after):
                flags.put(silent, 1)
    return flags
