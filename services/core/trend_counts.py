"""CountedDocuments and Copies -> a row per tag and hour: documents in each interval, and which are copies."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import orjson

from schemas.insights import RecordPosition

HOUR_S: Final = 3600


@dataclass(slots=True)
class HourCounts:
    """
    What is counted of one tag in one hour. A row of an hour is small, so that writing it again costs little.

    It changes in place. Rows that saw the same documents and copies are equal, in whatever order they saw them.
    """

    documents: list[int]
    """In each interval of the hour."""
    last: dict[int, int] = field(default_factory=dict)
    """Partition of `documents.classified` -> offset of the last record that is counted here."""
    copies: dict[int, dict[int, set[int]]] = field(default_factory=dict)
    """Interval of the hour -> partition -> offsets of the records that are copies, counted or still to come."""

    def stories(self) -> list[int]:
        """Return how many different stories each interval has, as far as known; a copy may come before its record."""
        found = self.documents.copy()
        for interval, partitions in self.copies.items():
            found[interval] = max(0, found[interval] - sum(map(len, partitions.values())))
        return found


def empty_hour(interval_s: int) -> HourCounts:
    """Return a row that has seen nothing. `interval_s` divides an hour."""
    return HourCounts([0] * (HOUR_S // interval_s))


def hour_of(at_ms: int) -> int:
    """Return the hour of an event time, in hours since 1970: the second part of a row's key."""
    return at_ms // (HOUR_S * 1000)


def count_document(row: HourCounts, source: int, offset: int, at_ms: int) -> bool:
    """
    Count a document of the row's tag and hour; return whether the row changed.

    Those of one partition come in the order of their offsets, so one that is not after the last has been counted.
    """
    if offset <= row.last.get(source, -1):
        return False
    row.last[source] = offset
    row.documents[_interval(row, at_ms)] += 1
    return True


def count_copy(row: HourCounts, record: RecordPosition, at_ms: int) -> bool:
    """Note that a record is a copy, which can be said again; return whether the row changed."""
    partition, _, offset = record.partition("/")
    offsets = row.copies.setdefault(_interval(row, at_ms), {}).setdefault(int(partition), set())
    before = len(offsets)
    offsets.add(int(offset))
    return len(offsets) > before


def is_copy(row: HourCounts, record: RecordPosition, at_ms: int) -> bool:
    """Whether the record is known to be a copy for the row's tag."""
    partition, _, offset = record.partition("/")
    return int(offset) in row.copies.get(_interval(row, at_ms), {}).get(int(partition), ())


def to_bytes(row: HourCounts) -> bytes:
    """Return the row as JSON: `[documents, [[partition, last offset]…], [[interval, partition, offset, step…]…]]`."""
    copies = [
        [interval, partition, *_steps(sorted(offsets))]
        for interval, partitions in sorted(row.copies.items())
        for partition, offsets in sorted(partitions.items())
    ]
    return orjson.dumps([row.documents, sorted(row.last.items()), copies])


def from_bytes(value: bytes) -> HourCounts:
    """Return what `to_bytes` wrote."""
    documents, last, stored = orjson.loads(value)
    copies: dict[int, dict[int, set[int]]] = {}
    for interval, partition, first, *steps in stored:
        offsets = copies.setdefault(interval, {}).setdefault(partition, {first})
        for step in steps:
            first += step  # noqa: PLW2901  # each offset is told by its distance from the one before
            offsets.add(first)
    return HourCounts(documents, dict(last), copies)


def _steps(offsets: list[int]) -> list[int]:
    """Return the first offset, then the distances, which are short where offsets are long."""
    return [offsets[0], *(after - before for before, after in pairwise(offsets))]


def _interval(row: HourCounts, at_ms: int) -> int:
    return at_ms % (HOUR_S * 1000) * len(row.documents) // (HOUR_S * 1000)
