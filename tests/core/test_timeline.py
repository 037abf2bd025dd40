"""Numbers by position in time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.timeline import MAX_SILENCE_H, SeenHours, Timeline


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9))), st.integers(-5, 45), st.integers(0, 20))
def test_what_was_put_is_there_and_all_else_is_zero(puts: list[tuple[int, int]], start: int, length: int) -> None:
    timeline, known = Timeline(), dict[int, int]()
    for position, value in puts:
        timeline.put(position, value)
        known[position] = value

    found = timeline.between(start, start + length)

    assert list(found) == [known.get(position, 0) for position in range(start, start + length)]
    assert [timeline.at(position) for position in range(start, start + length)] == list(found)


@given(st.lists(st.integers(0, 40)), st.integers(0, 50))
def test_what_is_dropped_is_zero_and_the_rest_stays(positions: list[int], before: int) -> None:
    timeline = Timeline()
    for position in positions:
        timeline.put(position, 1)

    timeline.drop_before(before)

    assert list(timeline.between(0, 51)) == [int(each in positions and each >= before) for each in range(51)]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        pytest.param([], [], id="nothing was ever seen"),
        pytest.param([3], [3], id="one hour"),
        pytest.param([3, 6], [3, 4, 5, 6], id="a short silence is seen"),
        pytest.param([0, MAX_SILENCE_H + 1], list(range(MAX_SILENCE_H + 2)), id="the longest silence that is seen"),
        pytest.param([0, MAX_SILENCE_H + 2], [0, MAX_SILENCE_H + 2], id="off"),
    ],
)
def test_silence_is_seen_when_it_is_short(hours: list[int], expected: list[int]) -> None:
    seen = SeenHours()
    for hour in reversed(hours):
        seen.add(hour)

    assert [hour for hour, flag in enumerate(seen.between(0, 20)) if flag] == expected


def test_the_log_tells_what_is_new() -> None:
    seen = SeenHours([5])
    assert list(seen.between(4, 7)) == [0, 1, 0]

    seen.add(6)
    seen.add(5)

    assert seen.log == [5, 6]
    assert list(seen.between(4, 7)) == [0, 1, 1]
