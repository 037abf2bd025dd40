import base64
import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letters import Reason
from schemas.documents import MediaType, RawDocument, Status
from services.core.rejections import Rejected
from services.kafka import codec
from services.kafka.records import Headers, Record

EVENT = {"specversion": "1.0", "id": "e-1", "source": "cnn", "type": "article"}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=UTF-8"}


def record(value: bytes | None, key: bytes | None = None, headers: dict[str, Any] | None = None) -> Record:
    pairs = tuple((name, text if isinstance(text, bytes) else text.encode()) for name, text in (headers or {}).items())
    return Record("documents.raw", 2, 1841, 1_700_000_000_000, key, value, pairs)


def envelope(**fields: Any) -> bytes:
    return orjson.dumps({"source": "cnn", "body": "text", **fields})


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b'{"source":"cnn","body":"text"}', id="compact"),
        pytest.param(b'\xef\xbb\xbf \r\n\t{"source": "cnn", "body": "t\\u0065xt"} \n', id="BOM, blanks and escapes"),
        pytest.param(b'{"source":"cnn","body":"text","sauce":1e5,"more":[{}]}', id="unknown fields"),
        pytest.param(b'{"source":"cnn","body":"text","title":null,"url":null}', id="null is absent"),
        pytest.param(b'{"source":"cnn","body_base64":null,"body":"text"}', id="a null body beside a body"),
    ],
)
@pytest.mark.parametrize("content_type", [None, "application/json", "APPLICATION/JSON; charset=utf-8", "image/png"])
def test_an_envelope(value: bytes, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    document = codec.decode_raw(record(value, b"k", headers))
    assert document == RawDocument(id="k", source="cnn", body="text")


def test_an_envelope_with_every_field() -> None:
    value = envelope(
        id="a",
        url="https://cnn.com/a",
        media_type="text/html",
        title="T",
        language="en",
        published_at="2026-01-31T08:00:00+01:00",
        fetched_at="2026-01-31t08:00:00.123456Z",
        version=2,
        status="usable",
        meta={"desk": "mena"},
    )
    document = codec.decode_raw(record(value, b"another key"))
    assert document.id == "a"
    assert document.media_type is MediaType.HTML
    assert document.published_at == datetime(2026, 1, 31, 7, tzinfo=UTC)
    assert document.fetched_at == datetime(2026, 1, 31, 8, 0, 0, 123456, tzinfo=UTC)
    assert (document.version, document.status, document.meta) == (2, Status.USABLE, {"desk": "mena"})


def test_base64_may_have_line_breaks() -> None:
    body = bytes(range(256))
    value = orjson.dumps({"source": "a", "body_base64": base64.encodebytes(body).decode()})
    assert codec.decode_raw(record(value)).body_base64 == body


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(b"{}", "source: required, but missing", id="an empty object"),
        pytest.param(b'{"source":"a"}', "document: body or body_base64 is required", id="no body"),
        pytest.param(envelope(body_base64="dGV4dA=="), "document: body and body_base64 exclude each other", id="two"),
        pytest.param(envelope(source=""), "source: String should have at least 1 character; got ''", id="no source"),
        pytest.param(envelope(source=None), "source: expected a valid string; got null", id="a null source"),
        pytest.param(envelope(id=7), "id: expected a valid string; got 7", id="a number as id"),
        pytest.param(envelope(id=""), "id: String should have at least 1 character; got ''", id="an empty id"),
        pytest.param(
            envelope(id="x" * 513), f"id: String should have at most 512 characters; got '{'x' * 60}' and 453 more",
            id="a long id is not repeated",
        ),
        pytest.param(envelope(version="3"), "version: expected a valid integer; got '3'", id="a version as text"),
        pytest.param(envelope(version=True), "version: expected a valid integer; got true", id="a version as boolean"),
        pytest.param(envelope(version=0), "version: expected greater than or equal to 1; got 0", id="version 0"),
        pytest.param(
            envelope(published_at="2026-01-31T08:00:00"),
            "published_at: expected an RFC 3339 date and time with its zone, such as 2026-01-31T08:00:00Z; "
            "got '2026-01-31T08:00:00'",
            id="a time without zone",
        ),
        pytest.param(
            envelope(published_at=1700000000),
            "published_at: expected an RFC 3339 date and time with its zone, such as 2026-01-31T08:00:00Z; "
            "got 1700000000",
            id="seconds since 1970",
        ),
        pytest.param(
            envelope(fetched_at="2026-01-31"),
            "fetched_at: expected an RFC 3339 date and time with its zone, such as 2026-01-31T08:00:00Z; "
            "got '2026-01-31'",
            id="a day",
        ),
        pytest.param(
            envelope(media_type="text/xml"), "media_type: expected 'text/html' or 'text/plain'; got 'text/xml'",
            id="another media type",
        ),
        pytest.param(
            envelope(meta={"a": 1}), "meta: expected a map of texts, but 'a' is none; got an object",
            id="a number in meta",
        ),
        pytest.param(
            envelope(meta={str(number): number for number in range(300_000)}),
            "meta: expected a map of texts, but '0' is none; got an object",
            id="a map of numbers, which once took seconds and gigabytes",
        ),
        pytest.param(envelope(meta=[]), "meta: expected a valid dictionary; got an array", id="meta as a list"),
        pytest.param(envelope(title={}), "title: expected a valid string; got an object", id="an object as title"),
        pytest.param(
            b'{"source":"a","body_base64":"***"}',
            "body_base64: expected base64: Only base64 data is allowed; got '***'", id="no base64",
        ),
        pytest.param(
            b'{"source":"a","body_base64":"YQ"}', "body_base64: expected base64: Incorrect padding; got 'YQ'",
            id="base64 without padding",
        ),
        pytest.param(
            orjson.dumps({"id": 1, "url": 2, "title": 3, "source": 4, "body": 5}),
            "id: expected a valid string; got 1; source: expected a valid string; got 4; "
            "url: expected a valid string; got 2; and 2 more",
            id="many errors, some told",
        ),
        pytest.param(
            b'{"source":"a","source":"b","body":""}', "'source': expected once in its object, got it twice",
            id="a field twice",
        ),
        pytest.param(
            b'{"source":"a","body":"","meta":{"x":"1","x":"2"}}', "'x': expected once in its object, got it twice",
            id="a name in meta twice",
        ),
        pytest.param(
            envelope(meta=[]).replace(b"[]", b"[" * 300 + b"]" * 300),
            "value: expected a JSON object, got one nested over 254 deep", id="deep",
        ),
    ],
)  # fmt: skip
def test_a_broken_envelope_names_the_field(value: bytes, message: str) -> None:
    with pytest.raises(Rejected) as caught:
        codec.decode_raw(record(value))
    assert (caught.value.reason, caught.value.message) == (Reason.INVALID_DOCUMENT, message)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b'{"source":"a","body":"text', id="cut off"),
        pytest.param(b'{ "source":"a","body":"text"} {}', id="two values"),
        pytest.param(b'{"source":"a","body":"text","x":NaN}', id="NaN"),
        pytest.param(b'{"source":"a","body":"text","x":-Infinity}', id="infinity"),
        pytest.param(b'{"source":"a","body":"\\ud800"}', id="a lone surrogate"),
        pytest.param(b'{"source":"a","body":"\xff"}', id="no UTF-8"),
        pytest.param(b'{"source":"a","body":"text","version":1' + b"0" * 5000 + b"}", id="a huge integer"),
        pytest.param(b'{"source":"a","body":"text","x":' + b"[" * 100_000, id="a depth bomb"),
        pytest.param(b'{"x":' * 5000 + b"1" + b"}" * 5000, id="a depth bomb of objects"),
        pytest.param(b"{'source':'a'}", id="Python is no JSON, and is declared as JSON"),
        pytest.param(b"[1,2]", id="a list that is declared as an object"),
        pytest.param(b"text", id="text that is declared as JSON"),
    ],
)
def test_json_that_broke_is_no_article(value: bytes) -> None:
    with pytest.raises(Rejected, match="value: expected a JSON object") as caught:
        codec.decode_raw(record(value, headers={"content-type": "application/json"}))
    assert caught.value.reason is Reason.INVALID_DOCUMENT
    assert len(caught.value.message) < 300


