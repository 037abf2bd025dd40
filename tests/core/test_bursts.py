"""The bursts of a tag."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.insights import TrendEvent
from services.core.bursts import Burst, TagSeries, judged
from services.core.tag_numbers import TrendRules
from services.core.timeline import SeenHours
from services.core.trend_counts import HourCounts, empty_hour
from tests.core.trend_streams import DAY, PER_HOUR, RULES, rows, series, window

NOON = 5 * 24 + 12
"""An hour of the sixth day."""


def events(tag: TagSeries, until: int) -> list[list[TrendEvent]]:
    return [[step.event for step in burst.steps] for burst in tag.bursts(until)]


def test_calm_days_have_no_bursts() -> None:
    assert series(rows(7, {})).bursts(window(7 * 24)) == []


def test_a_burst_starts_grows_and_ends() -> None:
    tag = series(rows(7, {NOON: 16, NOON + 1: 60, NOON + 2: 60}))

    (burst,) = tag.bursts(window(7 * 24))

    assert [step.event for step in burst.steps] == [
        TrendEvent.STARTED,
        *[TrendEvent.GREW] * (len(burst.steps) - 2),
        TrendEvent.ENDED,
    ]
    assert len(burst.steps) > 3
    assert window(NOON) < burst.start <= window(NOON + 1)
    assert burst.end is not None
    assert window(NOON + 3) < burst.end <= window(NOON + 4)
    assert 60 <= burst.peak_stories <= 64 + 4
    assert all(
        after.stories >= 2 * before.stories for before, after in zip(burst.steps, burst.steps[1:-1], strict=False)
    )
    assert burst.steps[-1].peak_stories == burst.peak_stories
    assert burst.steps[-1].score < RULES.end_score < RULES.start_score <= burst.steps[0].score


def test_a_burst_that_goes_on_has_no_end() -> None:
    tag = series(rows(7, {NOON: 40, NOON + 1: 40}))

    (burst,) = tag.bursts(window(NOON + 1))

    assert burst.end is None
    assert tag.bursts(window(NOON + 24))[0].end is not None


def test_two_bursts_are_two() -> None:
    tag = series(rows(7, {NOON: 40, NOON + 10: 40}))

    first, second = tag.bursts(window(7 * 24))

    assert first.end is not None
    assert first.end < second.start


def test_few_stories_are_no_burst_however_surprising() -> None:
    def bursts(documents: int) -> list[Burst]:
        tag = TagSeries(RULES, SeenHours(range(DAY, DAY + 7 * 24)))
        tag.put(DAY + NOON, HourCounts([0, 0, 0, documents]))
        return tag.bursts(window(7 * 24))

    assert len(bursts(5)) == 1
    assert bursts(4) == []


def test_a_little_more_of_much_is_no_burst_however_surprising() -> None:
    found = {DAY + hour: HourCounts([80 if hour == NOON else 50] * PER_HOUR) for hour in range(7 * 24)}
    lenient = TrendRules(interval_s=900, baseline_days=7, min_lift=1.5)

    assert series(found).bursts(window(7 * 24)) == []
    assert len(series(found, lenient).bursts(window(7 * 24))) == 1


def test_copies_make_no_burst() -> None:
    found = rows(7, {NOON: 40})
    found[DAY + NOON].copies = {interval: {0: set(range(10))} for interval in range(PER_HOUR)}

    assert series(found).bursts(window(7 * 24)) == []


def test_nothing_bursts_before_a_day_has_been_seen() -> None:
    assert series(rows(2, {20: 80})).bursts(window(24)) == []
    assert len(series(rows(3, {60: 80})).bursts(window(72))) == 1


def test_a_burst_ends_when_nothing_is_known_any_more() -> None:
    """The installation was off for longer than is kept."""
    tag = series(rows(7, {7 * 24 - 1: 40}))
    assert events(tag, window(7 * 24)) == [[TrendEvent.STARTED]]

    assert events(tag, window(20 * 24))[0][-1] is TrendEvent.ENDED


def test_nothing_was_ever_counted() -> None:
    tag = TagSeries(RULES, SeenHours())

    assert tag.bursts(window(0)) == []
    assert list(judged(tag.numbers, window(2), window(1))) == []


def test_bursts_are_those_of_any_way_there() -> None:
    """Judged window by window, and asked again for an earlier one."""
    found = rows(7, {NOON: 16, NOON + 1: 60, NOON + 20: 40})
    at_once, step_by_step = series(found), series(found)
    expected = at_once.bursts(window(7 * 24))

    for until in range(window(3 * 24), window(7 * 24) + 1):
        step_by_step.bursts(until)

    assert step_by_step.bursts(window(7 * 24)) == expected
    assert step_by_step.bursts(window(NOON + 2)) == series(found).bursts(window(NOON + 2))
    assert step_by_step.bursts(window(7 * 24)) == expected
    assert step_by_step.bursts(window(7 * 24)) == expected


def test_a_number_that_comes_late_changes_the_bursts_after_it() -> None:
    found = rows(7, {NOON: 40, NOON + 20: 40})
    late = found.pop(DAY + NOON)
    tag = series(found)
    assert len(tag.bursts(window(7 * 24))) == 1

    tag.put(DAY + NOON, late)

    assert tag.bursts(window(7 * 24)) == series({**found, DAY + NOON: late}).bursts(window(7 * 24))
    assert len(tag.bursts(window(7 * 24))) == 2


def test_what_is_older_than_the_horizon_stays_as_it_was_judged() -> None:
    more = {30 + 24 * 2: 60}
    tag = series(rows(7, more))
    (burst,) = tag.bursts(window(7 * 24))

    tag.put(DAY + 30 + 24 * 2, empty_hour(RULES.interval_s))

    assert tag.bursts(window(12 * 24)) == [burst]


def test_what_is_dropped_takes_its_bursts_with_it() -> None:
    tag = series(rows(7, {NOON: 40, NOON + 20: 40}))
    _, second = tag.bursts(window(7 * 24))

    tag.drop_before(DAY + NOON + 20)

    assert tag.bursts(window(7 * 24)) == [second]


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(st.integers(36, 7 * 24 - 1), st.sampled_from((12, 24, 60)), max_size=5),
    st.lists(st.integers(0, 7 * 24), max_size=4),
    st.randoms(use_true_random=False),
)
def test_the_bursts_are_the_same_whatever_the_order_of_the_numbers(
    more: dict[int, int], asked: list[int], chance: random.Random
) -> None:
    """Rows come in any order, some of them first as they were when less was known, with questions in between."""
    found = rows(7, more, seed=chance.randrange(5))
    puts: list[tuple[int, HourCounts]] = list(found.items())
    for hour, row in chance.sample(puts, 20):
        partly = HourCounts([chance.randint(0, count) for count in row.documents])
        puts.insert(chance.randrange([each for each, _ in puts].index(hour) + 1), (hour, partly))
    last = {id(row) for row in found.values()}
    order = sorted(range(len(puts)), key=lambda _: chance.random())
    early = [puts[place] for place in order if id(puts[place][1]) not in last]
    late = [puts[place] for place in order if id(puts[place][1]) in last]
    tag = TagSeries(RULES, SeenHours())

    for number, (hour, row) in enumerate((*early, *late)):
        tag.put(hour, row)
        if number % 40 == 0 and asked:
            tag.bursts(window(chance.choice(asked)))

    assert tag.bursts(window(7 * 24)) == series(found).bursts(window(7 * 24))


@pytest.mark.parametrize("interval_s", [300, 900, 3600])
def test_the_interval_does_not_matter_where_documents_come_evenly(interval_s: int) -> None:
    rules = TrendRules(interval_s=interval_s, baseline_days=7)
    tag = TagSeries(rules, SeenHours())
    for hour in range(7 * 24):
        tag.put(DAY + hour, HourCounts([(12 if hour == NOON else 2) * 12 // rules.per_hour] * rules.per_hour))

    (burst,) = tag.bursts((DAY + 7 * 24) * rules.per_hour)

    assert burst.peak_stories == 144
