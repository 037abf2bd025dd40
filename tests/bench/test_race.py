"""How fast a system was, of what was seen of its outputs."""

import pytest

from bench.race import STEPS, Sample, speed


def steps(count: int, *, offsets_each: int, each_s: float = 0.5) -> list[Sample]:
    return [Sample(number * each_s, number * offsets_each) for number in range(count + 1)]


@pytest.mark.parametrize(
    ("samples", "documents", "expected"),
    [
        pytest.param(steps(20, offsets_each=100), 2_000, 200.0, id="an offset is a document"),
        pytest.param(steps(20, offsets_each=101), 2_000, 200.0, id="each step ends a transaction, whose end counts"),
        pytest.param(steps(20, offsets_each=150), 2_000, 200.0, id="every second one came twice"),
        pytest.param(steps(STEPS + 2, offsets_each=100), 1_200, 200.0, id="just enough steps after the first tenth"),
        pytest.param(
            steps(STEPS + 1, offsets_each=100), 1_100, None, id="the first tenth is in two steps: one too few are left"
        ),
        pytest.param([Sample(0.0, 0)], 0, None, id="nothing came"),
    ],
)
def test_speed(samples: list[Sample], documents: int, expected: float | None) -> None:
    assert speed(samples, documents) == (expected if expected is None else pytest.approx(expected))
