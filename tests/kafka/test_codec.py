import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import headers as names
from schemas.dead_letters import Reason
from schemas.documents import (
    ClassifiedDocument,
    CleanDocument,
    EnrichedDocument,
    MediaType,
    RawDocument,
    Removed,
    RemovedReason,
    Status,
)
from schemas.topics import (
    CLASSIFIED,
    CLEAN,
    ENRICHED,
    MAX_BODY_BYTES,
    MAX_OUTPUT_VALUE_BYTES,
    MAX_RAW_BYTES,
    MIB,
    RAW,
    tag_topic,
)
from services.core.rejections import Rejected
from services.kafka import codec
from services.kafka.records import Headers, Output, Record, header

SAMPLE = ClassifiedDocument.model_validate_json(
    (Path(__file__).parents[1] / "schemas" / "classified-document.json").read_text(encoding="utf-8")
)
TRACEPARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def record(value: bytes | None, key: bytes | None = None, headers: dict[str, Any] | None = None) -> Record:
    pairs = tuple((name, text if isinstance(text, bytes) else text.encode()) for name, text in (headers or {}).items())
    return Record("documents.raw", 2, 1841, 1_700_000_000_000, key, value, pairs)


def read_back(output: Output) -> Record:
    return Record(output.topic, 0, 0, 0, output.key, output.value, output.headers)


def told(headers: Headers) -> dict[str, str]:
    return {name: (value or b"").decode() for name, value in headers}


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
MOMENTS = st.datetimes(timezones=st.just(UTC))
RAW_FIELDS = st.fixed_dictionaries(
    {"source": TEXT.filter(lambda text: 0 < len(text) <= 512)},
    optional={
        "id": TEXT.filter(lambda text: bool(text.strip()) and len(text) <= 512),
        "url": TEXT,
        "media_type": st.sampled_from(MediaType),
        "title": TEXT,
        "published_at": MOMENTS,
        "fetched_at": MOMENTS,
        "version": st.integers(1, 2**53 - 1),
        "status": st.sampled_from(Status),
        "meta": st.dictionaries(TEXT, TEXT),
    },
)
BODIES = TEXT.map(lambda text: {"body": text}) | st.binary().map(lambda value: {"body_base64": base64.b64encode(value)})


@given(RAW_FIELDS, BODIES)
def test_a_published_document_is_read_as_it_was(fields: dict[str, Any], body: dict[str, Any]) -> None:
    document = RawDocument(**fields, **body)
    output = codec.encode_raw(document)
    back = codec.decode_raw(read_back(output))
    assert back == document.model_copy(update={"id": back.id})
    assert (back.id or "").encode() == output.key
    assert document.id in {None, back.id}
    assert output.topic == "documents.raw"


