"""ClassifiedDocument -> when it happened, for windows and stories: when it was published, or else received."""

from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from schemas.documents import PublishedAt

CLOCK_SKEW: Final = timedelta(minutes=5)
"""Publishers' clocks may be so much ahead of producers', and producers' of workers'."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class Dated(Protocol):
    """What an event time is made of: a ClassifiedDocument, or as much of one."""

    @property
    def published_at(self) -> PublishedAt | None: ...

    @property
    def received_at(self) -> datetime: ...


def event_time(document: Dated, *, kept_days: int, classified_at: datetime) -> datetime:
    """
    Return when the document was published, where that can be believed, and else when it was received.

    It is not believed after `received_at` (clock skew apart), nor more than `kept_days` before: that is an archive's
    document, and windows are no longer open for it; nor at midnight, in UTC or in its own zone, which stands for «some
    time that day». `received_at` is by the producer's clock, and not believed after `classified_at`, by the worker's:
    one producer whose clock is years ahead would take the time of all tags along, and all else would come too late.
    """
    received = min(document.received_at, classified_at + CLOCK_SKEW)
    if document.published_at is None:
        return received
    told = document.published_at.value
    if not received - timedelta(days=kept_days) <= told <= received + CLOCK_SKEW:
        return received  # and first of all: the first and the last day of all years may be none in UTC
    published = told.astimezone(UTC)
    is_day_only = datetime.min.time() in {published.time(), told.time()}
    return received if is_day_only else published


def milliseconds(time: datetime) -> int:
    """Return it as milliseconds since 1970."""
    return (time - _EPOCH) // _MILLISECOND


def from_milliseconds(time_ms: int) -> datetime:
    """Return milliseconds since 1970 as a time in UTC."""
    return _EPOCH + timedelta(milliseconds=time_ms)
