"""What a partition of bands keeps, drops and tells."""

from collections.abc import Iterable

import pytest

from schemas.insights import BandedDocument, FingerprintBands, StoryLinks
from schemas.topics import HOUR_MS
from services.core.fingerprint import bands, fingerprint
from services.insights.pairs import LATE_MS, LINKS_BYTES, Pairs
from services.insights.settings import InsightSettings
from services.kafka.records import Placed
from tests.insights.rows import KAFKA, Rows, record

SETTINGS = InsightSettings(story_window_h=10)
TEXT = fingerprint(" ".join(f"word{number}" for number in range(60))) or ""
KEPT_MS = 10 * HOUR_MS + LATE_MS


def pack(*documents: tuple[int, int]) -> FingerprintBands:
    """Return documents of one text, by offset and hour."""
    return FingerprintBands(source=0, documents=tuple(banded(offset, hour) for offset, hour in documents))


def banded(offset: int, hour: int) -> BandedDocument:
    return BandedDocument(
        record=f"0/{offset}",
        id=f"d-{offset}",
        source="test",
        at_ms=hour * HOUR_MS,
        fingerprint=TEXT,
        bands=bands(TEXT),
    )


def key(offset: int) -> bytes:
    return b"%020d" % offset


def linked(said: Iterable[Placed]) -> list[set[str]]:
    packs = [StoryLinks.model_validate_json(each.value or b"") for each in said]
    return [{link.first.id, link.second.id} for pack in packs for link in pack.links]


def agent(settings: InsightSettings = SETTINGS) -> tuple[Pairs, Rows]:
    rows = Rows()
    pairs = Pairs(KAFKA, settings, rows)
    pairs.remember(0, ())
    return pairs, rows


def test_a_packed_record_is_one_row_as_it_came_and_its_pairs_are_told() -> None:
    pairs, rows = agent()

    first = rows.take(pairs.take([record(pack((1, 0)), 5)]))
    second = rows.take(pairs.take([record(pack((2, 1), (3, 2)), 6)]))

    assert linked(first) == []
    assert len(linked(second)) == 2  # which make the three one story
    assert set().union(*linked(second)) == {"d-1", "d-2", "d-3"}
    assert all(each.partition == 0 for each in second)
    assert rows.held[0] == {key(5): record(pack((1, 0)), 5).value, key(6): record(pack((2, 1), (3, 2)), 6).value}


def test_what_comes_again_packed_otherwise_adds_no_row_and_tells_its_pairs_again() -> None:
    pairs, rows = agent()
    rows.take(pairs.take([record(pack((1, 0), (2, 1)), 5)]))
    before = dict(rows.held[0])

    again = rows.take(pairs.take([record(pack((2, 1)), 6), record(pack((1, 0)), 7)]))

    assert linked(again) == [{"d-1", "d-2"}]
    assert rows.held[0] == before


def test_a_restart_finds_the_pairs_of_what_was_stored() -> None:
    pairs, rows = agent()
    rows.take(pairs.take([record(pack((1, 0)), 5)]))

    rows.restart(pairs)

    assert linked(rows.take(pairs.take([record(pack((2, 1)), 6)]))) == [{"d-1", "d-2"}]


def test_a_row_goes_with_the_last_of_its_documents() -> None:
    pairs, rows = agent()
    hour = KEPT_MS // HOUR_MS
    rows.take(pairs.take([record(pack((1, 0), (2, 5)), 5)]))

    rows.take(pairs.take([record(pack((3, hour + 1)), 6)]))
    assert sorted(rows.held[0]) == [key(5), key(6)]
    assert pairs.rows == 2
    rows.take(pairs.take([record(pack((4, hour + 6)), 7)]))
    assert sorted(rows.held[0]) == [key(6), key(7)]
    assert pairs.rows == 2


def test_a_row_that_holds_nothing_after_a_restart_goes_with_the_next_batch() -> None:
    pairs, rows = agent()
    late = pack((1, 0))
    rows.held[0] = {key(1): record(late, 1).value or b"", key(2): record(pack((2, 100)), 2).value or b""}

    rows.restart(pairs)
    rows.take(pairs.take([record(pack((3, 101)), 3)]))

    assert sorted(rows.held[0]) == [key(2), key(3)]


def test_a_document_out_of_the_window_is_not_taken() -> None:
    pairs, rows = agent()
    rows.take(pairs.take([record(pack((1, 100)), 5)]))

    said = rows.take(pairs.take([record(pack((2, 0)), 6)]))

    assert linked(said) == []
    assert sorted(rows.held[0]) == [key(5)]


def test_the_earliest_go_where_there_are_too_many() -> None:
    pairs, rows = agent(SETTINGS.model_copy(update={"kept_documents": 2}))

    rows.take(pairs.take([record(pack((number, number)), number) for number in range(5)]))

    assert sorted(rows.held[0]) == [key(3), key(4)]


@pytest.mark.parametrize("value", [None, b"{}", b'{"source":0,"documents":[{"record":"0/1","id":"a"}]}'])
def test_a_record_that_is_no_pack_becomes_a_dead_letter(value: bytes | None) -> None:
    pairs, rows = agent()

    (letter,) = rows.take(pairs.take([record(pack(), 1)._replace(value=value)]))

    assert letter.topic == "documents.dead-letter"
    assert rows.held == {}


def test_a_fingerprint_that_is_none_is_the_records_fault() -> None:
    pairs, rows = agent()
    wrong = banded(1, 0).model_copy(update={"fingerprint": "none"})

    (letter,) = rows.take(pairs.take([record(FingerprintBands(source=0, documents=(wrong,)), 1)]))

    assert letter.topic == "documents.dead-letter"


def test_a_document_from_the_future_is_not_kept_and_takes_nobody_along() -> None:
    pairs, rows = agent()

    rows.take(pairs.take([record(pack((1, 1), (2, 10_000_000)), 5, written_ms=2 * HOUR_MS)]))
    said = rows.take(pairs.take([record(pack((3, 2)), 6, written_ms=2 * HOUR_MS)]))

    assert linked(said) == [{"d-1", "d-3"}]


def test_links_of_documents_with_very_many_tags_have_records_that_fit() -> None:
    pairs, rows = agent()
    tags = tuple(f"tag-{number}" for number in range(20_000))
    documents = tuple(banded(offset, 0).model_copy(update={"tags": tags}) for offset in range(8))

    said = rows.take(pairs.take([record(FingerprintBands(source=0, documents=documents), 5)]))

    assert len(linked(said)) == 7
    assert max(len(each.value or b"") for each in said) < 2 * LINKS_BYTES


def test_rows_come_back_in_the_order_in_which_they_were_written() -> None:
    pairs, rows = agent()

    for offset in (9, 10, 100):
        rows.take(pairs.take([record(pack((offset, 0)), offset)]))

    assert sorted(rows.held[0]) == list(rows.held[0])
