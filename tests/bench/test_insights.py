from datetime import timedelta
from pathlib import Path

import pytest

from bench import insights
from bench.insights import END, FIRST, INTERVAL_MS, RULES, judged
from services.core.event_time import milliseconds
from services.feed.generated import HOUR, Shape, TrueBurst
from services.worker.flow import load_resources

START = END - 40 * HOUR
TRUE = TrueBurst("libya", START, START + 2 * HOUR, 30, Shape.STEEP)


def interval(hours: float) -> int:
    """Return the window that ends so many hours after the burst began."""
    return milliseconds(START + timedelta(hours=hours)) // INTERVAL_MS


@pytest.mark.parametrize(
    ("found", "right", "wrong", "delays"),
    [
        pytest.param([], 0, 0, [], id="nothing was found"),
        pytest.param([(0.5, 2.5)], 1, 0, [30], id="half an hour late"),
        pytest.param([(-0.5, 2.5)], 1, 0, [0], id="it was there before"),
        pytest.param([(-9, -8), (0.5, 1), (1.5, 2)], 2, 1, [30], id="in pieces, and a false one"),
        pytest.param([(3, 3.5)], 1, 0, [180], id="in the last window that has some of it"),
        pytest.param([(3.5, 4)], 0, 1, [], id="too late"),
    ],
)
def test_a_burst_is_right_where_it_overlaps_a_true_one(
    found: list[tuple[float, float]], right: int, wrong: int, delays: list[float]
) -> None:
    outcome = judged([(interval(start), interval(end)) for start, end in found], [TRUE])

    assert (outcome.right, outcome.wrong, outcome.true, outcome.delays_min) == (right, wrong, 1, delays)


def test_the_best_threshold_is_the_one_that_fits_the_truth() -> None:
    windows = [6] * 1000
    first, last = interval(0.5) - FIRST, interval(1.5) - FIRST
    windows += [0] * (interval(20) - FIRST - len(windows))
    windows[first:last] = [20] * (last - first)

    assert insights._best(windows, [TRUE]) == [(interval(0.5), interval(1.5))]
    assert insights._best(windows, []) == []


def test_mean_and_deviations_are_those_of_the_hours_before() -> None:
    windows = [4, 6] * 60
    windows[60:64] = [12, 5, 5, 12]

    assert insights._beyond(windows, []) == [
        (FIRST + 1, FIRST + RULES.per_hour),
        (FIRST + 60, FIRST + 61),
        (FIRST + 63, FIRST + 64),
    ]


def test_a_small_run_finds_bursts_and_stories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insights, "CACHE", tmp_path)
    resources = load_resources()

    stream, again = (insights._classified(1, 12, resources) for _ in range(2))

    assert stream == again
    found = {(row[0], row[1]): [float(cell) for cell in row[2:5]] for row in insights.bursts([stream]).rows}
    ours, every = found["tagwire", "a story once"], found["tagwire", "every document"]
    assert ours[0] == insights.BURSTS
    assert ours[2] >= 0.9
    assert ours[1] > every[1]
    assert sum(int(row[1]) for row in insights.by_shape([stream]).rows) == insights.BURSTS
    assert all(float(row[3]) >= 0.99 <= float(row[4]) for row in insights.stories([stream]).rows)
    assert all(float(row[1].replace(",", "")) > 0 for row in insights.costs(stream).rows)
