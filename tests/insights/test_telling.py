"""Bursts and stories in words: spark lines that are to scale, odds that nobody has to take a logarithm of."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.insights import TrendEvent
from services.insights.kept import Kept
from services.insights.telling import BLOCKS, SIGNS, counted, fit, number, odds, relation, span, spark, why, why_now
from tests.insights.records import NOON, assigned, bursting, history, record, trend

COUNTS = st.lists(st.integers(0, 1000), max_size=300)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([], "", id="nothing"),
        pytest.param([0, 0], "▁▁", id="quiet"),
        pytest.param([0, 0.01, 7, 3.5, 70], "▁▂█▅█", id="something is never told as nothing"),
    ],
)
def test_spark_line(values: list[float], expected: str) -> None:
    assert spark(values, highest=7) == expected


def test_a_tag_that_nobody_has_written_of_is_a_flat_line() -> None:
    assert spark([0, 0, 0], highest=0) == "▁▁▁"


def test_more_numbers_than_fit_become_means_and_the_last_are_whole() -> None:
    assert fit([9, 1, 1, 3, 5, 7, 7], 4) == [1, 4, 7]
    assert fit([1, 2], 4) == [1, 2]


@given(COUNTS, st.integers(1, 80))
def test_what_is_made_to_fit_fits_and_is_within_its_range(values: list[int], width: int) -> None:
    fitted = fit(values, width)

    assert len(fitted) <= width
    assert all(0 <= each <= max(values) for each in fitted)
    assert len(fitted) == len(values) or len(values) > width


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=2))
def test_a_higher_number_never_has_a_lower_sign(values: list[float]) -> None:
    line = spark(sorted(values), highest=1e5)

    assert BLOCKS.index(line[0]) <= BLOCKS.index(line[1])


def test_the_signs_for_old_terminals_are_ascii_and_as_many() -> None:
    assert SIGNS.isascii()
    assert len(SIGNS) == len(set(SIGNS)) == len(BLOCKS)


@pytest.mark.parametrize(
    ("score", "told"),
    [
        (0, "1 in 1"),
        (1, "1 in 10"),
        (3.4, "1 in 2,000"),
        (4.7, "1 in 50,000"),
        (6, "1 in 1 million"),
        (7.5, "1 in 30 million"),
        (9.02, "1 in 1 billion"),
        (14.99, "1 in 900 trillion"),
        (15, "1 in 10^15"),
        (308.5, "1 in 10^308"),
    ],
)
def test_odds(score: float, told: str) -> None:
    assert odds(score) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(5, "5 s"), (300, "5 min"), (3600, "1 h"), (5400, "1.5 h"), (86_400, "24 h"), (172_800, "2 days")],
)
def test_span(seconds: int, told: str) -> None:
    assert span(seconds) == told


@pytest.mark.parametrize(
    ("value", "told"), [(0, "0"), (0.004, "under 0.01"), (0.042, "0.04"), (1.25, "1.2"), (27.4, "27")]
)
def test_number(value: float, told: str) -> None:
    assert number(value) == told


def test_counted() -> None:
    assert [counted(1, "story"), counted(2, "story"), counted(1200, "tag")] == ["1 story", "2 stories", "1,200 tags"]


def test_a_burst_says_what_makes_it_one() -> None:
    assert why(trend("libya")) == "22 stories in 1 h, 3.6 expected; by chance 1 in 2 billion"
    ended = trend("libya", event=TrendEvent.ENDED, stories=1, score=0.1)
    assert why(ended) == "over: at most 22 stories in 1 h; by chance 1 in 2 billion"
    assert why(trend("libya", event=TrendEvent.WITHDRAWN)).startswith("withdrawn: by documents that came late")


def test_a_tag_says_what_its_last_window_holds() -> None:
    quiet = history("libya", stories=(9, *[0] * 11, 2), expected=(1.0,) * 13, score=0.3)

    assert why_now(quiet) == "2 stories in 1 h, 12 expected"
    short = bursting("libya", window_s=60, score=3)
    assert why_now(short) == "6 stories in 5 min, 0.3 expected; by chance 1 in 1,000"


def test_a_document_says_how_it_belongs_to_its_story() -> None:
    kept = Kept()
    for said in (
        assigned("a", "a"),
        assigned("b", "a", minutes=1, duplicate_of="a", similarity=0.93),
        assigned("c", "a", minutes=2, duplicate_of="a", similarity=0.9999),
        assigned("d", "a", minutes=3, duplicate_of="a", similarity=None),
        assigned("e", "a", at=NOON + timedelta(hours=1), duplicate_of="a", similarity=1),
    ):
        kept.take(*record(said))
    story = kept.story("a")
    assert story is not None

    told = [relation(member) for member in story.members]

    assert told == ["first of its kind", "93 % like a", "99 % like a", "much like a", "100 % like a"]
