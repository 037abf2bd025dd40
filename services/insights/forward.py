"""documents.classified -> insights.tag-counts and insights.fingerprint-bands; it keeps nothing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from schemas.dead_letters import Reason
from schemas.topics import CLASSIFIED, FINGERPRINT_BANDS, TAG_COUNTS
from services.core.rejections import Rejected
from services.insights.letters import Refused, check_fingerprints, decoded
from services.insights.packing import CountableDocument, Positioned, packed
from services.insights.settings import GROUP, InsightSettings
from services.insights.tables import Table
from services.insights.work import Effects
from services.kafka.records import Placed, Record
from services.kafka.settings import KafkaSettings
from services.telemetry.insight_metrics import FORWARDED

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Forward:
    name = "forward"
    source = CLASSIFIED
    table: Table | None = None
    rows = 0

    def __init__(
        self, kafka: KafkaSettings, settings: InsightSettings, *, count_partitions: int, band_partitions: int
    ) -> None:
        self._settings = settings
        self._refused = Refused(kafka, kafka.group(GROUP))
        self._counts, self._count_partitions = kafka.topic(TAG_COUNTS), count_partitions
        self._bands, self._band_partitions = kafka.topic(FINGERPRINT_BANDS), band_partitions

    def take(self, records: Sequence[Record]) -> Effects:
        documents, refused = decoded(records, CountableDocument, also=_check)
        by_partition: dict[int, list[Positioned]] = defaultdict(list)
        for record, document in documents:
            by_partition[record.partition].append(Positioned(record.offset, record.timestamp_ms, document))
        outputs = self._refused.letters(refused)
        for source, positioned in by_partition.items():
            found = packed(
                source,
                positioned,
                kept_days=self._settings.kept_days,
                count_partitions=self._count_partitions,
                band_partitions=self._band_partitions,
            )
            outputs += (
                Placed(self._counts, partition, None, each.model_dump_json(exclude_none=True).encode())
                for partition, each in found.counts.items()
            )
            outputs += (
                Placed(self._bands, partition, None, each.model_dump_json(exclude_none=True).encode())
                for partition, each in found.bands.items()
            )

        def done() -> None:
            FORWARDED.inc(len(documents))
            self._refused.count(refused)

        return Effects(outputs, done=done)

    def tick(self) -> Effects:  # it keeps nothing, so that time changes nothing
        return Effects()

    def remember(self, partition: int, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep nothing."""

    def forget(self, partition: int) -> None:
        """Keep nothing."""


def _check(document: CountableDocument) -> None:
    if document.received_at < EPOCH:
        raise Rejected(Reason.INVALID_DOCUMENT, f"received_at: expected a time since 1970, got {document.received_at}")
    check_fingerprints((document.fingerprint,))
