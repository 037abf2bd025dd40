"""Classified documents of tests, as a worker writes them."""

from datetime import UTC, datetime, timedelta

from schemas.documents import ClassifiedDocument, DateOrigin, PublishedAt, Tag, TagKind
from tests.brokers import Message

NOON = datetime(2026, 1, 31, 12, 0, 30, tzinfo=UTC)


def document(
    name: str,
    *,
    at: datetime = NOON,
    received_at: datetime | None = None,
    tags: tuple[str, ...] = ("libya",),
    fingerprint: str | None = None,
    text: str = "A text.",
) -> ClassifiedDocument:
    """Return a document that was published at a time, and received a minute later."""
    return ClassifiedDocument(
        id=name,
        source="test",
        title=f"About {name}",
        text=text,
        published_at=PublishedAt(value=at, origin=DateOrigin.PRODUCER),
        pipeline_version="0",
        received_at=received_at or at + timedelta(minutes=1),
        language="en",
        language_confidence=1,
        content_hash="0" * 64,
        fingerprint=fingerprint,
        tags=tuple(Tag(id=tag, label=tag, kind=TagKind.TOPIC, relevance=1, confidence=1, evidence=()) for tag in tags),
        taxonomy_version="0",
    )


def message(given: ClassifiedDocument) -> Message:
    return given.id.encode(), given.model_dump_json(exclude_none=True).encode(), ()
