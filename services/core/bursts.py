"""Numbers of a tag -> its bursts, each with what happened to it on the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from schemas.insights import TrendEvent
from services.core.baseline import Rate
from services.core.tag_numbers import TagNumbers, TrendRules, score
from services.core.timeline import SeenHours
from services.core.trend_counts import HourCounts

GROWN: Final = 2
"""A burst grew when its window holds so many times the stories of its last event."""


@dataclass(frozen=True, slots=True)
class Step:
    """A window in which something happened to a burst."""

    event: TrendEvent
    end: int
    """Where the window ends, in intervals since 1970."""
    stories: int
    documents: int
    expected: float
    """Stories that such a window holds at this time of day."""
    score: float
    peak_stories: int
    """Most in a window of the burst so far."""
    peak_score: float


@dataclass(frozen=True, slots=True)
class Burst:
    """A stretch of windows with more stories than expected."""

    steps: tuple[Step, ...]
    """`started`, then any number of `grew`, then `ended` where it is over."""
    peak_stories: int
    peak_score: float

    @property
    def start(self) -> int:
        """Where its first window ends, in intervals since 1970."""
        return self.steps[0].end

    @property
    def end(self) -> int | None:
        """Where the first window ends that no longer bursts. None: it goes on."""
        return self.steps[-1].end if self.steps[-1].event is TrendEvent.ENDED else None


class TagSeries:
    """
    One tag over time: its numbers, and the bursts that follow from them.

    The bursts depend on the numbers alone, not on the order in which they came. Only windows that are new, or that a
    changed number may have changed, are judged.
    """

    def __init__(self, rules: TrendRules, seen: SeenHours) -> None:
        self.numbers = TagNumbers(rules, seen)
        self._bursts: list[Burst] = []
        self._judged = 0
        """The window up to which bursts are known."""

    def put(self, hour: int, row: HourCounts) -> None:
        """Take the numbers of an hour, in hours since 1970, as its row has them now."""
        self.numbers.put(hour, row)

    def bursts(self, until: int) -> list[Burst]:
        """
        Return the bursts in windows that end at `until` or before, in intervals since 1970, in order of time.

        Windows that end more than `rules.horizon` before are as they were judged: nothing comes so late.
        """
        changed = self.numbers.take_changed()
        known = min(self._judged, until, self._judged if changed is None else changed)
        start = max(known, until - self.numbers.rules.horizon, self.numbers.first) + 1
        going_on = None
        if self._bursts and self._bursts[-1].end is None and start == self._judged + 1:
            going_on = self._bursts.pop()
        while self._bursts and _reaches(self._bursts[-1], start):
            start = min(start, self._bursts.pop().start)
        self._bursts += judged(self.numbers, start, until, going_on)
        self._judged = until
        return self._bursts.copy()

    def drop_before(self, hour: int) -> None:
        """Forget what is older than an hour: rows are kept for the horizon, and for the baseline before it."""
        self.numbers.drop_before(hour)
        first = hour * self.numbers.rules.per_hour
        self._bursts = [burst for burst in self._bursts if _reaches(burst, first)]


def judged(numbers: TagNumbers, start: int, until: int, going_on: Burst | None = None) -> Iterator[Burst]:
    """
    Yield the bursts of windows that end from `start` to `until`, in intervals since 1970.

    `going_on` is the burst in which the window before `start` is, if any. The cost is that of the windows, some
    tenths of a microsecond where little happens, and some ten where stories are many.
    """
    rules, length = numbers.rules, numbers.rules.per_window
    steps = list(going_on.steps) if going_on else []
    peak_stories, peak_score = (going_on.peak_stories, going_on.peak_score) if going_on else (0, 0.0)

    for end, stories in _windows(numbers, start, until):
        if not steps and stories < rules.min_stories:
            continue
        expected = numbers.expected(end)
        if not steps and not _may_start(stories, expected, rules):
            continue
        surprise = score(stories, expected)
        if not steps:
            event = TrendEvent.STARTED if surprise >= rules.start_score else None
            peak_stories, peak_score = 0, 0.0
        elif surprise < rules.end_score:
            event = TrendEvent.ENDED
        else:
            event = TrendEvent.GREW if stories >= GROWN * steps[-1].stories else None
        if steps or event:
            peak_stories, peak_score = max(peak_stories, stories), max(peak_score, surprise)
        if event:
            documents = sum(numbers.documents(end - length, end))
            mean = expected.mean if expected else 0.0
            steps.append(Step(event, end, stories, documents, mean, surprise, peak_stories, peak_score))
        if event is TrendEvent.ENDED:
            yield Burst(tuple(steps), peak_stories, peak_score)
            steps = []
    if steps:
        yield Burst(tuple(steps), peak_stories, peak_score)


def _windows(numbers: TagNumbers, start: int, until: int) -> Iterator[tuple[int, int]]:
    """Yield where each window ends, and the stories in it."""
    length = numbers.rules.per_window
    if start > until:
        return
    until_there = list(accumulate(numbers.stories(start - length, until), initial=0))
    for end, before, after in zip(range(start, until + 1), until_there, until_there[length:], strict=False):
        yield end, after - before


def _may_start(stories: int, expected: Rate | None, rules: TrendRules) -> bool:
    return expected is not None and stories >= rules.min_lift * expected.mean


def _reaches(burst: Burst, window: int) -> bool:
    return burst.end is None or burst.end >= window
