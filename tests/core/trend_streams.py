"""Streams for the tests of trends: a calm tag with bursts in it, as rows of its hours."""

import random
from collections.abc import Mapping

from services.core.bursts import TagSeries
from services.core.tag_numbers import TrendRules
from services.core.timeline import SeenHours
from services.core.trend_counts import HourCounts, empty_hour

DAY = 20_000 * 24
"""The first hour: a day that begins at midnight UTC."""
RULES = TrendRules(interval_s=900, baseline_days=7)
PER_HOUR = 4


def rows(days: int, more: Mapping[int, int], *, per_hour: float = 2.0, seed: int = 1) -> dict[int, HourCounts]:
    """Return the rows of some days; `more` is hour of the stream -> documents of a burst in it."""
    chance = random.Random(seed)
    found: dict[int, HourCounts] = {}
    for hour in range(days * 24):
        row = empty_hour(RULES.interval_s)
        for interval in range(PER_HOUR):
            row.documents[interval] = chance.choice((0, 0, 1, 1)) * round(per_hour / 2)
            row.documents[interval] += more.get(hour, 0) // PER_HOUR
        found[DAY + hour] = row
    return found


def series(found: Mapping[int, HourCounts], rules: TrendRules = RULES) -> TagSeries:
    tag = TagSeries(rules, SeenHours())
    for hour, row in found.items():
        tag.put(hour, row)
    return tag


def window(hour: int) -> int:
    """Return the window that ends where an hour of the stream begins."""
    return (DAY + hour) * PER_HOUR
