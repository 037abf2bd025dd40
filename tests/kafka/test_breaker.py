"""When our own code fails on most records, nothing more of them is committed until it does not."""

import pytest

from services.kafka.breaker import BUGS, WINDOW, Breaker, BreakerOpen


def test_fewer_than_the_limit_pass() -> None:
    breaker = Breaker()

    breaker.judge([True] * (BUGS - 1))

    assert not breaker.is_open


@pytest.mark.parametrize(
    "batches",
    [
        pytest.param([[True] * BUGS], id="in one batch"),
        pytest.param([[True] * (BUGS - 1), [True]], id="in two"),
        pytest.param([[False, True] * (BUGS - 1), [False, True]], id="half of the last records"),
        pytest.param([[True] * BUGS + [False] * WINDOW], id="and others after them in the same batch"),
    ],
)
def test_so_many_among_the_last_open_it(batches: list[list[bool]]) -> None:
    breaker = Breaker()
    *before, last = batches
    for batch in before:
        breaker.judge(batch)

    with pytest.raises(BreakerOpen):
        breaker.judge(last)

    assert breaker.is_open


def test_a_third_of_the_records_never_does() -> None:
    breaker = Breaker()

    for _ in range(20):
        breaker.judge([True, False, False] * 50)

    assert not breaker.is_open


def test_an_empty_batch_is_no_news() -> None:
    breaker = Breaker()

    breaker.judge([])

    assert not breaker.is_open


def test_old_bugs_are_forgotten() -> None:
    breaker = Breaker()
    breaker.judge([True] * (BUGS - 1))

    breaker.judge([False] * (WINDOW - 1))
    breaker.judge([True] * (BUGS - 2))

    assert not breaker.is_open


@pytest.mark.parametrize("probe", [[True] * 20, [True, False] * 10, [True]])
def test_a_probe_with_as_many_keeps_it_open(probe: list[bool]) -> None:
    breaker = opened()

    with pytest.raises(BreakerOpen):
        breaker.judge(probe)

    assert breaker.is_open


def test_a_probe_with_fewer_closes_it_and_counts_anew() -> None:
    breaker = opened()

    breaker.judge([True] * 9 + [False] * 11)
    breaker.judge([True] * (BUGS - 10))

    assert not breaker.is_open


def opened() -> Breaker:
    breaker = Breaker()
    with pytest.raises(BreakerOpen):
        breaker.judge([True] * BUGS)
    return breaker
