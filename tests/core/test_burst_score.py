"""How surprising a count is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.burst_score import surprise


def summed(count: int, mean: float, shape: float) -> float:
    """Return it as its definition says: 1 less the probabilities of all smaller counts."""
    share = mean / (mean + shape)
    below = sum(
        math.exp(
            math.lgamma(k + shape) - math.lgamma(shape) - math.lgamma(k + 1) + shape * math.log1p(-share)
            + k * math.log(share)
        )
        for k in range(count)
    )  # fmt: skip
    return -math.log10(max(1e-300, 1 - below))


@given(st.integers(0, 60), st.floats(0.05, 40), st.floats(0.3, 50))
def test_it_is_the_sum_of_the_tail(count: int, mean: float, shape: float) -> None:
    expected = summed(count, mean, shape)

    if expected < 9:  # the sum itself is not exact beyond
        assert surprise(count, mean, shape) == pytest.approx(expected, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize(
    ("count", "mean", "expected"),
    [
        pytest.param(1, 1.0, -math.log10(1 - math.exp(-1)), id="one or more"),
        pytest.param(3, 0.5, -math.log10(1 - math.exp(-0.5) * (1 + 0.5 + 0.125)), id="three or more"),
        pytest.param(2, 5.0, -math.log10(1 - math.exp(-5.0) * 6), id="below the mean"),
    ],
)
def test_an_infinite_shape_is_a_poisson_count(count: int, mean: float, expected: float) -> None:
    assert surprise(count, mean, math.inf) == pytest.approx(expected, rel=1e-4)


def test_nothing_is_no_surprise() -> None:
    assert surprise(0, 3.0, 2.0) == 0


def test_what_no_float_can_hold_still_has_a_score() -> None:
    assert 400 < surprise(400, 0.2, 5.0) < surprise(800, 0.2, 5.0)


@given(st.integers(0, 3000), st.floats(0.001, 3000), st.floats(0.1, 1e6))
def test_more_is_more_surprising_and_a_greater_mean_less(count: int, mean: float, shape: float) -> None:
    score = surprise(count, mean, shape)

    assert 0 <= score <= surprise(count + 1, mean, shape) + 1e-6
    assert surprise(count, mean * 1.5, shape) <= score + 1e-6


def test_a_rate_that_is_less_sure_makes_a_high_count_less_surprising() -> None:
    assert surprise(30, 10.0, 3.0) < surprise(30, 10.0, 30.0) < surprise(30, 10.0, math.inf)