def test_publishing_says_that_it_is_json() -> None:
    output = codec.encode_raw(RawDocument(id="a", source="cnn", body="x"))
    assert output.headers == (("content-type", b"application/json"),)
    assert orjson.loads(output.value or b"") == {
        "id": "a", "source": "cnn", "body": "x", "version": 1, "status": "usable", "meta": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param({"body": "x" * (MAX_BODY_BYTES + 1)}, "body: 8388609 bytes", id="a body over 8 MiB"),
        pytest.param({"body": "é" * (MAX_BODY_BYTES // 2 + 1)}, "body: 8388610 bytes", id="over 8 MiB as UTF-8"),
        pytest.param({"body": "\x01" * 3 * MIB}, r"record: \d+ bytes once encoded", id="a record over 12 MiB"),
    ],
)
def test_publishing_refuses_what_is_too_large(document: dict[str, Any], message: str) -> None:
    with pytest.raises(Rejected, match=message) as caught:
        codec.encode_raw(RawDocument(source="cnn", **document))
    assert caught.value.reason is Reason.TOO_LARGE


def test_the_largest_body_fits_a_record_in_base64() -> None:
    largest = RawDocument(source="cnn", body="").model_copy(update={"body": None, "body_base64": b"\xff" * 8 * MIB})
    assert len(codec.encode_raw(largest).value or b"") < MAX_RAW_BYTES


@pytest.mark.parametrize("fields", [{"body": "\ud800"}, {"body": "x", "title": "\udfff"}])
def test_publishing_refuses_what_utf8_cannot_say(fields: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="lone surrogates"):
        codec.encode_raw(RawDocument(source="cnn", **fields))


@pytest.mark.parametrize(
    ("topic", "model"), [(CLEAN, CleanDocument), (ENRICHED, EnrichedDocument), (CLASSIFIED, ClassifiedDocument)]
)
def test_a_document_is_read_as_it_was_written(topic: Any, model: type[CleanDocument]) -> None:
    document = model.model_validate_json(SAMPLE.model_dump_json())
    output = codec.encode(document, topic, origin="documents.raw/2/1841")
    assert codec.decode(read_back(output), model) == document
    assert (output.topic, output.key) == (topic.name, b"reuters-1")


@given(
    id=TEXT.filter(lambda text: 0 < len(text) <= 512),
    title=st.none() | TEXT,
    text=TEXT,
    removed=st.lists(st.builds(Removed, reason=st.sampled_from(RemovedReason), text=TEXT)).map(tuple),
    meta=st.dictionaries(TEXT, TEXT),
    received=MOMENTS,
)
def test_any_document_is_read_as_it_was_written(
    id: str,  # noqa: A002
    title: str | None,
    text: str,
    removed: tuple[Removed, ...],
    meta: dict[str, str],
    received: datetime,
) -> None:
    document = CleanDocument(
        id=id, source="a\nb", title=title, text=text, removed=removed, meta=meta,
        pipeline_version="0", received_at=received,
    )  # fmt: skip
    output = codec.encode(document, CLEAN, origin="documents.raw/0/0")
    assert codec.decode(read_back(output), CleanDocument) == document
    assert (output.key or b"").decode() == id


def test_the_headers_of_a_classified_document() -> None:
    trace = (("traceparent", TRACEPARENT), ("tracestate", b"a=1"), ("other", b"x"))
    output = codec.encode(SAMPLE, CLASSIFIED, origin="documents.raw/2/1841", trace=trace)
    assert told(output.headers) == {
        "ce_specversion": "1.0",
        "ce_id": "reuters-1:2",
        "ce_source": "https://reuters.example/feed",
        "ce_type": "tagwire.document.classified.v1",
        "ce_time": "2026-01-31T08:00:00.123000Z",
        "content-type": "application/json",
        "tags": "libya,armed-conflict",
        "language": "en",
        "tagwire-origin": "documents.raw/2/1841",
        "traceparent": TRACEPARENT.decode(),
        "tracestate": "a=1",
    }


def test_untagged_and_unclassified_are_told_apart() -> None:
    untagged = SAMPLE.model_copy(update={"tags": ()})
    assert header(codec.encode(untagged, CLASSIFIED, origin="x").headers, names.TAGS) == ""
    clean = CleanDocument.model_validate_json(SAMPLE.model_dump_json())
    headers = codec.encode(clean, CLEAN, origin="x").headers
    assert header(headers, names.TAGS) is None
    assert header(headers, names.LANGUAGE) is None
    assert header(headers, names.CE_TYPE) == "tagwire.document.clean.v1"


def test_a_tag_topic_holds_the_classified_document() -> None:
    output = codec.encode(SAMPLE, tag_topic("libya"), origin="x")
    assert output.topic == "tags.libya"
    assert header(output.headers, names.CE_TYPE) == "tagwire.document.classified.v1"


def test_a_document_in_the_wrong_topic_is_a_bug() -> None:
    with pytest.raises(AssertionError, match=r"documents\.clean does not hold a ClassifiedDocument"):
        codec.encode(SAMPLE, CLEAN, origin="x")


def test_a_source_is_neither_cut_nor_escaped() -> None:
    output = codec.encode(SAMPLE.model_copy(update={"source": "a\nb é"}), CLASSIFIED, origin="x")
    assert header(output.headers, names.CE_SOURCE) == "a\nb é"


def test_no_output_is_too_large_for_the_broker() -> None:
    with pytest.raises(Rejected, match=r"documents\.classified: the value is \d+ bytes") as caught:
        codec.encode(SAMPLE.model_copy(update={"text": "x" * MAX_OUTPUT_VALUE_BYTES}), CLASSIFIED, origin="x")
    assert caught.value.reason is Reason.OUTPUT_TOO_LARGE


@pytest.mark.parametrize(
    ("value", "reason", "message"),
    [
        pytest.param(None, Reason.NULL_VALUE, "value: expected a CleanDocument, got null", id="null"),
        pytest.param(b"", Reason.INVALID_DOCUMENT, "document: Invalid JSON: EOF while parsing a value", id="empty"),
        pytest.param(b"\xff", Reason.INVALID_DOCUMENT, "document: Invalid JSON: ", id="no JSON"),
        pytest.param(b'{"id":"a","source":"b","text":"c","pipeline_version":"d"}', Reason.INVALID_DOCUMENT,
                     "received_at: required, but missing", id="a field is missing"),
    ],
)  # fmt: skip
def test_a_document_that_is_none(value: bytes | None, reason: Reason, message: str) -> None:
    with pytest.raises(Rejected) as caught:
        codec.decode(record(value), CleanDocument)
    assert caught.value.reason is reason
    assert caught.value.message.startswith(message)


def test_a_reader_ignores_fields_that_it_does_not_know() -> None:
    newer = orjson.dumps({**orjson.loads(SAMPLE.model_dump_json()), "mood": "calm"})
    assert codec.decode(record(newer), ClassifiedDocument) == SAMPLE


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        pytest.param(None, "documents.raw/2/1841", id="the raw record itself"),
        pytest.param("acme.documents.raw/0/7", "acme.documents.raw/0/7", id="written by an earlier stage"),
        pytest.param("documents.raw", "documents.raw/2/1841", id="no origin"),
        pytest.param("a/1/2/3", "documents.raw/2/1841", id="more than an origin"),
    ],
)
def test_the_origin_is_kept(origin: str | None, expected: str) -> None:
    headers = {"tagwire-origin": origin} if origin else {}
    assert codec.origin_and_trace(record(b"x", headers=headers), CLEAN) == (expected, ())


