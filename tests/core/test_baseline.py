"""What an hour is to be expected to bring."""

import math
import random
from collections.abc import Callable

import pytest

from services.core.baseline import (
    CLUMPING,
    DAY_TO_DAY,
    MIN_SEEN_H,
    Dispersion,
    Rate,
    dispersion,
    expected_rate,
    reach_h,
)

DAYS = 14
HOURS = reach_h(DAYS)
"""The last of them are the twelve hours before the one that is asked for."""


def poisson(mean: float, chance: random.Random) -> int:
    bound, product, found = math.exp(-mean), chance.random(), 0
    while product > bound:
        product *= chance.random()
        found += 1
    return found


def counts(rate: Callable[[int], float], seed: int = 1) -> list[int]:
    """Return a count for each hour, with the rate that its hours before now tell."""
    chance = random.Random(seed)
    return [poisson(rate(HOURS - hour), chance) for hour in range(HOURS)]


def asked(stories: list[int], seen: list[int] | None = None) -> Rate:
    rate = expected_rate(stories, seen or [1] * HOURS)
    assert rate is not None
    return rate


@pytest.mark.parametrize("mean", [0.02, 0.5, 4.0, 60.0])
def test_a_steady_rate_is_learned(mean: float) -> None:
    means = [asked(counts(lambda _: mean, seed)).mean for seed in range(30)]

    assert sum(means) / len(means) == pytest.approx(mean, rel=0.15, abs=0.01)


def test_the_hour_of_the_day_is_learned() -> None:
    def by_day(ago: int) -> float:
        return 40.0 if ago % 24 in {22, 23, 0, 1, 2} else 4.0

    assert asked(counts(by_day)).mean == pytest.approx(40, rel=0.15)
    assert asked(counts(lambda ago: by_day(ago + 12))).mean == pytest.approx(4, rel=0.2)


def test_the_more_is_known_the_surer_is_the_rate() -> None:
    stories = [3] * HOURS
    short = [0] * (HOURS - 48) + [1] * 48

    assert asked(stories).variance < asked(stories, short).variance
    assert asked([30] * HOURS).variance / 30**2 < asked(stories).variance / 3**2


def test_an_earlier_burst_hardly_raises_what_is_expected() -> None:
    calm, burst = counts(lambda _: 3.0), counts(lambda _: 3.0)
    for ago in (24, 25, 72):
        burst[HOURS - ago] = 200

    assert asked(burst).mean < 1.6 * asked(calm).mean


def test_a_lasting_change_is_learned() -> None:
    assert asked(counts(lambda ago: 20.0 if ago < 9 * 24 else 2.0)).mean > 10


def test_the_hours_just_before_are_not_read() -> None:
    stories = counts(lambda _: 3.0)

    assert asked([*stories[:-12], *[99] * 12]) == asked(stories)


def test_hours_in_which_nothing_could_be_seen_are_not_zeros() -> None:
    """The installation was off for half of the days."""
    seen = [int(hour // 24 % 2) for hour in range(HOURS)]
    stories = [3 * flag for flag in seen]

    assert asked(stories, seen).mean == pytest.approx(3, rel=0.1)
    assert asked(stories).mean < 2.2


def test_with_less_than_a_day_nothing_is_expected() -> None:
    seen = [0] * HOURS
    seen[-12 - MIN_SEEN_H + 1 :] = [1] * (12 + MIN_SEEN_H - 1)

    assert expected_rate([1] * HOURS, seen) is None

    seen[-12 - MIN_SEEN_H] = 1
    assert expected_rate([1] * HOURS, seen) is not None


def test_a_tag_that_was_never_seen_is_rare_and_not_impossible() -> None:
    assert 0 < asked([0] * HOURS).mean < 0.002


def test_an_hour_of_the_day_that_was_never_seen_is_like_the_others() -> None:
    seen = [int((HOURS - hour) % 24 not in {23, 0, 1}) for hour in range(HOURS)]

    rate = asked([5 * flag for flag in seen], seen)

    assert rate.mean == pytest.approx(5, rel=0.1)
    assert rate.variance == pytest.approx(rate.mean**2 / 3), "nothing is known but the tag's mean"


def spread(stories: list[int]) -> Dispersion:
    return dispersion(stories, [1] * HOURS)


def test_poisson_counts_have_little_dispersion() -> None:
    assert spread(counts(lambda _: 20.0)).of_square < 0.02
    assert spread(counts(lambda _: 1.0)).of_mean < 0.2


def test_days_that_differ_have_their_dispersion() -> None:
    def by_day(ago: int) -> float:
        return 30.0 if ago // 24 % 2 else 10.0

    assert spread(counts(by_day)).of_square == pytest.approx(0.25, rel=0.3)


def test_stories_that_come_in_clumps_have_their_dispersion() -> None:
    """Three at a time have thrice the variance of single ones."""
    assert spread([3 * each for each in counts(lambda _: 0.3)]).of_mean == pytest.approx(2, rel=0.4)


def test_a_rare_tag_has_the_dispersion_that_is_believed() -> None:
    assert spread([0] * HOURS) == (CLUMPING, DAY_TO_DAY)


def test_counts_that_are_too_even_have_no_negative_dispersion() -> None:
    assert spread([40] * HOURS) == (0, 0)


def test_of_the_two_guesses_the_greater_one_holds() -> None:
    guesses = Dispersion(of_mean=0.5, of_square=0.1)

    assert guesses.variance(2) == 0.5 * 2
    assert guesses.variance(20) == 0.1 * 20 * 20
