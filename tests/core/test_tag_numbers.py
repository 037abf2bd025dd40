"""The numbers of a tag, and what its windows are to be expected to hold."""

from typing import Any

import pytest

from services.core.tag_numbers import TagNumbers, TrendRules, score
from services.core.timeline import SeenHours
from services.core.trend_counts import HourCounts

DAY = 20_000 * 24
RULES = TrendRules(interval_s=900, baseline_days=7)


def numbers(rules: TrendRules = RULES, days: int = 7, each: int = 2) -> TagNumbers:
    found = TagNumbers(rules, SeenHours())
    for hour in range(DAY, DAY + days * 24):
        found.put(hour, HourCounts([each] * rules.per_hour))
    found.take_changed()
    return found


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"interval_s": 0}, "interval_s: 0 does not divide an hour"),
        ({"interval_s": 700}, "interval_s: 700 does not divide an hour"),
        ({"window_s": 0}, "window_s: 0 is not a number of intervals of 300 s"),
        ({"window_s": 1000}, "window_s: 1000 is not a number of intervals of 300 s"),
        ({"window_s": 86400}, "half a day at most"),
        ({"baseline_days": 0}, "baseline_days: 0 is less than 1"),
        ({"min_stories": 0}, "min_stories: 0 is less than 1"),
        ({"end_score": 6.0}, "end_score: 6.0 is above start_score, 5.0"),
    ],
)
def test_rules_that_make_no_sense_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrendRules(**given)


def test_a_window_within_an_hour_is_its_part_of_it() -> None:
    rules = TrendRules(interval_s=900, window_s=1800, baseline_days=7)
    end = (DAY + 7 * 24) * 4 + 3

    expected = numbers(rules).expected(end)

    assert expected is not None
    assert expected.mean == pytest.approx(4, rel=0.05)
    assert numbers(rules).expected_between(end, end + 2) == [pytest.approx(2, rel=0.05)] * 2


def test_a_window_over_several_hours_is_as_unsure_as_they_are() -> None:
    inside, across = numbers().expected((DAY + 7 * 24) * 4), numbers().expected((DAY + 7 * 24) * 4 + 2)

    assert inside is not None
    assert across is not None
    assert across.mean == pytest.approx(inside.mean, rel=0.02)
    assert across.variance == pytest.approx(inside.variance, rel=0.05)


def test_where_too_little_was_seen_nothing_is_expected_and_nothing_is_surprising() -> None:
    short = numbers(days=1)

    assert short.expected((DAY + 24) * 4) is None
    assert short.expected_between((DAY + 24) * 4, (DAY + 24) * 4 + 3) == [0, 0, 0]
    assert score(100, None) == 0


def test_what_changed_is_told_once() -> None:
    found = numbers()

    found.put(DAY + 30, HourCounts([2, 2, 3, 2]))
    found.put(DAY + 40, HourCounts([3, 2, 2, 2]))

    assert found.take_changed() == (DAY + 30) * 4 + 2
    assert found.take_changed() is None


def test_copies_change_stories_and_not_documents() -> None:
    found = numbers()

    found.put(DAY + 30, HourCounts([2, 2, 2, 2], copies={3: {0: {7}}}))

    assert list(found.stories((DAY + 30) * 4, (DAY + 31) * 4)) == [2, 2, 2, 1]
    assert list(found.documents((DAY + 30) * 4, (DAY + 31) * 4)) == [2, 2, 2, 2]
    assert found.take_changed() == (DAY + 30) * 4 + 3


def test_numbers_that_did_not_change_are_not_told() -> None:
    found = numbers()

    found.put(DAY + 30, HourCounts([2] * 4))

    assert found.take_changed() is None


def test_what_is_expected_follows_late_numbers() -> None:
    end = (DAY + 7 * 24 - 1) * 4
    late, asked = numbers(), numbers()
    before = asked.expected(end)
    for found in (late, asked):
        for day in range(6):
            found.put(DAY + day * 24 + 22, HourCounts([9] * 4))
        found.take_changed()

    assert asked.expected(end) == late.expected(end) != before


def test_an_hour_of_another_tag_shows_that_this_one_was_silent() -> None:
    seen = SeenHours()
    found = TagNumbers(RULES, seen)
    for hour in (*range(DAY, DAY + 48), *range(DAY + 96, DAY + 168)):
        found.put(hour, HourCounts([2] * 4))
    found.take_changed()
    end = (DAY + 168) * 4
    before = found.expected(end)

    for hour in range(DAY + 48, DAY + 96):
        seen.add(hour)

    assert found.take_changed() == (DAY + 49) * 4 - 1
    after = found.expected(end)
    assert before is not None
    assert after is not None
    assert after.mean < 0.9 * before.mean


def test_what_is_dropped_is_no_longer_there() -> None:
    found = numbers()
    found.expected((DAY + 7 * 24) * 4)

    found.drop_before(DAY + 7 * 24 - 30)

    assert found.first == (DAY + 7 * 24 - 30) * 4
    assert sum(found.stories(DAY * 4, (DAY + 7 * 24) * 4)) == 30 * 4 * 2
    found.put(DAY + 7 * 24 - 20, HourCounts([3] * 4))
    found.take_changed()
    after = found.expected((DAY + 7 * 24) * 4)
    assert after is not None
    assert after.mean < 1, "eight an hour were learned from what is dropped"