def test_what_looks_like_an_envelope_and_broke_is_told_without_content_type() -> None:
    with pytest.raises(Rejected, match="value: expected a JSON object; unexpected end of data"):
        codec.decode_raw(record(b'{\n "source": "a'))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"<html>", id="html"),
        pytest.param(b"{Reuters} - Militia agreed", id="a brace"),
        pytest.param(b"{{ template }}", id="a template"),
        pytest.param(b"[1,2]", id="a JSON array"),
        pytest.param(b'"text"', id="a JSON string"),
        pytest.param(b"17", id="a JSON number"),
        pytest.param(b"null", id="a JSON null"),
        pytest.param(b" \n", id="white space, for clean to judge"),
        pytest.param(b"\xff\xfe{\x00", id="UTF-16"),
        pytest.param(b"\x00", id="bytes"),
    ],
)
def test_any_other_value_is_a_bare_body(value: bytes) -> None:
    document = codec.decode_raw(record(value, b"k"))
    assert document.body_base64 == value
    assert (document.id, document.source, document.media_type, document.charset) == ("k", "unknown", None, None)


@pytest.mark.parametrize(
    ("content_type", "media_type", "charset"),
    [
        pytest.param("text/html; charset=windows-1251", MediaType.HTML, "windows-1251", id="html with charset"),
        pytest.param('Text/HTML ;x=1; Charset="utf-8" ', MediaType.HTML, "utf-8", id="quotes and case"),
        pytest.param("text/plain", MediaType.PLAIN, None, id="plain"),
        pytest.param("text/plain; charset=", MediaType.PLAIN, None, id="an empty charset"),
        pytest.param("text/markdown", None, None, id="other text: found by looking"),
    ],
)
def test_headers_describe_a_bare_body(content_type: str, media_type: MediaType | None, charset: str | None) -> None:
    headers = {"content-type": content_type, "ce_id": "e-1", "ce_source": "cnn"}
    document = codec.decode_raw(record(envelope(), b"k", headers))
    assert document.body_base64 == envelope(), "text is text, even if it could be read as an envelope"
    assert (document.id, document.source) == ("e-1", "cnn")
    assert (document.media_type, document.charset) == (media_type, charset)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"ce_source": b"\xff", "ce_id": b"\xff", "content-type": b"\xff"}, id="no UTF-8"),
        pytest.param({"ce_source": b"", "ce_id": b"", "content-type": b""}, id="empty"),
        pytest.param({"Content-Type": "application/json"}, id="names have a case"),
    ],
)
def test_a_header_that_says_nothing_is_absent(headers: dict[str, Any]) -> None:
    document = codec.decode_raw(record(b"text", b"k", headers))
    assert (document.id, document.source) == ("k", "unknown")


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        pytest.param({"ce_source": "x" * 513}, "source", id="a long source"),
        pytest.param({"content-type": f"text/html; charset={'x' * 65}"}, "charset", id="a long charset"),
    ],
)
def test_a_header_beyond_the_contract_is_told(headers: dict[str, Any], field: str) -> None:
    with pytest.raises(Rejected, match=f"^invalid_document: {field}: String should have at most"):
        codec.decode_raw(record(b"text", headers=headers))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            {"data": {"source": "ap", "body": "text"}},
            RawDocument(id="e-1", source="ap", body="text"),
            id="an envelope",
        ),
        pytest.param(
            {"data": {"id": "a", "source": "ap", "body": "text"}},
            RawDocument(id="a", source="ap", body="text"),
            id="an envelope with its own id",
        ),
        pytest.param(
            {"data": "<p>é", "datacontenttype": "text/html; charset=latin-1"},
            RawDocument(
                id="e-1", source="cnn", media_type=MediaType.HTML, charset="utf-8",
                body_base64=base64.b64encode("<p>é".encode()),
            ),
            id="text, no longer in the encoding of its type",
        ),
        pytest.param(
            {"data": "text"},
            RawDocument(id="e-1", source="cnn", charset="utf-8", body_base64=base64.b64encode(b"text")),
            id="text without a type",
        ),
        pytest.param(
            {"data_base64": "/+k=", "datacontenttype": "text/plain; charset=latin-1"},
            RawDocument(id="e-1", source="cnn", media_type=MediaType.PLAIN, charset="latin-1", body_base64=b"/+k="),
            id="bytes",
        ),
        pytest.param(
            {"data_base64": base64.b64encode(envelope()).decode()},
            RawDocument(id="e-1", source="cnn", body="text"),
            id="an envelope as bytes",
        ),
    ],
)  # fmt: skip
def test_a_structured_event(data: dict[str, Any], expected: RawDocument) -> None:
    headers = STRUCTURED | {"ce_id": "header", "ce_source": "header"}
    assert codec.decode_raw(record(orjson.dumps(EVENT | data), b"k", headers)) == expected


