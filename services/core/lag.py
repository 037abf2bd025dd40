"""Offsets -> lag: what a consumer group still has before it, in records and in seconds, and what it has lost."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Sample(NamedTuple):
    """
    A partition as a group and the broker saw it at one moment. `committed` is asked first, the ends after it.

    A tuple, for big clusters have half a million of them: it is made in a fifth of a dataclass's time, and tuples of
    numbers cost the garbage collector nothing.
    """

    at_s: float
    """When, in seconds; only differences count."""
    committed: int | None
    """Next offset that the group will read. None: nothing was ever committed."""
    low: int | None
    """First offset that is still there. None, here and below: not known, as when the topic is gone."""
    end: int | None
    """Last stable offset: where a read-committed reader ends."""
    high: int | None
    """High watermark: where a read-uncommitted reader ends."""
    first_unread: int | None = None
    """Offset of the first record that it can still read, or the end when there is none. None: nobody has looked."""
    unread_at_s: float | None = None
    """Timestamp of that record, on the same clock. None: nobody has looked, or there is none."""


class EndSeen(NamedTuple):
    """Where a partition ended at some time."""

    at_s: float
    end: int


def lag(end: int | None, committed: int | None) -> int | None:
    """
    Return how many offsets lie between what was committed and the end; 0 when drained.

    None when either is unknown: «never committed» is not «nothing left» and not «everything left» either, for it
    depends on where the group will begin.
    """
    if end is None or committed is None:
        return None
    # The two offsets come from two requests; a commit may land between them.
    return max(0, end - committed)


def unread(sample: Sample) -> int | None:
    """
    Return how many offsets the group can still read: its lag, without what was deleted before it came there.

    Transaction markers and aborted records that lie before the first one it can read do not count either, where
    somebody has looked: so a drained transactional topic shows 0, whatever its readers commit. A group that never
    committed, and would begin with the first record, has everything before it.
    """
    return lag(sample.end, position(sample))


def position(sample: Sample) -> int | None:
    """Return where its first unread record is, or is to come; None when that is not known."""
    # max() of a list would take thrice the time, and big clusters ask this a million times a look.
    place = sample.committed
    if sample.low is not None and (place is None or sample.low > place):
        place = sample.low
    if sample.first_unread is not None and (place is None or sample.first_unread > place):
        place = sample.first_unread
    return place


def lost(sample: Sample) -> int:
    """Return how many offsets were deleted before the group read them."""
    if sample.committed is None or sample.low is None:
        return 0
    return max(0, sample.low - sample.committed)


def blocked(sample: Sample) -> int:
    """Return how many offsets a read-committed reader cannot see yet: a transaction before them is still open."""
    return lag(sample.high, sample.end) or 0


def retention_ratio(sample: Sample) -> float | None:
    """
    Return the share of what the partition holds that the group has not read: 0 drained, 1 about to lose, more: lost.

    None for an empty partition, or when an offset is unknown.
    """
    if sample.committed is None or sample.low is None or sample.end is None or sample.end <= sample.low:
        return None
    if not unread(sample) and not lost(sample):
        return 0.0  # what is left holds markers only
    return max(0, sample.end - sample.committed) / (sample.end - sample.low)


def lag_seconds(now: Sample, ends: Sequence[EndSeen]) -> float | None:
    """
    Return for how long the first unread record has been waiting; 0 when drained.

    Exact where its timestamp is known; else interpolated between the two of `ends`, oldest first, around it. None when
    nothing was ever committed, or when the committed offset is older than `ends`: it is never extrapolated, which has
    told others of years.
    """
    place, waiting = position(now), unread(now)
    if place is None or waiting is None:
        return None
    if not waiting:
        return 0.0
    if now.unread_at_s is not None:
        return max(0.0, now.at_s - now.unread_at_s)
    if now.committed is None:
        return None
    # Newest first: of moments with the same end, the last one before new records came is the closest.
    for newer, older in pairwise(reversed(ends)):
        if older.end <= place < newer.end:
            share = (place - older.end) / (newer.end - older.end)
            return max(0.0, now.at_s - (older.at_s + share * (newer.at_s - older.at_s)))
    return None
