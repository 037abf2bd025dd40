"""A total at some moments -> how fast it grows."""

from collections.abc import Iterable


def rate(newest_first: Iterable[tuple[float, int]], *, over_s: float) -> float | None:
    """
    Return by how much a total has grown in a second, over so many seconds up to the newest moment, or over all known.

    A moment is seconds and the total then. Between two of them it is taken to have grown evenly, so that moments
    that are far apart make it no faster. None when fewer than two are known.
    """
    moments = iter(newest_first)
    if (newest := next(moments, None)) is None:
        return None
    (now_s, now), since_s = newest, newest[0] - over_s
    later_s, later = newest
    for at_s, total in moments:
        if at_s <= since_s:
            share = (since_s - at_s) / (later_s - at_s)
            return (now - total - share * (later - total)) / over_s
        later_s, later = at_s, total
    return (now - later) / (now_s - later_s) if later_s < now_s else None