@pytest.mark.parametrize(
    ("value", "reason", "message"),
    [
        pytest.param(orjson.dumps(EVENT), Reason.EMPTY_BODY, "data: expected a document, got none", id="no data"),
        pytest.param(
            orjson.dumps(EVENT | {"data": [1]}), Reason.INVALID_DOCUMENT,
            "data: expected an object, or text, as datacontenttype says; got an array", id="a list",
        ),
        pytest.param(
            orjson.dumps(EVENT | {"data": {}, "datacontenttype": "text/html"}), Reason.INVALID_DOCUMENT,
            "data: expected an object, or text, as datacontenttype says; got an object", id="an object as html",
        ),
        pytest.param(
            orjson.dumps({**EVENT, "id": "", "data": "x"}), Reason.INVALID_DOCUMENT,
            "id: String should have at least 1 character; got ''", id="no id",
        ),
        pytest.param(
            orjson.dumps({**EVENT, "specversion": "0.3", "data": "x"}), Reason.INVALID_DOCUMENT,
            "specversion: expected '1.0'; got '0.3'", id="an old version",
        ),
        pytest.param(
            orjson.dumps(EVENT | {"data": {"source": "cnn"}}), Reason.INVALID_DOCUMENT,
            "document: body or body_base64 is required", id="a broken envelope",
        ),
        pytest.param(
            b"<event/>", Reason.INVALID_DOCUMENT,
            "value: expected a CloudEvent as a JSON object, got b'<event/>'", id="no JSON",
        ),
        pytest.param(
            b"{", Reason.INVALID_DOCUMENT,
            "value: expected a CloudEvent as a JSON object; "
            "unexpected end of data: line 1 column 2 (char 1)", id="broken JSON",
        ),
    ],
)  # fmt: skip
def test_an_event_that_holds_no_document(value: bytes, reason: Reason, message: str) -> None:
    with pytest.raises(Rejected) as caught:
        codec.decode_raw(record(value, headers=STRUCTURED))
    assert (caught.value.reason, caught.value.message) == (reason, message)