def test_the_trace_is_kept() -> None:
    incoming = record(b"x", headers={"traceparent": TRACEPARENT, "b3": b"x", "tracestate": b"a=1"})
    assert codec.origin_and_trace(incoming, RAW)[1] == (("traceparent", TRACEPARENT), ("tracestate", b"a=1"))


@pytest.mark.parametrize(
    ("timestamp_ms", "expected"),
    [
        pytest.param(1_700_000_000_123, datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC), id="milliseconds"),
        pytest.param(-1, datetime(1970, 1, 1, tzinfo=UTC), id="none"),
        pytest.param(1_700_000_000_123_456, datetime(9999, 12, 31, tzinfo=UTC), id="microseconds"),
        pytest.param(2**63 - 1, datetime(9999, 12, 31, tzinfo=UTC), id="the largest"),
    ],
)
def test_when_a_record_was_received(timestamp_ms: int, expected: datetime) -> None:
    assert codec.received_at(Record("t", 0, 0, timestamp_ms, None, None)) == expected


def dead(incoming: Record, exception: BaseException | None = None, message: str = "no") -> Output:
    return codec.dead_letter(
        incoming, reason=Reason.NOT_TEXT, stage="clean", message=message, exception=exception, group="tagwire"
    )


def raised(error: Exception) -> BaseException:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def test_a_dead_letter_is_the_record_and_why() -> None:
    incoming = record(b"\x00\xff", b"\xfe", {"ce_id": "é", "twice": b"\xff"})
    letter = dead(incoming)
    assert (letter.topic, letter.key, letter.value) == ("documents.dead-letter", b"\xfe", b"\x00\xff")
    assert letter.headers[:2] == incoming.headers
    assert told(letter.headers[2:]) == {
        "kafka_dlt-original-topic": "documents.raw",
        "kafka_dlt-original-partition": "2",
        "kafka_dlt-original-offset": "1841",
        "kafka_dlt-original-timestamp": "1700000000000",
        "kafka_dlt-original-consumer-group": "tagwire",
        "kafka_dlt-exception-message": "no",
        "dlq-reason": "not_text",
        "dlq-stage": "clean",
        "dlq-replay-count": "0",
    }


def test_a_bug_is_told_with_its_traceback() -> None:
    headers = dead(record(b"x"), raised(Rejected(Reason.NO_TEXT, "x"))).headers
    assert header(headers, names.DLT_EXCEPTION) == "services.core.rejections.Rejected"
    stacktrace = header(headers, names.DLT_STACKTRACE) or ""
    assert stacktrace.startswith("Traceback")
    assert stacktrace.endswith("no_text: x\n")


def test_messages_and_traces_are_cut_and_always_text() -> None:
    headers = dead(record(b"x"), raised(ValueError("\ud800" + "x" * 9_000 + "end")), "\ud800" + "m" * 9_000).headers
    assert (header(headers, names.DLT_MESSAGE) or "").startswith("\\ud800mmm")
    stacktrace = header(headers, names.DLT_STACKTRACE) or ""
    assert len(stacktrace) == codec.STACKTRACE_LENGTH
    assert stacktrace.endswith("end\n")


