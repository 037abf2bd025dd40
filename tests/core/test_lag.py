import pytest

from services.core.lag import lag


@pytest.mark.parametrize(
    ("end", "committed", "expected"),
    [
        pytest.param(100, 90, 10, id="behind"),
        pytest.param(100, 100, 0, id="drained"),
        pytest.param(0, 0, 0, id="empty"),
        pytest.param(100, None, None, id="never committed is unknown, not zero"),
        pytest.param(None, 100, None, id="a topic that is gone has no end"),
        pytest.param(100, 103, 0, id="a commit landed between the two requests"),
    ],
)
def test_lag(end: int | None, committed: int | None, expected: int | None) -> None:
    assert lag(end, committed) == expected
