"""What the pure functions say of a whole stream, beside what insights have said of it in the end."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from schemas.documents import ClassifiedDocument
from schemas.insights import (
    BandedDocument,
    Copy,
    StoryAssignment,
    TagTrend,
    TrendEvent,
)
from schemas.topics import CLASSIFIED, EMBEDDED_PARTITIONS, HOUR_MS, STORIES, TRENDS
from services.core.bursts import TagSeries
from services.core.event_time import event_time, milliseconds
from services.core.fingerprint import bands, id_band
from services.core.near_duplicates import NearDuplicates
from services.core.stories import Stories
from services.core.timeline import SeenHours
from services.core.trend_counts import HourCounts, count_copy, count_document, empty_hour, hour_of
from services.core.trends import events, intervals_until
from services.insights.settings import InsightSettings
from services.kafka.partitioning import partition_of
from tests.brokers import read_committed
from tests.insights.harness import Installation

SETTINGS = InsightSettings()


class Membership(NamedTuple):
    """What a StoryAssignment says that does not depend on when it was said."""

    story_id: str
    duplicate_of: str | None
    similarity: float | None


class Answers(NamedTuple):
    stories: dict[str, Membership]
    """Document -> its story."""
    bursts: dict[str, TagTrend]
    """Burst -> its last event, without examples; of those that were not withdrawn."""


class Placed(NamedTuple):
    partition: int
    offset: int
    document: ClassifiedDocument

    @property
    def at_ms(self) -> int:
        return milliseconds(
            event_time(self.document, kept_days=SETTINGS.kept_days, classified_at=self.document.received_at)
        )

    @property
    def record(self) -> str:
        return f"{self.partition}/{self.offset}"


async def published(running: Installation) -> list[Placed]:
    records = await read_committed(running.settings.bootstrap_servers, running.settings.topic(CLASSIFIED))
    return [
        Placed(record.partition, record.offset, ClassifiedDocument.model_validate_json(record.value or b""))
        for record in records
    ]


async def said(running: Installation) -> Answers:
    """Return what a reader of the topics knows, who keeps the last record of each document and burst."""
    assignments = await running.read(STORIES, StoryAssignment)
    trends = await running.read(TRENDS, TagTrend)
    return Answers(_memberships(assignments), _bursts(trends))


def expected(documents: list[Placed]) -> Answers:
    assignments, copies = _stories(documents)
    tags: dict[int, set[str]] = defaultdict(set)
    for placed in documents:
        for tag in placed.document.tags:
            tags[partition_of(tag.id.encode(), EMBEDDED_PARTITIONS)].add(tag.id)
    trends = [event for of_partition in tags.values() for event in _trends(documents, copies, of_partition)]
    return Answers(_memberships(assignments), _bursts(trends))


def _memberships(assignments: Iterable[StoryAssignment]) -> dict[str, Membership]:
    return {each.document_id: Membership(each.story_id, each.duplicate_of, each.similarity) for each in assignments}


def _bursts(trends: Iterable[TagTrend]) -> dict[str, TagTrend]:
    last = {event.burst_id: event.model_copy(update={"examples": ()}) for event in trends}
    return {key: event for key, event in last.items() if event.event is not TrendEvent.WITHDRAWN}


def _stories(documents: list[Placed]) -> tuple[tuple[StoryAssignment, ...], tuple[Copy, ...]]:
    index = NearDuplicates(window_ms=SETTINGS.story_window_h * HOUR_MS, similarity=SETTINGS.similarity)
    links = [link for placed in documents for link in index.add(_banded(placed))]
    changes = Stories(similarity=SETTINGS.similarity).join(links)
    return changes.assignments, changes.copies


def _banded(placed: Placed) -> BandedDocument:
    document = placed.document
    return BandedDocument(
        record=placed.record,
        id=document.id,
        title=document.title,
        source=document.source,
        at_ms=placed.at_ms,
        tags=tuple(tag.id for tag in document.tags),
        fingerprint=document.fingerprint,
        bands=(id_band(document.id), *(bands(document.fingerprint) if document.fingerprint else ())),
    )


def _trends(documents: list[Placed], copies: Iterable[Copy], tags: set[str]) -> Iterable[TagTrend]:
    """Yield what is to be said of the tags of one partition at the end of the stream."""
    rows: dict[str, dict[int, HourCounts]] = defaultdict(dict)

    def row(tag: str, at_ms: int) -> HourCounts:
        return rows[tag].setdefault(hour_of(at_ms), empty_hour(SETTINGS.interval_s))

    for placed in documents:
        for tag in tags & {tag.id for tag in placed.document.tags}:
            count_document(row(tag, placed.at_ms), placed.partition, placed.offset, placed.at_ms)
    for copy in copies:
        for tag in tags & set(copy.tags):
            count_copy(row(tag, copy.at_ms), copy.record, copy.at_ms)
    seen, rules = SeenHours(), SETTINGS.trend_rules
    series = {tag: TagSeries(rules, seen) for tag in tags}
    for tag, hours in rows.items():
        for hour, counts in hours.items():
            series[tag].put(hour, counts)
    end_ms = max(placed.at_ms for placed in documents) - SETTINGS.grace_s * 1000
    until = intervals_until(end_ms, rules)
    for tag in sorted(tags):
        yield from events(tag, series[tag], {}, until=until, examples=lambda _, __: ())