def test_dying_again_replaces_what_was_told() -> None:
    first = dead(record(b"x", b"k", {"a": "1", "kafka_dlt-original-timestamp-type": "0"}), raised(ValueError("x")))
    again = dead(Record("documents.raw", 0, 9, 5, first.key, first.value, (*first.headers, ("a", None))))
    assert [name for name, _ in again.headers].count(names.DLT_OFFSET) == 1
    assert header(again.headers, names.DLT_OFFSET) == "9"
    assert header(again.headers, names.DLT_STACKTRACE) is None
    assert again.headers[:2] == (("a", b"1"), ("a", None))
    assert len(again.headers) == 2 + 9


@pytest.mark.parametrize(
    ("count", "expected"),
    [("3", "3"), ("", "0"), ("-1", "0"), ("many", "0"), ("٣", "0"), ("9" * 40, "0")],
)
def test_the_replay_count_is_carried(count: str, expected: str) -> None:
    assert header(dead(record(b"x", headers={"dlq-replay-count": count})).headers, "dlq-replay-count") == expected


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [(None, None, b""), (b"k", None, b"k"), (None, b"x", None), (b"", b"x", b"")],
)
def test_a_letter_is_never_without_key_and_value(
    key: bytes | None, value: bytes | None, expected: bytes | None
) -> None:
    letter = dead(record(value, key))
    assert (letter.key, letter.value) == (expected, value)


@pytest.mark.parametrize("part", ["value", "header"])
def test_a_dead_letter_that_no_topic_would_take_leaves_its_value_where_it_is(part: str) -> None:
    """Kafka limits what is compressed: 18 MB of one letter are 2 KB on their way in, and 18 MB for our producer."""
    huge = b"x" * (18 * 2**20)
    value, headers = (huge, ()) if part == "value" else (b"small", (("x", huge),))
    died = Record("documents.raw", 1, 2, 3, b"key", value, headers)

    letter = codec.dead_letter(died, reason=Reason.TOO_LARGE, stage="clean", message="m", exception=None, group="g")

    assert letter.value is None
    assert letter.key == b"key"
    assert header(letter.headers, names.DLQ_VALUE_LEFT_OUT) == str(len(value))
    assert header(letter.headers, names.DLT_OFFSET) == "2"
    assert header(letter.headers, names.DLQ_REASON) == "too_large"
    assert sum(len(each or b"") for _, each in letter.headers) < 2_000


def test_a_trace_that_is_none_is_not_carried_on() -> None:
    carried = (("traceparent", b"00-" + b"a" * 52), ("tracestate", b"x" * 513))
    sent = Record("documents.raw", 1, 2, 3, b"key", b"value", carried)

    assert codec.origin_and_trace(sent, RAW)[1] == carried[:1]


def test_a_trace_that_is_said_again_and_again_is_carried_on_once() -> None:
    """40,000 of them are 20 MB, which our producer could never send: the partition would stand still."""
    sent = Record("documents.raw", 1, 2, 3, b"key", b"value", (("tracestate", b"a=" + b"x" * 500),) * 40_000)

    assert codec.origin_and_trace(sent, RAW)[1] == sent.headers[:1]


def test_an_origin_that_a_producer_writes_is_not_believed() -> None:
    forged = record(b"x", headers={"tagwire-origin": "documents.raw/0/1"})

    assert codec.origin_and_trace(forged, RAW)[0] == forged.origin


def test_headers_without_any_bytes_count_in_the_size_of_a_dead_letter() -> None:
    died = Record("documents.raw", 1, 2, 3, None, bytes(16_775_000), (("", None),) * 5_000)

    letter = codec.dead_letter(died, reason=Reason.NOT_TEXT, stage="clean", message="m", exception=None, group="g")

    assert letter.value is None
    assert header(letter.headers, names.DLQ_VALUE_LEFT_OUT) == "16775000"


def test_a_document_whose_headers_make_it_too_large_is_rejected() -> None:
    """Its source is in the value and in a header."""
    long = SAMPLE.model_copy(update={"source": "s" * (9 * 2**20)})

    with pytest.raises(Rejected) as rejected:
        codec.encode(long, CLASSIFIED, origin="documents.raw/0/1")

    assert rejected.value.reason is Reason.OUTPUT_TOO_LARGE
