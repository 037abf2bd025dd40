"""Bursts and stories -> the sentences and lines that the command, the API and the page tell of them."""

import math
from collections.abc import Sequence
from typing import Final

from schemas.insights import TagHistory, TagTrend, TrendEvent
from services.insights.kept import Member

BLOCKS: Final = "▁▂▃▄▅▆▇█"
SIGNS: Final = "_.-:=+*#"
"""For terminals and files that cannot say blocks: as many, each darker than the one before."""
MANY: Final = ((12, "trillion"), (9, "billion"), (6, "million"))
MOST_DIGITS: Final = 15
HOUR_S: Final = 3600


def fit(values: Sequence[float], width: int) -> list[float]:
    """
    Return at most so many numbers, the last one last: where there are more, means of neighbours.

    The first ones are left out if they are too few for a mean.
    """
    shared = max(1, math.ceil(len(values) / width))
    begin = len(values) % shared
    return [sum(values[at : at + shared]) / shared for at in range(begin, len(values), shared)]


def spark(values: Sequence[float], *, highest: float, signs: str = BLOCKS) -> str:
    """Return a sign for each number: the lowest for nothing, a higher one for all else; the last for `highest`."""
    return "".join(_sign(value, highest, signs) for value in values)


def _sign(value: float, highest: float, signs: str) -> str:
    if value <= 0 or highest <= 0:
        return signs[0]
    return signs[min(len(signs) - 1, max(1, math.ceil(value / highest * (len(signs) - 1))))]


def odds(score: float) -> str:
    """
    Return how seldom chance alone does that: `1 in 2,000`, `1 in 30 million`.

    `score` is -log10 of a probability, and is rounded down to one digit of what is seldom.
    """
    if score >= MOST_DIGITS:
        return f"1 in 10^{math.floor(score)}"
    # What float arithmetic makes of a round number is a hair beside it.
    seldom = 10**score * (1 + 1e-9)
    power = math.floor(math.log10(seldom))
    rounded = math.floor(seldom / 10**power) * 10**power
    for digits, name in MANY:
        if power >= digits:
            return f"1 in {rounded // 10**digits:.0f} {name}"
    return f"1 in {rounded:,.0f}"


def span(seconds: float) -> str:
    """Return a length of time in the unit that people would take: `45 min`, `6 h`, `2 days`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < HOUR_S:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * HOUR_S:
        return f"{seconds / HOUR_S:.1f}".removesuffix(".0") + " h"
    return f"{seconds / 24 / HOUR_S:.1f}".removesuffix(".0") + " days"


def number(value: float) -> str:
    """Return an expected count with as many digits as matter: `0.04`, `1.2`, `27`."""
    if value == 0:
        return "0"
    if value < 0.1:
        return f"{value:.2f}" if value >= 0.01 else "under 0.01"
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def counted(number: int, noun: str) -> str:
    """Return `1 story`, `12 stories`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def why(trend: TagTrend) -> str:
    """Return in a sentence what makes a burst one, or what has become of it."""
    if trend.event is TrendEvent.WITHDRAWN:
        return "withdrawn: by documents that came late or proved to be copies it was none, or began at another time"
    if trend.event is TrendEvent.ENDED:
        return (
            f"over: at most {counted(trend.peak_stories, 'story')} in {span(trend.window_s)}{_chance(trend.peak_score)}"
        )
    return (
        f"{counted(trend.stories, 'story')} in {span(trend.window_s)}, {number(trend.expected)} expected"
        f"{_chance(trend.score)}"
    )


def why_now(history: TagHistory) -> str:
    """Return in a sentence how many stories a tag has in its last window, beside what was expected."""
    seconds = history.burst.window_s if history.burst else HOUR_S
    intervals = max(1, seconds // history.interval_s)
    stories, expected = sum(history.stories[-intervals:]), sum(history.expected[-intervals:])
    return (
        f"{counted(stories, 'story')} in {span(intervals * history.interval_s)}, {number(expected)} expected"
        f"{_chance(history.score)}"
    )


def relation(member: Member) -> str:
    """Return how a document belongs to its story."""
    if member.duplicate_of is None:
        return "first of its kind"
    share = "much" if member.similarity is None else f"{math.floor(member.similarity * 100 + 1e-9)} %"
    return f"{share} like {member.duplicate_of}"


def _chance(score: float) -> str:
    """What happens more often than one time in ten says nothing."""
    return f"; by chance {odds(score)}" if score >= 1 else ""
