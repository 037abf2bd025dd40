"""CountedDocuments -> the few of each interval that are shown when a tag bursts."""

from collections.abc import Container, Iterable
from typing import Final, NamedTuple

import orjson

from schemas.insights import CountedDocument, RecordPosition, TrendDocument
from services.core.event_time import from_milliseconds

KEPT: Final = 4
"""Of each interval, copies included."""
SHOWN: Final = 5
"""Of a window."""


class Example(NamedTuple):
    """A document that may be shown. They sort as they are preferred: the most relevant first, then the earliest."""

    irrelevance: float
    """1 less the relevance of the tag, in hundredths: what differs by less is the same."""
    at_ms: int
    id: str
    record: RecordPosition
    """So that it can be dropped when it turns out to be a copy."""
    source: str
    title: str | None


HourExamples = dict[int, tuple[Example, ...]]
"""Start of an interval, milliseconds since 1970 -> its best documents, the best one first. A row per tag and hour."""


def keep_example(row: HourExamples, tag: str, source: int, document: CountedDocument, interval_s: int) -> bool:
    """
    Keep the document if it is among the best of its interval; return whether the row changed.

    Copies are kept like others, and dropped when examples are chosen: so the row is the same in whatever order
    documents come, and however often.
    """
    start_ms = document.at_ms - document.at_ms % (interval_s * 1000)
    before = row.get(start_ms, ())
    example = Example(
        round(1 - document.tags[tag], 2),
        document.at_ms,
        document.id,
        f"{source}/{document.offset}",
        document.source,
        document.title,
    )
    if len(before) == KEPT and _preference(example) >= _preference(before[-1]):
        return False
    row[start_ms] = tuple(sorted({*before, example}, key=_preference)[:KEPT])
    return row[start_ms] != before


def choose_examples(
    rows: Iterable[HourExamples], copies: Container[RecordPosition], *, start_ms: int, end_ms: int
) -> tuple[TrendDocument, ...]:
    """Return the best documents of the intervals that begin from `start_ms` on and before `end_ms`, no copies."""
    found = sorted(
        (
            example
            for row in rows
            for begin_ms, examples in row.items()
            if start_ms <= begin_ms < end_ms
            for example in examples
            if example.record not in copies
        ),
        key=_preference,
    )
    return tuple(
        TrendDocument(id=each.id, title=each.title, source=each.source, at=from_milliseconds(each.at_ms))
        for each in found[:SHOWN]
    )


def to_bytes(row: HourExamples) -> bytes:
    return orjson.dumps([[start_ms, list(map(tuple, examples))] for start_ms, examples in sorted(row.items())])


def from_bytes(value: bytes) -> HourExamples:
    return {start_ms: tuple(Example(*each) for each in examples) for start_ms, examples in orjson.loads(value)}


def _preference(example: Example) -> tuple[float, int, str, str]:
    # Titles may be None, which has no order; the record before it is never the same twice.
    return example[:4]
