"""insights.story-links -> stories, and copies for insights.tag-counts: what is one story, over all bands."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from schemas.insights import Copy, StoryAssignment, StoryLinks, TagCounts
from schemas.topics import DAY_MS, HOUR_MS, STORIES, STORY_LINKS, TAG_COUNTS
from services.core.stories import Changes, Stories
from services.core.story import StoryRow
from services.insights.letters import Refused, check_fingerprints, decoded
from services.insights.pairs import LATE_MS
from services.insights.settings import GROUP, InsightSettings
from services.insights.tables import Row, Table
from services.insights.work import Effects
from services.kafka.partitioning import partition_of
from services.kafka.records import Placed, Record
from services.kafka.settings import KafkaSettings
from services.telemetry.insight_metrics import STORY_DOCUMENTS, STORY_EVENTS

PARTITION: Final = 0
"""The only one: the union of two stories needs one order."""


class TellStories:
    name = "stories"
    source = STORY_LINKS

    def __init__(self, kafka: KafkaSettings, settings: InsightSettings, table: Table, *, count_partitions: int) -> None:
        self.table: Table | None = table
        self._window_ms = settings.story_window_h * HOUR_MS
        self._longest_ms = settings.kept_days * DAY_MS
        self._most = settings.kept_documents
        self._similarity = settings.similarity
        self._count_partitions = count_partitions
        self._refused = Refused(kafka, kafka.group(GROUP))
        self._stories_topic, self._counts = kafka.topic(STORIES), kafka.topic(TAG_COUNTS)
        self._stories = Stories(similarity=self._similarity)
        self._newest_ms = 0

    @property
    def rows(self) -> int:
        return len(self._stories)

    def take(self, records: Sequence[Record]) -> Effects:
        packs, refused = decoded(records, StoryLinks, also=_check)
        effects = Effects(self._refused.letters(refused))
        links = [link for _, pack in packs for link in pack.links]
        # Before, for nothing may change between a `join` and its `apply`.
        effects.rows += (Row(PARTITION, document_id.encode(), None) for document_id in self._expire())
        changes = self._stories.join(links)
        effects.rows += (Row(PARTITION, row.id.encode(), _encoded(row)) for row in changes.rows)
        effects.outputs += (
            Placed(self._stories_topic, None, said.document_id.encode(), _encoded(said)) for said in changes.assignments
        )
        effects.outputs += (
            Placed(self._counts, partition, None, _encoded(TagCounts(copies=tuple(copies))))
            for partition, copies in self._by_partition(changes.copies).items()
        )
        newest_ms = max((end.at_ms for link in links for end in (link.first, link.second)), default=0)

        def done() -> None:
            self._apply(changes, newest_ms)
            self._refused.count(refused)

        effects.done = done
        return effects

    def tick(self) -> Effects:  # only later documents make earlier ones too old
        return Effects()

    def remember(self, partition: int, rows: Iterable[tuple[bytes, bytes]]) -> None:
        assert partition == PARTITION
        found = [StoryRow.model_validate_json(value) for _, value in rows]
        self._stories = Stories(similarity=self._similarity)
        self._stories.restore(found)
        self._newest_ms = max((version.at_ms for row in found for version in row.versions), default=0)
        STORY_DOCUMENTS.set(len(self._stories))

    def forget(self, partition: int) -> None:  # noqa: ARG002  # there is one
        self._stories = Stories(similarity=self._similarity)
        self._newest_ms = 0
        STORY_DOCUMENTS.set(0)

    def _expire(self) -> list[str]:
        """
        Forget stories that no document of the window can join any more.

        One that never ends begins anew after the days that are kept.
        """
        return self._stories.expire(
            self._newest_ms - self._window_ms - LATE_MS,
            begun_before_ms=self._newest_ms - self._longest_ms - LATE_MS,
            most=self._most,
        )

    def _by_partition(self, copies: Iterable[Copy]) -> dict[int, list[Copy]]:
        """Return copies by the partition that counts their tags."""
        found: dict[int, list[Copy]] = defaultdict(list)
        for copy in copies:
            tags: dict[int, list[str]] = defaultdict(list)
            for tag in copy.tags:
                tags[partition_of(tag.encode(), self._count_partitions)].append(tag)
            for partition, some in tags.items():
                found[partition].append(copy.model_copy(update={"tags": tuple(some)}))
        return found

    def _apply(self, changes: Changes, newest_ms: int) -> None:
        self._stories.apply(changes)
        self._newest_ms = max(self._newest_ms, newest_ms)
        for said in changes.assignments:
            STORY_EVENTS.labels(said.event).inc()
        STORY_DOCUMENTS.set(len(self._stories))


def _encoded(said: StoryRow | StoryAssignment | TagCounts) -> bytes:
    return said.model_dump_json(exclude_none=True).encode()


def _check(pack: StoryLinks) -> None:
    check_fingerprints(end.fingerprint for link in pack.links for end in (link.first, link.second))
