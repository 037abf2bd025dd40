"""Stories per hour of the days before -> what an hour is to be expected to bring, and how sure that is."""

from collections.abc import Sequence
from itertools import compress
from math import sqrt
from typing import Final, NamedTuple

from services.core.timeline import MAX_SILENCE_H

DAY_H: Final = 24
MIN_SEEN_H: Final = 24
"""With less to compare with, nothing is expected: no day has been seen from beginning to end."""

SHAPE: Final = 3.0
"""Shape of the Gamma distribution of an hour's rate around the tag's mean rate, before that hour has been seen:
a rhythm of the day has a coefficient of variation of about .6."""
NEIGHBOUR_WEIGHT: Final = 0.5
"""What the hour before and the one after tell of an hour; together they cancel a slope."""
CLUMPING: Final = 0.3
"""`Dispersion.of_mean` as long as nothing tells otherwise,"""
CLUMPING_WEIGHT: Final = 20.0
"""and how many stories that belief weighs."""
DAY_TO_DAY: Final = 0.1
"""`Dispersion.of_square` as long as nothing tells otherwise,"""
DAY_TO_DAY_WEIGHT: Final = 50.0
"""and what that belief weighs, as a sum of squared means: as 50 hours with one story do."""
TRIMMED: Final = 10
"""One in so many values, the greatest, is left out where it is judged what is too much."""


class Rate(NamedTuple):
    """What an hour is to be expected to bring: Gamma distributed, so that a count is negative binomial."""

    mean: float
    """Stories."""
    variance: float
    """Of the rate, because hours before were few; without that of a count around its rate."""


class Dispersion(NamedTuple):
    """What the variance of a count is beyond that of a Poisson count; the greater one of two guesses holds."""

    of_mean: float
    """In proportion to the mean, as when stories come in clumps (Farrington et al., 1996); so it is with rare tags."""
    of_square: float
    """In proportion to the mean squared, as when days differ from one another; so it is with frequent tags."""

    def variance(self, mean: float) -> float:
        """Return the variance beyond the mean, for a count with this mean."""
        return max(self.of_mean * mean, self.of_square * mean * mean)


def reach_h(days: int) -> int:
    """Return how many hours before an hour its expectation reads."""
    return days * DAY_H + MAX_SILENCE_H


def expected_rate(stories: Sequence[int], seen: Sequence[int]) -> Rate | None:
    """
    Return what the hour after these is to be expected to bring; None where less than a day has been seen.

    `stories` are those of the `reach_h(days)` hours before, oldest first, and `seen` tells with 1 those hours in which
    there was anything to see. The last hours are not read, but for the same hours of the days before: a burst is to be
    seen against what was before it, and whether a silent hour was seen is known only when the silence has an end.

    The rate of an hour of the day has a Gamma distribution around the tag's mean rate; the same hour of the days
    before, and the hours beside it, make it a posterior one (Gelman et al., Bayesian Data Analysis, section 2.6).
    Earlier bursts are cut to what is not yet surprising, so that they neither hide the next one nor are denied.
    """
    end = len(stories) - MAX_SILENCE_H
    seen_h = sum(seen[:end])
    if seen_h < MIN_SEEN_H:
        return None
    level = _level(stories[:end], seen[:end], seen_h)
    same = list(compress(stories[MAX_SILENCE_H::DAY_H], seen[MAX_SILENCE_H::DAY_H]))
    beside = [
        value
        for start in (MAX_SILENCE_H - 1, MAX_SILENCE_H + 1)
        for value in compress(stories[start:end:DAY_H], seen[start:end:DAY_H])
    ]
    cut = _too_many([*same, *beside])
    told = sum(min(value, cut) for value in same) + NEIGHBOUR_WEIGHT * sum(min(value, cut) for value in beside)
    shape = SHAPE + told
    mean = shape / (SHAPE / level + len(same) + NEIGHBOUR_WEIGHT * len(beside))
    return Rate(mean, mean * mean / shape)


def dispersion(stories: Sequence[int], seen: Sequence[int]) -> Dispersion:
    """
    Return by how much counts of the same hour differ more than Poisson counts do.

    By moments, over all hours of the day together; the arguments are those of `expected_rate`.
    """
    end = len(stories) - MAX_SILENCE_H
    beyond, means, squares = 0.0, 0.0, 0.0
    for start in range(DAY_H):
        values: list[float] = list(compress(stories[start:end:DAY_H], seen[start:end:DAY_H]))
        if len(values) > 1 and any(values):
            cut = _too_many(values)
            values = [min(value, cut) for value in values]
            mean = sum(values) / len(values)
            # The variance of a sample; what a Poisson count would have of it is its mean.
            variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
            beyond += len(values) * (variance - mean)
            means += len(values) * mean
            squares += len(values) * mean * mean
    return Dispersion(
        max(0.0, (CLUMPING * CLUMPING_WEIGHT + beyond) / (CLUMPING_WEIGHT + means)),
        max(0.0, (DAY_TO_DAY * DAY_TO_DAY_WEIGHT + beyond) / (DAY_TO_DAY_WEIGHT + squares)),
    )


def _level(stories: Sequence[int], seen: Sequence[int], seen_h: int) -> float:
    """Return stories per hour over all hours; a day with too many is cut. Never 0."""
    days = [
        (sum(stories[start : start + DAY_H]) / hours, hours)
        for start in range(0, len(stories), DAY_H)
        if (hours := sum(seen[start : start + DAY_H]))
    ]
    cut = _too_many([rate * DAY_H for rate, _ in days]) / DAY_H
    # Half a story more than were seen: nothing seen is not never (Jeffreys' prior).
    return (sum(min(rate, cut) * hours for rate, hours in days) + 0.5) / seen_h


def _too_many(values: Sequence[float]) -> float:
    """Return above which such values are surprising: three deviations beyond the mean of all but the greatest."""
    if not values:
        return 0.0
    kept = sorted(values)[: max(1, len(values) - (len(values) + TRIMMED - 1) // TRIMMED)]
    mean = sum(kept) / len(kept)
    return 1 + mean + 3 * sqrt(mean + DAY_TO_DAY * mean * mean)
