"""ClassifiedDocument -> when it happened, for windows and stories: when it was published, or else received."""

from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from schemas.documents import PublishedAt

CLOCK_SKEW: Final = timedelta(minutes=5)
"""Publishers' clocks may be so much ahead of the broker's."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class Dated(Protocol):
    """What an event time is made of: a ClassifiedDocument, or as much of one."""

    @property
    def published_at(self) -> PublishedAt | None: ...

    @property
    def received_at(self) -> datetime: ...


def event_time(document: Dated, *, kept_days: int) -> datetime:
    """
    Return when the document was published, where that can be believed, and else when it was received.

    It is not believed after `received_at` (clock skew apart), nor more than `kept_days` before: that is an archive's
    document, and windows are no longer open for it; nor at midnight UTC, which stands for «some time that day».
    """
    if document.published_at is None:
        return document.received_at
    published, received = document.published_at.value.astimezone(UTC), document.received_at
    is_day_only = published.time() == datetime.min.time()
    is_near = received - timedelta(days=kept_days) <= published <= received + CLOCK_SKEW
    return published if is_near and not is_day_only else received


def milliseconds(time: datetime) -> int:
    """Return it as milliseconds since 1970."""
    return (time - _EPOCH) // _MILLISECOND


def from_milliseconds(time_ms: int) -> datetime:
    """Return milliseconds since 1970 as a time in UTC."""
    return _EPOCH + timedelta(milliseconds=time_ms)
