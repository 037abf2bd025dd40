"""Rows of a tag -> its numbers over time, and what each window of them is to be expected to hold."""

from array import array
from dataclasses import dataclass

from services.core.baseline import DAY_H, Dispersion, Rate, dispersion, expected_rate, reach_h
from services.core.burst_score import surprise
from services.core.timeline import SeenHours, Timeline
from services.core.trend_counts import HOUR_S, HourCounts


@dataclass(frozen=True, slots=True)
class TrendRules:
    """When a tag bursts."""

    interval_s: int = 300
    """Documents are counted in intervals of so many seconds; a window moves on by one. It divides an hour."""
    window_s: int = 3600
    """Seconds that a window is long: some intervals, half a day at most."""
    baseline_days: int = 28
    """So many days before a window tell what is to be expected. Documents may come late by as much."""
    start_score: float = 5.0
    """A burst starts where so many stories or more have a probability of 10 to the minus this."""
    end_score: float = 2.0
    """It ends where the score falls below this."""
    min_stories: int = 5
    """A window with fewer starts no burst, however surprising."""
    min_lift: float = 2.0
    """Nor does one with less than so many times what was to be expected."""

    def __post_init__(self) -> None:
        if self.interval_s <= 0 or HOUR_S % self.interval_s:
            raise ValueError(f"interval_s: {self.interval_s} does not divide an hour")
        if not 0 < self.window_s <= HOUR_S * DAY_H // 2 or self.window_s % self.interval_s:
            raise ValueError(
                f"window_s: {self.window_s} is not a number of intervals of {self.interval_s} s, half a day at most"
            )
        if self.baseline_days < 1:
            raise ValueError(f"baseline_days: {self.baseline_days} is less than 1")
        if self.min_stories < 1:
            raise ValueError(f"min_stories: {self.min_stories} is less than 1")
        if self.end_score > self.start_score:
            raise ValueError(f"end_score: {self.end_score} is above start_score, {self.start_score}")

    @property
    def per_hour(self) -> int:
        """Intervals of an hour."""
        return HOUR_S // self.interval_s

    @property
    def per_window(self) -> int:
        """Intervals of a window."""
        return self.window_s // self.interval_s

    @property
    def horizon(self) -> int:
        """Intervals for which answers may change, since documents may come so late."""
        return self.baseline_days * DAY_H * self.per_hour


class TagNumbers:
    """
    Stories and documents of one tag in each interval, and what was to be expected.

    Intervals are counted since 1970, and a window is named by the interval before which it ends. What is answered
    depends on the numbers, not on the order in which they were put.
    """

    def __init__(self, rules: TrendRules, seen: SeenHours) -> None:
        """`seen` is shared by all tags that are counted together."""
        self.rules = rules
        self._seen = seen
        self._stories = Timeline()
        self._documents = Timeline()
        self._by_hour = Timeline()
        self._rates: dict[int, Rate | None] = {}
        self._dispersions: dict[int, Dispersion] = {}
        self._rated_hour = 0
        """The last hour in `_rates` or `_dispersions`."""
        self._changed: int | None = None
        self._log_read = 0

    @property
    def first(self) -> int:
        """The first interval that is known; 0 where none is."""
        return self._stories.first

    def put(self, hour: int, row: HourCounts) -> None:
        """Take the numbers of an hour, in hours since 1970, as its row has them now."""
        stories = row.stories()
        first = hour * self.rules.per_hour
        for interval, (told, documents) in enumerate(zip(stories, row.documents, strict=True), first):
            if self._stories.at(interval) != told or self._documents.at(interval) != documents:
                self._stories.put(interval, told)
                self._documents.put(interval, documents)
                self._changed = interval if self._changed is None else min(self._changed, interval)
        self._by_hour.put(hour, sum(stories))
        if any(row.documents):
            self._seen.add(hour)

    def take_changed(self) -> int | None:
        """
        Return the first interval from which on windows may hold, or expect, something else than at the last call.

        None: nothing has changed.
        """
        changed, self._changed = self._changed, None
        for hour in self._seen.log[self._log_read :]:
            # It tells of the hours after it that they were seen to be silent, or of those before it.
            last = (hour + 1) * self.rules.per_hour - 1
            changed = last if changed is None else min(changed, last)
        self._log_read = len(self._seen.log)
        if changed is not None:
            self._forget_rates_after(changed // self.rules.per_hour)
        return changed

    def stories(self, start: int, end: int) -> "array[int]":
        """Return the stories of each interval from `start` on and before `end`."""
        return self._stories.between(start, end)

    def documents(self, start: int, end: int) -> "array[int]":
        return self._documents.between(start, end)

    def expected_between(self, start: int, end: int) -> list[float]:
        """Return how many stories each interval is to be expected to have; 0 where too little has been seen."""
        per_hour = self.rules.per_hour
        rates = {hour: self._rate(hour) for hour in range(start // per_hour, (end - 1) // per_hour + 1)}
        each = {hour: rate.mean / per_hour if rate else 0.0 for hour, rate in rates.items()}
        return [each[interval // per_hour] for interval in range(start, end)]

    def expected(self, end: int) -> Rate | None:
        """Return what the window is to be expected to hold; None where too little has been seen."""
        mean = deviation = 0.0
        per_hour, start = self.rules.per_hour, end - self.rules.per_window
        for hour in range(start // per_hour, (end - 1) // per_hour + 1):
            rate = self._rate(hour)
            if rate is None:
                return None
            share = (min(end, (hour + 1) * per_hour) - max(start, hour * per_hour)) / per_hour
            mean += share * rate.mean
            # What is not known of one hour's rate is not known of the next one's either: deviations add up.
            deviation += share * rate.variance**0.5
        return Rate(mean, deviation * deviation + self._dispersion(end).variance(mean))

    def drop_before(self, hour: int) -> None:
        """Forget what is older than an hour."""
        self._stories.drop_before(hour * self.rules.per_hour)
        self._documents.drop_before(hour * self.rules.per_hour)
        self._by_hour.drop_before(hour)
        self._rates = {each: rate for each, rate in self._rates.items() if each >= hour}
        self._dispersions = {day: value for day, value in self._dispersions.items() if (day + 1) * DAY_H > hour}

    def _rate(self, hour: int) -> Rate | None:
        if hour not in self._rates:
            start = hour - reach_h(self.rules.baseline_days)
            self._rates[hour] = expected_rate(self._by_hour.between(start, hour), self._seen.between(start, hour))
            self._rated_hour = max(self._rated_hour, hour)
        return self._rates[hour]

    def _dispersion(self, end: int) -> Dispersion:
        """Return how the rate differs from day to day, as known when the window's last day began."""
        day = (end - 1) // self.rules.per_hour // DAY_H
        if day not in self._dispersions:
            until = day * DAY_H
            start = until - reach_h(self.rules.baseline_days)
            self._dispersions[day] = dispersion(self._by_hour.between(start, until), self._seen.between(start, until))
            self._rated_hour = max(self._rated_hour, until)
        return self._dispersions[day]

    def _forget_rates_after(self, hour: int) -> None:
        if hour < self._rated_hour:
            self._rates = {each: rate for each, rate in self._rates.items() if each <= hour}
            self._dispersions = {day: value for day, value in self._dispersions.items() if day * DAY_H <= hour}
            self._rated_hour = hour


def score(stories: int, expected: Rate | None) -> float:
    """Return how surprising so many stories are; 0 where nothing is expected."""
    if expected is None:
        return 0.0
    return surprise(stories, expected.mean, expected.mean * expected.mean / expected.variance)
