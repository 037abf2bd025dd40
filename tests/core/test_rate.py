"""How fast something grows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.rate import rate


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        pytest.param([], None, id="nothing was seen"),
        pytest.param([(0, 7)], None, id="nor does one moment tell"),
        pytest.param([(5, 7), (5, 9)], None, id="two at the same time"),
        pytest.param([(0, 0), (10, 50)], 5, id="less than a minute is known"),
        pytest.param([(0, 0), (60, 300), (120, 300)], 0, id="what was before does not count"),
        pytest.param([(0, 0), (120, 600)], 5, id="moments that are far apart: an even growth"),
        pytest.param([(0, 0), (3600, 3600)], 1, id="an hour apart"),
        pytest.param([(0, 0), (50, 0), (100, 0), (120, 600)], 10, id="the minute begins between two moments"),
    ],
)
def test_rate(moments: list[tuple[float, int]], expected: float | None) -> None:
    found = rate(reversed(moments), over_s=60)

    assert found == (expected if expected is None else pytest.approx(expected))


@given(st.lists(st.integers(1, 200), min_size=1, max_size=30), st.integers(0, 1000))
def test_of_what_grows_evenly_it_is_always_the_same(pauses: list[int], start: int) -> None:
    moments = [(float(at_s), start + 3 * at_s) for at_s in [0, *(sum(pauses[: n + 1]) for n in range(len(pauses)))]]

    assert rate(reversed(moments), over_s=60) == pytest.approx(3)