@pytest.mark.parametrize("content_type", ["application/cloudevents-batch+json", "application/cloudevents+avro"])
def test_other_forms_of_events_are_told(content_type: str) -> None:
    with pytest.raises(Rejected, match="content-type: expected one event as application/cloudevents"):
        codec.decode_raw(record(b"[]", headers={"content-type": content_type}))


@pytest.mark.parametrize(("value", "reason"), [(None, Reason.NULL_VALUE), (b"", Reason.EMPTY_BODY)])
def test_a_record_without_a_value(value: bytes | None, reason: Reason) -> None:
    with pytest.raises(Rejected) as caught:
        codec.decode_raw(record(value))
    assert caught.value.reason is reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
FIELDS = st.dictionaries(st.sampled_from([*RawDocument.model_fields, *EVENT, "data", "data_base64"]), JSON)
VALUES = st.one_of(
    st.binary(),
    st.binary().map(lambda tail: b'{"source":"a","body":"' + tail),
    JSON.map(lambda value: json.dumps(value).encode()),
    FIELDS.map(lambda value: json.dumps({"source": "a", "body": "b", **value}).encode()),
    FIELDS.map(lambda value: json.dumps({**EVENT, **value}).encode()),
)
CONTENT_TYPES = st.sampled_from(
    [b"application/json", b"text/html; charset=x", b"application/cloudevents+json", b"application/cloudevents", b";=;"]
)
HEADERS = st.lists(
    st.tuples(st.sampled_from(["ce_id", "ce_source", "tagwire-origin", "traceparent"]), st.none() | st.binary())
    | st.tuples(st.just("content-type"), CONTENT_TYPES | st.binary() | st.none())
    | st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.none() | st.binary())
).map(tuple)


def document_or_verdict(incoming: Record) -> RawDocument | tuple[Reason, str]:
    try:
        return codec.decode_raw(incoming)
    except Rejected as rejected:
        return rejected.reason, rejected.message


@given(VALUES, st.none() | st.binary(), HEADERS)
def test_whatever_comes_is_a_document_or_rejected(value: bytes, key: bytes | None, headers: Headers) -> None:
    incoming = Record("documents.raw", 0, 0, 0, key, value, headers)
    first = document_or_verdict(incoming)
    assert document_or_verdict(incoming) == first, "the same on every replay"
    if isinstance(first, RawDocument):
        assert first.id
    else:
        reason, message = first
        assert reason in {Reason.INVALID_DOCUMENT, Reason.EMPTY_BODY}
        assert len(message) < 1_500
