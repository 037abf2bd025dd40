"""
Classified documents -> what is counted, and what is compared, packed for each partition that needs it.

A record for each tag and band would be some 20 for a document, and Faust takes 2,000 to 7,000 records a second; so all
that a partition is told of a batch is one record.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from pydantic import AwareDatetime

from schemas.documents import DocumentId, Model, PublishedAt, Share, Slug
from schemas.insights import BandedDocument, CountedDocument, FingerprintBands, TagCounts
from services.core.event_time import CLOCK_SKEW, event_time, from_milliseconds, milliseconds
from services.core.fingerprint import bands, id_band
from services.kafka.partitioning import partition_of

AHEAD_MS: Final = 3 * CLOCK_SKEW // timedelta(milliseconds=1)
"""An event time may be so much after its record was written here: of the publisher's clock, the producer's and ours."""
LAST_MS: Final = 2**46
"""In the year 4199: a record's timestamp may be any number, and `datetime` ends with the year 9999."""
TITLE_LENGTH: Final = 300
"""Characters of a title that go along: enough to show, and a bound on what a batch takes."""


class CountableTag(Model):
    id: Slug
    relevance: Share


class CountableDocument(Model):
    """
    A ClassifiedDocument, as far as it is counted and compared.

    The rest is most of its bytes; to make objects of places and evidence would cost more than all else that is done.
    """

    id: DocumentId
    title: str | None = None
    source: str
    published_at: PublishedAt | None = None
    received_at: AwareDatetime
    fingerprint: str | None = None
    tags: tuple[CountableTag, ...] = ()


class Positioned(NamedTuple):
    """A document, and where its record is in the partition that is packed, and from when."""

    offset: int
    timestamp_ms: int
    """Of that record, milliseconds since 1970: when a worker wrote it."""
    document: CountableDocument


class Packed(NamedTuple):
    """Partition -> what it is told."""

    counts: Mapping[int, TagCounts]
    bands: Mapping[int, FingerprintBands]


def packed(
    source: int,
    documents: Iterable[Positioned],
    *,
    kept_days: int,
    count_partitions: int,
    band_partitions: int,
) -> Packed:
    """Return what the documents of one partition tell each other one; one that has none of their tags is not in it."""
    counts: dict[int, list[CountedDocument]] = defaultdict(list)
    compared: dict[int, list[BandedDocument]] = defaultdict(list)
    for offset, timestamp_ms, document in documents:
        classified_at = from_milliseconds(min(max(timestamp_ms, 0), LAST_MS))
        # Received in January 1970, by a record without a timestamp, it may well have been published before.
        at_ms = max(0, milliseconds(event_time(document, kept_days=kept_days, classified_at=classified_at)))
        title = document.title and document.title[:TITLE_LENGTH]
        tags: dict[int, dict[str, float]] = defaultdict(dict)
        for tag in document.tags:
            tags[partition_of(tag.id.encode(), count_partitions)][tag.id] = tag.relevance
        for partition, shares in tags.items():
            counts[partition].append(
                CountedDocument(
                    offset=offset, id=document.id, title=title, source=document.source, at_ms=at_ms, tags=shares
                )
            )
        hashes: dict[int, list[int]] = defaultdict(list)
        fingerprint = document.fingerprint
        for band in (id_band(document.id), *(bands(fingerprint) if fingerprint else ())):
            hashes[band % band_partitions].append(band)
        for partition, found in hashes.items():
            compared[partition].append(
                BandedDocument(
                    record=f"{source}/{offset}",
                    id=document.id,
                    title=title,
                    source=document.source,
                    at_ms=at_ms,
                    tags=tuple(tag.id for tag in document.tags),
                    fingerprint=fingerprint,
                    bands=tuple(found),
                )
            )
    return Packed(
        {partition: TagCounts(source=source, documents=tuple(each)) for partition, each in counts.items()},
        {partition: FingerprintBands(source=source, documents=tuple(each)) for partition, each in compared.items()},
    )
