"""The documents that are shown when a tag bursts."""

import random

from hypothesis import given
from hypothesis import strategies as st

from schemas.insights import CountedDocument
from services.core.trend_examples import KEPT, SHOWN, HourExamples, choose_examples, from_bytes, keep_example, to_bytes

START_MS = 490_000 * 3_600_000
INTERVAL_MS = 300_000


def document(offset: int, relevance: float = 0.5, minute: int = 0, title: str | None = None) -> CountedDocument:
    return CountedDocument(
        offset=offset,
        id=f"d{offset}",
        title=title,
        source="tests",
        at_ms=START_MS + minute * 60_000,
        tags={"libya": relevance},
    )


def kept(*documents: CountedDocument) -> HourExamples:
    row: HourExamples = {}
    for each in documents:
        keep_example(row, "libya", 0, each, 300)
    return row


def shown(row: HourExamples, *copies: str, end_minute: int = 60) -> list[str]:
    chosen = choose_examples([row], set(copies), start_ms=START_MS, end_ms=START_MS + end_minute * 60_000)
    return [each.id for each in chosen]


def test_the_most_relevant_come_first_and_among_equals_the_earliest() -> None:
    row = kept(document(1, 0.501), document(2, 0.9, minute=7), document(3, 0.9, minute=2), document(4, 0.504))

    assert shown(row) == ["d3", "d2", "d1", "d4"]


def test_copies_are_not_shown() -> None:
    row = kept(document(1, 0.9), document(2, 0.8))

    assert shown(row, "0/1") == ["d2"]


def test_only_intervals_of_the_window_are_shown() -> None:
    row = kept(document(1, minute=4), document(2, minute=5))

    assert shown(row, end_minute=5) == ["d1"]


def test_few_are_kept_of_an_interval_and_few_are_shown_of_a_window() -> None:
    crowd = kept(*(document(number, number / 100) for number in range(50)))
    window = kept(*(document(number, minute=number) for number in range(50)))

    assert [len(each) for each in crowd.values()] == [KEPT]
    assert shown(crowd) == ["d49", "d48", "d47", "d46"]
    assert len(shown(window)) == SHOWN


def test_a_row_tells_whether_it_changed() -> None:
    row = kept(*(document(number, 0.5) for number in range(KEPT)))

    assert not keep_example(row, "libya", 0, document(1), 300), "it is there"
    assert not keep_example(row, "libya", 0, document(9, 0.1), 300), "it is not good enough"
    assert keep_example(row, "libya", 0, document(9, 0.9), 300)


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from((0.2, 0.5, 0.9)), st.integers(0, 12))), st.randoms())
def test_a_row_is_the_same_whatever_the_order_and_repetition(
    drawn: list[tuple[int, float, int]], chance: random.Random
) -> None:
    documents = [
        document(number, relevance, minute, title=f"title {offset}" if offset % 2 else None)
        for number, (offset, relevance, minute) in enumerate(drawn)
    ]
    again = documents * 2
    chance.shuffle(again)

    assert kept(*again) == kept(*documents)
    assert from_bytes(to_bytes(kept(*documents))) == kept(*documents)
