"""Lag in records and in seconds, with the cases that other tools get wrong."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.lag import EndSeen, Sample, blocked, lag, lag_seconds, lost, retention_ratio, unread


def at(at_s: float, end: int, committed: int | None = 0, *, low: int = 0, unread_at_s: float | None = None) -> Sample:
    return Sample(at_s, committed, low, end, end, unread_at_s=unread_at_s)


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


@pytest.mark.parametrize(
    ("sample", "can_read", "is_lost"),
    [
        pytest.param(Sample(0, 90, 0, 100, 100), 10, 0, id="behind"),
        pytest.param(Sample(0, None, 40, 100, 100), 60, 0, id="never committed: from the low watermark, not from 0"),
        pytest.param(Sample(0, 30, 40, 100, 100), 60, 10, id="deleted before it was read: lost, and no longer lag"),
        pytest.param(Sample(0, 40, 40, 100, 100), 60, 0, id="just in time"),
        pytest.param(Sample(0, 30, 100, 100, 100), 0, 70, id="all deleted"),
        pytest.param(Sample(0, 120, 0, 100, 100), 0, 0, id="a new topic of the same name"),
        pytest.param(Sample(0, 50, None, None, None), None, 0, id="a topic that is gone"),
        pytest.param(Sample(0, None, None, None, None), None, 0, id="nothing is known"),
        pytest.param(Sample(0, 98, 0, 100, 100, 100), 0, 0, id="only markers are left: a drained transactional topic"),
        pytest.param(Sample(0, 90, 0, 100, 100, 97, 5.0), 3, 0, id="aborted records before the first one"),
        pytest.param(Sample(0, 90, 0, 100, 100, 90, 5.0), 10, 0, id="looked, and there it is"),
        pytest.param(
            Sample(0, 10, 0, 100, 100, 60, 5.0), 40, 0, id="compacted: what was in between is no longer there"
        ),
    ],
)
def test_unread_and_lost(sample: Sample, can_read: int | None, is_lost: int) -> None:
    assert (unread(sample), lost(sample)) == (can_read, is_lost)


def test_what_an_open_transaction_hides_is_blocked_and_no_lag() -> None:
    sample = Sample(0, committed=100, low=0, end=100, high=130)

    assert (lag(sample.end, sample.committed), blocked(sample)) == (0, 30)


def test_retention_ratio() -> None:
    assert retention_ratio(Sample(0, 80, 0, 100, 100)) == pytest.approx(0.2)
    assert retention_ratio(Sample(0, 20, 20, 100, 100)) == 1
    assert retention_ratio(Sample(0, 0, 50, 100, 100)) == 2
    assert retention_ratio(Sample(0, 100, 100, 100, 100)) is None
    assert retention_ratio(Sample(0, 98, 98, 100, 100, first_unread=100)) == 0


@pytest.mark.parametrize(
    ("now", "ends", "expected"),
    [
        pytest.param(at(20, 100, 100), [], 0, id="drained at the first sample"),
        pytest.param(at(0, 100, 50), [(0, 100)], None, id="one sample tells no time"),
        pytest.param(at(20, 100, 50), [(0, 0), (10, 100), (20, 100)], 15, id="interpolated"),
        pytest.param(at(20, 200, 100), [(0, 100), (10, 200), (20, 200)], 20, id="just before new records came"),
        pytest.param(
            at(20, 200, 100), [(0, 100), (10, 100), (20, 200)], 10, id="idle, then new records: not from before"
        ),
        pytest.param(
            at(20, 1200, 5), [(0, 1000), (10, 1100), (20, 1200)], None, id="older than the window: not extrapolated"
        ),
        pytest.param(at(10, 100, 50, unread_at_s=3), [(0, 0), (10, 100)], 7, id="the record's timestamp is exact"),
        pytest.param(at(10, 100, 50, unread_at_s=99), [(0, 0), (10, 100)], 0, id="a timestamp of the future"),
        pytest.param(at(10, 100, 20, low=50), [(0, 0), (10, 100)], 5, id="deleted: from what can still be read"),
        pytest.param(at(10, 100, None), [(0, 0), (10, 100)], None, id="never committed"),
        pytest.param(at(10, 100, None, unread_at_s=3), [], 7, id="never committed, and somebody has looked"),
        pytest.param(Sample(10, 5, None, None, None), [], None, id="a topic that is gone"),
    ],
)
def test_lag_seconds(now: Sample, ends: list[tuple[float, int]], expected: float | None) -> None:
    told = lag_seconds(now, [EndSeen(*each) for each in ends])

    assert told == (None if expected is None else pytest.approx(expected))


OFFSETS = st.integers(0, 1000)
SAMPLES = st.builds(
    Sample,
    at_s=st.floats(0, 1e6),
    committed=st.none() | OFFSETS,
    low=st.none() | OFFSETS,
    end=st.none() | OFFSETS,
    high=st.none() | OFFSETS,
    first_unread=st.none() | OFFSETS,
    unread_at_s=st.none() | st.floats(0, 2e6),
)
ENDS = st.lists(st.builds(EndSeen, at_s=st.floats(0, 1e6), end=OFFSETS), max_size=8).map(
    lambda seen: sorted(seen, key=lambda each: (each.at_s, each.end))
)


@given(SAMPLES, ENDS)
def test_nothing_is_ever_negative_and_no_time_is_longer_than_what_was_seen(
    now: Sample, ends: Sequence[EndSeen]
) -> None:
    waiting, seconds = unread(now), lag_seconds(now, ends)

    assert waiting is None or waiting >= 0
    assert min(lost(now), blocked(now)) >= 0
    assert (retention_ratio(now) or 0) >= 0
    assert seconds is None or seconds >= 0
    if seconds and now.unread_at_s is None:
        assert seconds <= now.at_s - ends[0].at_s
    if waiting == 0:
        assert seconds == 0


@given(SAMPLES)
def test_what_is_lost_is_no_lag(now: Sample) -> None:
    if now.committed is not None and now.end is not None and now.low is not None and now.low <= now.end:
        assert (unread(now) or 0) + lost(now) <= max(now.end - now.committed, lost(now))
