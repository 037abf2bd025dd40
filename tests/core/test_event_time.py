"""When a document happened."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from schemas.documents import ClassifiedDocument, DateOrigin, PublishedAt
from services.core.event_time import CLOCK_SKEW, event_time, from_milliseconds, milliseconds

RECEIVED = datetime(2026, 1, 31, 8, 0, 1, tzinfo=UTC)


def document(published: datetime | None) -> ClassifiedDocument:
    return ClassifiedDocument(
        id="a",
        source="tests",
        text="",
        pipeline_version="0",
        received_at=RECEIVED,
        language="en",
        language_confidence=1,
        content_hash="0" * 64,
        taxonomy_version="0",
        published_at=published and PublishedAt.model_validate({"value": published, "from": DateOrigin.PAGE}),
    )


@pytest.mark.parametrize(
    ("published", "is_believed"),
    [
        pytest.param(datetime(2026, 1, 31, 7, 59, 59, tzinfo=UTC), True, id="shortly before it was received"),
        pytest.param(RECEIVED + timedelta(minutes=5), True, id="a clock that is five minutes ahead"),
        pytest.param(RECEIVED + timedelta(minutes=5, seconds=1), False, id="the future"),
        pytest.param(RECEIVED - timedelta(days=28), True, id="as old as is kept"),
        pytest.param(RECEIVED - timedelta(days=28, seconds=1), False, id="older than is kept"),
        pytest.param(datetime(2026, 1, 31, tzinfo=UTC), False, id="midnight UTC tells the day only"),
        pytest.param(
            datetime(2026, 1, 31, 2, tzinfo=timezone(timedelta(hours=2))), False, id="midnight UTC in another zone"
        ),
        pytest.param(
            datetime(2026, 1, 31, 0, 0, tzinfo=timezone(timedelta(hours=2))), False, id="midnight in its own zone"
        ),
    ],
)
def test_a_document_happened_when_it_was_published_if_that_can_be_believed(
    published: datetime, is_believed: bool
) -> None:
    assert event_time(document(published), kept_days=28, classified_at=RECEIVED) == (
        published if is_believed else RECEIVED
    )


@pytest.mark.parametrize(
    "published",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-2))),
    ],
)
def test_a_date_that_is_beyond_all_years_in_utc_is_not_believed(published: datetime) -> None:
    assert event_time(document(published), kept_days=28, classified_at=RECEIVED) == RECEIVED


def test_a_document_without_a_date_happened_when_it_was_received() -> None:
    assert event_time(document(None), kept_days=28, classified_at=RECEIVED) == RECEIVED


@pytest.mark.parametrize("published", [None, RECEIVED, RECEIVED - timedelta(days=10)])
def test_a_producer_whose_clock_is_years_ahead_takes_nobody_along(published: datetime | None) -> None:
    classified_at = RECEIVED - timedelta(days=3000)

    assert event_time(document(published), kept_days=28, classified_at=classified_at) <= classified_at + 2 * CLOCK_SKEW


def test_milliseconds_and_back_is_the_same_time() -> None:
    time = datetime(2026, 1, 31, 8, 0, 1, 234000, tzinfo=UTC)

    assert milliseconds(time) == 1769846401234
    assert from_milliseconds(milliseconds(time)) == time
