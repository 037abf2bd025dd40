"""A record of documents.dead-letter is read whatever is in it, and chosen by what an operator asks."""

from datetime import UTC, datetime

import pytest

from schemas import headers
from schemas.dead_letters import Reason
from services.dead_letters.letters import (
    Letter,
    Selection,
    content_digest,
    letter_of,
    moment,
    own_headers,
    reasons,
    rfc3339,
)
from services.kafka import codec
from services.kafka.records import Headers, Record

NOW_MS = 1_800_000_000_000


def raw(value: bytes | None = b'{"id": "wire-1"}', key: bytes | None = b"k", own: Headers = ()) -> Record:
    return Record("t.documents.raw", 1, 7, NOW_MS - 5000, key, value, own)


def died(record: Record, reason: Reason = Reason.NO_TEXT, offset: int = 0) -> Record:
    output = codec.dead_letter(record, reason=reason, stage="clean", message="none", exception=None, group="g")
    return Record("t.documents.dead-letter", 2, offset, NOW_MS, output.key, output.value, output.headers)


def letter(record: Record | None = None, reason: Reason = Reason.NO_TEXT) -> Letter:
    return letter_of(died(record or raw(), reason))


def test_a_letter_tells_where_its_record_stood_and_what_it_was() -> None:
    record = raw(own=(("traceparent", b"00-1"), ("x", None)))

    read = letter(record)

    assert read.original == record
    assert (read.id, read.reason, read.stage, read.message, read.group) == ("wire-1", "no_text", "clean", "none", "g")
    assert (read.position, read.replays) == ("t.documents.dead-letter/2/0", 0)


@pytest.mark.parametrize(
    ("value", "key", "expected"),
    [
        pytest.param(b'{"id": "wire-1"}', b"k", "wire-1", id="its own"),
        pytest.param(b"\xff\xd8", b"k", "k", id="its key"),
        pytest.param(b"Rain in Peru.", None, "body-", id="the one that the worker derived"),
        pytest.param(None, None, None, id="none"),
        pytest.param(b'{"broken', None, None, id="none that can be known"),
    ],
)
def test_the_id_of_a_letter(value: bytes | None, key: bytes | None, expected: str | None) -> None:
    found = letter(raw(value, key)).id

    assert found == expected or (expected == "body-" and found is not None and found.startswith(expected))


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param((), id="no headers"),
        pytest.param(((headers.DLT_TOPIC, b"t"), (headers.DLT_PARTITION, b"\x00\x00\x00\x01")), id="numbers in binary"),
        pytest.param(((headers.DLQ_REASON, b"\xff"), (headers.DLQ_REPLAY_COUNT, b"-3")), id="no UTF-8, no number"),
        pytest.param(((headers.DLQ_REASON, None),), id="null"),
    ],
)
def test_what_another_program_wrote_is_still_a_letter(odd: Headers) -> None:
    read = letter_of(Record("d", 0, 3, -1, None, None, odd))

    assert (read.reason, read.original, read.replays, read.name) == ("unknown", None, 0, "d/0/3")
    assert rfc3339(read.record.timestamp_ms) == "1970-01-01T00:00:00.000Z"


def test_content_is_the_same_for_a_record_its_letter_and_the_next_letter_and_for_no_other() -> None:
    record = raw(own=(("x", b"1"),))
    first = died(record)
    again = Record(
        "t.documents.raw",
        3,
        9,
        NOW_MS,
        first.key,
        first.value,
        (*own_headers(first.headers), ("dlq-replay-count", b"1")),
    )
    others = [raw(b""), raw(None), raw(key=b"kx"), raw(own=(("x", b"2"),)), raw(own=(("x", None),))]

    traced = again._replace(headers=(*again.headers, ("traceparent", b"00-4bf92f35-01")))
    same = {content_digest(each) for each in (record, first, again, traced, died(again))}

    assert len(same) == 1
    assert len({content_digest(each) for each in others} | same) == 6
    assert letter_of(died(again)).replays == 1


@pytest.mark.parametrize(
    ("chosen", "includes"),
    [
        pytest.param(Selection(), True, id="no wish"),
        pytest.param(Selection(reasons=frozenset({Reason.NO_TEXT, Reason.TIMEOUT})), True, id="one of several reasons"),
        pytest.param(Selection(reasons=frozenset({Reason.TIMEOUT})), False, id="another reason"),
        pytest.param(Selection(ids=frozenset({"wire-1"})), True, id="id"),
        pytest.param(Selection(ids=frozenset({"wire"})), False, id="no part of an id"),
        pytest.param(Selection(fingerprints=frozenset({letter().fingerprint})), True, id="fingerprint"),
        pytest.param(Selection(fingerprints=frozenset({"00000000"})), False, id="another fingerprint"),
        pytest.param(Selection(since_ms=NOW_MS), True, id="since this very moment"),
        pytest.param(Selection(since_ms=NOW_MS + 1), False, id="died earlier"),
        pytest.param(Selection(until_ms=NOW_MS), False, id="until is exclusive"),
        pytest.param(Selection(until_ms=NOW_MS + 1), True, id="died before"),
    ],
)
def test_a_selection(chosen: Selection, includes: bool) -> None:
    assert chosen.includes(letter()) is includes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("90s", NOW_MS - 90_000, id="seconds"),
        pytest.param("2h", NOW_MS - 7_200_000, id="hours"),
        pytest.param("3d", NOW_MS - 3 * 86_400_000, id="days"),
        pytest.param("999999w", 0, id="before time began"),
        pytest.param("2026-01-31T08:00:00Z", datetime(2026, 1, 31, 8, tzinfo=UTC).timestamp() * 1000, id="RFC 3339"),
        pytest.param("2026-01-31T10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC).timestamp() * 1000, id="zone"),
    ],
)
def test_a_moment(text: str, expected: int) -> None:
    assert moment(text, now_ms=NOW_MS) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-31", "2026-01-31T08:00:00", "2 h", "-2h"])
def test_what_is_no_moment_is_told_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="2026-01-31T08:00:00Z, or 30m"):
        moment(text, now_ms=NOW_MS)


def test_an_unknown_reason_is_told_with_the_possible_ones() -> None:
    assert reasons(["timeout", "no_text"]) == {Reason.TIMEOUT, Reason.NO_TEXT}
    with pytest.raises(ValueError, match=r"no_txt: expected one of null_value, empty_body, .*step_failed"):
        reasons(["no_text", "no_txt"])
