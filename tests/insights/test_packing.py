"""What is packed for each partition: all of a document, once."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents import ClassifiedDocument
from schemas.topics import DEAD_LETTER
from services.core.event_time import milliseconds
from services.core.fingerprint import bands, fingerprint, id_band
from services.insights.forward import Forward
from services.insights.packing import TITLE_LENGTH, CountableDocument, Positioned, packed
from services.insights.settings import InsightSettings
from services.kafka.partitioning import partition_of
from tests.insights.documents import NOON, document
from tests.insights.rows import KAFKA, record

NOW_MS = milliseconds(NOON) + 3_600_000
TEXT = " ".join(f"word{number}" for number in range(60))


@given(
    st.lists(st.sets(st.sampled_from(["libya", "mali", "peru", "kenya"])), max_size=6),
    st.integers(1, 5),
    st.integers(1, 5),
)
def test_every_tag_and_band_of_a_document_goes_to_one_partition_and_no_other(
    tags: list[set[str]], count_partitions: int, band_partitions: int
) -> None:
    documents = [document(f"d-{n}", tags=tuple(each), fingerprint=fingerprint(TEXT)) for n, each in enumerate(tags)]

    found = packed(
        3,
        [Positioned(10 + number, NOW_MS, countable(each)) for number, each in enumerate(documents)],
        kept_days=28,
        count_partitions=count_partitions,
        band_partitions=band_partitions,
    )

    counted = Counter(
        (partition, each.offset, tag)
        for partition, pack in found.counts.items()
        for each in pack.documents
        for tag in each.tags
    )
    assert counted == Counter(
        (partition_of(tag.encode(), count_partitions), 10 + number, tag)
        for number, each in enumerate(tags)
        for tag in each
    )
    compared = Counter(
        (partition, each.record, band)
        for partition, pack in found.bands.items()
        for each in pack.documents
        for band in each.bands
    )
    wanted = [(band, number) for number, each in enumerate(documents) for band in (id_band(each.id), *bands_of(TEXT))]
    assert compared == Counter((band % band_partitions, f"3/{10 + number}", band) for band, number in wanted)


def countable(document: ClassifiedDocument) -> CountableDocument:
    """Return what forwarding reads of a document."""
    return CountableDocument.model_validate_json(document.model_dump_json())


def bands_of(text: str) -> tuple[int, ...]:
    found = fingerprint(text)
    assert found is not None
    return bands(found)


def test_a_document_without_tags_and_fingerprint_is_told_to_the_partition_of_its_id_alone() -> None:
    found = packed(
        0,
        [Positioned(7, NOW_MS, countable(document("bare", tags=())))],
        kept_days=28,
        count_partitions=4,
        band_partitions=4,
    )

    assert found.counts == {}
    ((partition, pack),) = found.bands.items()
    (told,) = pack.documents
    assert (partition, told.bands) == (id_band("bare") % 4, (id_band("bare"),))
    assert (told.record, told.at_ms, told.fingerprint) == ("0/7", milliseconds(NOON), None)


def test_a_title_goes_along_as_far_as_it_is_shown() -> None:
    long = document("long").model_copy(update={"title": "t" * 10_000})

    found = packed(0, [Positioned(0, NOW_MS, countable(long))], kept_days=28, count_partitions=1, band_partitions=1)

    assert found.counts[0].documents[0].title == "t" * TITLE_LENGTH
    assert found.bands[0].documents[0].title == "t" * TITLE_LENGTH


@pytest.mark.parametrize("timestamp_ms", [-1, 2**62])
def test_a_record_of_any_timestamp_is_packed(timestamp_ms: int) -> None:
    found = packed(
        0, [Positioned(0, timestamp_ms, countable(document("a")))], kept_days=28, count_partitions=1, band_partitions=1
    )

    assert [each.id for each in found.bands[0].documents] == ["a"]


def test_a_document_from_before_all_clocks_is_refused() -> None:
    forward = Forward(KAFKA, InsightSettings(), count_partitions=1, band_partitions=1)
    ancient = document("a").model_copy(update={"received_at": datetime(1, 1, 1, tzinfo=UTC)})

    (letter,) = forward.take([record(ancient, 0)]).outputs

    assert letter.topic == KAFKA.topic(DEAD_LETTER)


def test_a_document_that_was_published_before_1970_is_packed() -> None:
    received = datetime(1970, 1, 1, tzinfo=UTC)
    published = {"value": "1969-12-31T12:00:01Z", "from": "page"}
    old = CountableDocument.model_validate(
        {**document("a").model_dump(), "received_at": received, "published_at": published}
    )

    found = packed(0, [Positioned(0, NOW_MS, old)], kept_days=28, count_partitions=1, band_partitions=1)

    assert [each.at_ms for each in found.bands[0].documents] == [0]
