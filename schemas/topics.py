"""The one list of Kafka topics: name, key, model, partitions, retention, limits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from schemas.documents import ClassifiedDocument, CleanDocument, EnrichedDocument, Model, RawDocument
from schemas.insights import FingerprintBands, StoryAssignment, StoryLinks, TagCounts, TagHistory, TagTrend
from schemas.workers import WorkerHeartbeat

MIB: Final = 1024 * 1024
HOUR_MS: Final = 60 * 60 * 1000
DAY_MS: Final = 24 * HOUR_MS

MAX_BODY_BYTES: Final = 8 * MIB
"""A document's body, decoded."""
MAX_RAW_BYTES: Final = 12 * MIB
"""A raw record: 8 MiB in base64 are 10.7 MiB, and the envelope needs room."""
MAX_OUTPUT_VALUE_BYTES: Final = 12 * MIB
"""An encoded output. It stays well under `MAX_OUTPUT_BYTES`, so that none can be refused and tried for ever."""
MAX_OUTPUT_BYTES: Final = 16 * MIB
"""A record of an output topic, headers included, before compression. The codec holds dead letters to it, too."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it should be. `name` is without the installation's prefix."""

    name: str
    key: str
    """What the record key is, in words."""
    model: type[Model] | None
    """None: the value is the original bytes."""
    description: str
    partitions: int = 12
    """On a cluster; the embedded broker takes `EMBEDDED_PARTITIONS`. 1: always one, for its records need one order."""
    retention_ms: int = 7 * DAY_MS
    max_message_bytes: int = MAX_OUTPUT_BYTES
    cleanup: tuple[str, ...] = ("delete",)
    """`compact` keeps the last record of each key, `delete` drops what is older than the retention."""
    more: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Further configuration, as brokers name it."""

    def partitions_of(self, installation: int | None) -> int:
        """Return how many partitions it has where an installation wants so many of each topic; None: as listed."""
        return self.partitions if installation is None or self.partitions == 1 else installation

    @property
    def configuration(self) -> dict[str, str]:
        """Return all of it, as brokers name and write it."""
        return {
            "cleanup.policy": ",".join(self.cleanup),
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
            **self.more,
        }


EMBEDDED_PARTITIONS: Final = 4

RAW: Final = Topic(
    "documents.raw",
    key="document id",
    model=RawDocument,
    description="What feed producers publish: a RawDocument, or a bare body of HTML or plain text.",
    max_message_bytes=MAX_RAW_BYTES,
)
CLEAN: Final = Topic(
    "documents.clean",
    key="document id",
    model=CleanDocument,
    description="Documents without clutter. Written when the worker is asked to, or runs this stage alone.",
)
ENRICHED: Final = Topic(
    "documents.enriched",
    key="document id",
    model=EnrichedDocument,
    description="Clean documents with language and places. Written as `documents.clean` is.",
)
CLASSIFIED: Final = Topic(
    "documents.classified",
    key="document id",
    model=ClassifiedDocument,
    description="Tagged documents with the evidence of each tag: what most subscribers read.",
)
DEAD_LETTER: Final = Topic(
    "documents.dead-letter",
    key="original key",
    model=None,
    description="Records that could not be processed: original key, value and headers, and the reason in headers.",
    retention_ms=30 * DAY_MS,
)

DOCUMENT_TOPICS: Final = (RAW, CLEAN, ENRICHED, CLASSIFIED, DEAD_LETTER)

STORIES: Final = Topic(
    "stories",
    key="document id",
    model=StoryAssignment,
    description="Which story a document belongs to, written when it is found to belong to one, and when that changes.",
    cleanup=("compact", "delete"),
    max_message_bytes=MIB,
)
TRENDS: Final = Topic(
    "trends",
    key="tag id",
    model=TagTrend,
    description="Bursts of tags: an event when one starts, grows, ends or is withdrawn.",
    retention_ms=30 * DAY_MS,
    max_message_bytes=MIB,
)
TAG_COUNTS: Final = Topic(
    "insights.tag-counts",
    key="none; the partition is that of the tags",
    model=TagCounts,
    description="Internal to insights: what is counted for each tag.",
)
FINGERPRINT_BANDS: Final = Topic(
    "insights.fingerprint-bands",
    key="none; the partition is that of the bands",
    model=FingerprintBands,
    description="Internal to insights: what is compared to find near duplicates.",
)
STORY_LINKS: Final = Topic(
    "insights.story-links",
    key="none",
    model=StoryLinks,
    description="Internal to insights: pairs that are one story. One partition: they need one order.",
    partitions=1,
)
TAG_HISTORY: Final = Topic(
    "insights.tag-history",
    key="tag id",
    model=TagHistory,
    description="Where each tag stands: what the API and `tagwire trends` show.",
    cleanup=("compact", "delete"),
    max_message_bytes=MIB,
)

INSIGHT_TOPICS: Final = (STORIES, TRENDS, TAG_COUNTS, FINGERPRINT_BANDS, STORY_LINKS, TAG_HISTORY)


def _changelog(of: Topic, name: str) -> Topic:
    """Return the topic that a table is read back from; it has the partitions of the topic that its agent reads."""
    return Topic(
        f"insights.{name}-changelog",
        key="row",
        model=None,
        description=f"Internal to insights: the table of `{name}`.",
        partitions=of.partitions,
        cleanup=("compact",),
        # What a table drops is to go from the disk within a day or two, and what it rewrites, too.
        more={"segment.ms": str(HOUR_MS * 6), "min.cleanable.dirty.ratio": "0.3"},
    )


PAIRS_CHANGELOG: Final = _changelog(FINGERPRINT_BANDS, "pairs")
STORIES_CHANGELOG: Final = _changelog(STORY_LINKS, "stories")
TRENDS_CHANGELOG: Final = _changelog(TAG_COUNTS, "trends")

INSIGHT_TABLES: Final = (PAIRS_CHANGELOG, STORIES_CHANGELOG, TRENDS_CHANGELOG)


WORKERS: Final = Topic(
    "workers",
    key="worker id",
    model=WorkerHeartbeat,
    description="What each worker says of itself every few seconds; a tombstone when it stops.",
    partitions=1,
    retention_ms=DAY_MS,
    max_message_bytes=MIB,
    # Deleted as well as compacted: else a worker that was killed would be kept for ever.
    cleanup=("compact", "delete"),
    more={
        # A segment is compacted only when another one has begun.
        "segment.ms": str(HOUR_MS),
        # How long a tombstone is kept.
        "delete.retention.ms": str(HOUR_MS),
        # So that one clock says how old all heartbeats are.
        "message.timestamp.type": "LogAppendTime",
    },
)


def tag_topic(tag: str) -> Topic:
    """Return the topic that carries the documents of one routed tag."""
    return Topic(
        f"tags.{tag}",
        key="document id",
        model=ClassifiedDocument,
        description=f"Documents tagged `{tag}`.",
    )


def journey_topics(routed_tags: Iterable[str]) -> tuple[Topic, ...]:
    """Return the topics that documents pass through, where the definitions route these tags."""
    return (*DOCUMENT_TOPICS, *(tag_topic(tag) for tag in sorted(routed_tags)))


def all_topics(routed_tags: Iterable[str]) -> tuple[Topic, ...]:
    """Return every topic of an installation whose definitions route these tags."""
    return (*journey_topics(routed_tags), WORKERS, *INSIGHT_TOPICS, *INSIGHT_TABLES)
