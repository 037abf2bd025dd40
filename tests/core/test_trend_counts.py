"""What is counted of one tag in one hour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.trend_counts import (
    HourCounts,
    count_copy,
    count_document,
    empty_hour,
    from_bytes,
    hour_of,
    is_copy,
    to_bytes,
)

HOUR_MS = 3_600_000
START_MS = 490_000 * HOUR_MS
MINUTES = st.integers(0, 59)


def at(minute: int) -> int:
    return START_MS + minute * 60_000


def test_documents_are_counted_in_their_interval() -> None:
    row = empty_hour(900)

    for offset, minute in enumerate((0, 14, 15, 59)):
        assert count_document(row, 3, offset, at(minute))

    assert row.documents == [2, 1, 0, 1]
    assert hour_of(at(59)) == 490_000
    assert hour_of(at(60)) == 490_001


def test_what_comes_again_is_stepped_over_and_other_partitions_are_not() -> None:
    row = empty_hour(900)

    assert [count_document(row, 3, offset, at(0)) for offset in (5, 9, 5, 9, 10)] == [True, True, False, False, True]
    assert count_document(row, 4, 5, at(0))
    assert row.documents == [4, 0, 0, 0]


def test_a_copy_is_no_story_however_often_it_is_told() -> None:
    row = empty_hour(900)
    count_document(row, 3, 7, at(20))
    count_document(row, 3, 8, at(20))

    assert [count_copy(row, "3/8", at(20)) for _ in range(3)] == [True, False, False]

    assert row.stories() == [0, 1, 0, 0]
    assert is_copy(row, "3/8", at(20))
    assert not is_copy(row, "3/7", at(20))
    assert not is_copy(row, "4/8", at(20))
    assert not is_copy(row, "3/8", at(40))


def test_a_copy_that_comes_before_its_document_makes_no_negative_count() -> None:
    row = empty_hour(900)

    count_copy(row, "3/8", at(20))
    assert row.stories() == [0, 0, 0, 0]

    count_document(row, 3, 7, at(20))
    count_document(row, 3, 8, at(20))
    assert row.stories() == [0, 1, 0, 0]


@st.composite
def seen_twice(draw: st.DrawFn) -> tuple[list[list[int]], list[tuple[str, int]], list[tuple[str, int]]]:
    """Minutes of the documents of each partition by offset; copies; the same copies otherwise, some of them again."""
    partitions = draw(st.lists(st.lists(MINUTES, max_size=20), min_size=1, max_size=3))
    records = [
        (f"{part}/{offset}", each) for part, minutes in enumerate(partitions) for offset, each in enumerate(minutes)
    ]
    copies = draw(st.lists(st.sampled_from(records), unique=True)) if records else []
    again = draw(st.permutations(copies * 2))
    return partitions, copies, again


@given(seen_twice(), st.data())
def test_rows_are_the_same_whatever_the_order_and_repetition(
    seen: tuple[list[list[int]], list[tuple[str, int]], list[tuple[str, int]]], data: st.DataObject
) -> None:
    partitions, copies, again = seen
    once, other = empty_hour(300), empty_hour(300)
    for part, minutes in enumerate(partitions):
        for offset, minute in enumerate(minutes):
            count_document(once, part, offset, at(minute))
    for record, minute in copies:
        count_copy(once, record, at(minute))

    for record, minute in again:
        count_copy(other, record, at(minute))
    for part, minutes in reversed(list(enumerate(partitions))):
        # A reader that died begins again somewhere before, then reads on.
        known = data.draw(st.integers(0, len(minutes)))
        back = data.draw(st.integers(0, known))
        for offset in (*range(known), *range(back, len(minutes))):
            count_document(other, part, offset, at(minutes[offset]))

    assert other == once
    assert to_bytes(other) == to_bytes(once)
    assert sum(once.stories()) == sum(map(len, partitions)) - len(copies)
    assert from_bytes(to_bytes(once)) == once


def test_an_empty_row_is_itself_after_its_bytes() -> None:
    assert from_bytes(to_bytes(empty_hour(300))) == HourCounts([0] * 12)


@pytest.mark.parametrize("copies", [0, 10_000])
def test_a_row_is_small(copies: int) -> None:
    row = empty_hour(300)
    for offset in range(0, 3 * copies, 3):
        count_copy(row, f"3/{10**9 + offset}", at(offset % 60))

    assert len(to_bytes(row)) < 60 + 4 * copies
