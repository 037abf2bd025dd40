"""insights.fingerprint-bands -> insights.story-links: what is one story, as one partition of bands sees it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.insights import FingerprintBands, StoryLink, StoryLinks
from schemas.topics import FINGERPRINT_BANDS, HOUR_MS, STORY_LINKS
from services.core.near_duplicates import NearDuplicates
from services.insights.letters import Refused, check_fingerprints, decoded
from services.insights.packing import AHEAD_MS
from services.insights.settings import GROUP, InsightSettings
from services.insights.tables import Row, Table
from services.insights.work import Effects
from services.kafka.records import Placed, Record
from services.kafka.settings import KafkaSettings
from services.telemetry.insight_metrics import COMPARED, LINKS, OUT_OF_RANGE

LATE_MS: Final = 24 * HOUR_MS
"""Documents that come late by so much find those before them all the same: partitions are not read at one pace."""
LINKS_BYTES: Final = 1024 * 1024
"""Of links in a record, some 2 KB each; a single larger one has a record of its own."""


@dataclass(slots=True)
class Partition:
    """The documents of a partition, and the rows that hold them: one for each packed record, as it came."""

    index: NearDuplicates
    newest_ms: int = 0
    row_of: dict[str, bytes] = field(default_factory=dict)
    """Record of a document -> the row that holds it."""
    left: Counter[bytes] = field(default_factory=Counter)
    """Row -> how many of its documents are kept; without any it is deleted."""
    gone: list[bytes] = field(default_factory=list)
    """Rows that were found with nothing to keep, and go with the next batch."""


class Pairs:
    name = "pairs"
    source = FINGERPRINT_BANDS

    def __init__(self, kafka: KafkaSettings, settings: InsightSettings, table: Table) -> None:
        self.table: Table | None = table
        self._window_ms = settings.story_window_h * HOUR_MS
        self._similarity = settings.similarity
        self._most = settings.kept_documents
        self._refused = Refused(kafka, kafka.group(GROUP))
        self._links = kafka.topic(STORY_LINKS)
        self._partitions: dict[int, Partition] = {}

    @property
    def rows(self) -> int:
        return sum(len(each.left) for each in self._partitions.values())

    def take(self, records: Sequence[Record]) -> Effects:
        packs, refused = decoded(records, FingerprintBands, also=_check)
        effects = Effects(self._refused.letters(refused))
        links: list[StoryLink] = []
        late = 0
        for record, pack in packs:
            partition = self._partitions[record.partition]
            key = b"%020d" % record.offset  # so that rows come back in the order in which they were written
            before = partition.left[key]
            for document in pack.documents:
                if not self._begin_ms(partition) <= document.at_ms <= record.timestamp_ms + AHEAD_MS:
                    late += 1
                    continue
                partition.newest_ms = max(partition.newest_ms, document.at_ms)
                links += partition.index.add(document)
                _hold(partition, key, document.record)
            if partition.left[key] > before:
                effects.rows.append(Row(record.partition, key, record.value))
        for number in {record.partition for record, _ in packs}:
            effects.rows += (Row(number, key, None) for key in self._expire(self._partitions[number]))
        effects.outputs += (Placed(self._links, 0, None, value) for value in _encoded(links))

        def done() -> None:
            self._refused.count(refused)
            COMPARED.inc(sum(len(pack.documents) for _, pack in packs))
            LINKS.inc(len(links))
            OUT_OF_RANGE.labels(self.name).inc(late)

        effects.done = done
        return effects

    def tick(self) -> Effects:  # only a later document makes earlier ones too old
        return Effects()

    def remember(self, partition: int, rows: Iterable[tuple[bytes, bytes]]) -> None:
        index = NearDuplicates(window_ms=self._window_ms, similarity=self._similarity)
        memory = self._partitions[partition] = Partition(index)
        for key, value in rows:
            for document in FingerprintBands.model_validate_json(value).documents:
                memory.newest_ms = max(memory.newest_ms, document.at_ms)
                memory.index.restore(document)
                _hold(memory, key, document.record)
            if not memory.left[key]:
                memory.gone.append(key)
        memory.gone = self._expire(memory)

    def forget(self, partition: int) -> None:
        self._partitions.pop(partition, None)

    def _begin_ms(self, partition: Partition) -> int:
        """Return the event time from which on documents are kept."""
        return partition.newest_ms - self._window_ms - LATE_MS

    def _expire(self, partition: Partition) -> list[bytes]:
        """Forget what is too old, or too much; return the rows of which nothing is left."""
        gone, partition.gone = partition.gone, []
        for record in partition.index.expire(self._begin_ms(partition), most=self._most):
            key = partition.row_of.pop(record)
            partition.left[key] -= 1
            if not partition.left[key]:
                del partition.left[key]
                gone.append(key)
        return gone


def _hold(partition: Partition, key: bytes, record: str) -> None:
    """Note which row holds a document; one that comes again, packed otherwise, stays where it was."""
    if record not in partition.row_of:
        partition.row_of[record] = key
        partition.left[key] += 1


def _encoded(links: Iterable[StoryLink]) -> Iterator[bytes]:
    """Yield the values of StoryLinks that hold them: documents may have very many tags."""
    some: list[StoryLink] = []
    size_bytes = 0
    for link in links:
        link_bytes = len(link.model_dump_json(exclude_none=True))
        if some and size_bytes + link_bytes > LINKS_BYTES:
            yield StoryLinks(links=tuple(some)).model_dump_json(exclude_none=True).encode()
            some, size_bytes = [], 0
        some.append(link)
        size_bytes += link_bytes
    if some:
        yield StoryLinks(links=tuple(some)).model_dump_json(exclude_none=True).encode()


def _check(pack: FingerprintBands) -> None:
    check_fingerprints(document.fingerprint for document in pack.documents)
