"""
Record -> model, and model -> Output: bytes and headers on one side, typed documents on the other.

What breaks the contract is told by Rejected, and by nothing else.
"""

import re
import traceback
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import orjson
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from schemas import headers as names
from schemas.dead_letters import Reason
from schemas.documents import ClassifiedDocument, CleanDocument, EnrichedDocument, Model, RawDocument
from schemas.topics import (
    DEAD_LETTER,
    MAX_BODY_BYTES,
    MAX_OUTPUT_BYTES,
    MAX_OUTPUT_VALUE_BYTES,
    MAX_RAW_BYTES,
    RAW,
    Topic,
)
from services.core.identity import document_id
from services.core.rejections import Rejected
from services.kafka.envelope import content_of, document_in
from services.kafka.records import Headers, Output, Record, header
from services.kafka.validation import explanation

STACKTRACE_LENGTH: Final = 4_000
"""Characters of a traceback that a dead letter carries. The end is kept, for it names the error."""

MESSAGE_LENGTH: Final = 1_000
"""Characters of a message that a dead letter carries."""

_STAGES: Final[dict[type[Model], str]] = {
    CleanDocument: "clean",
    EnrichedDocument: "enriched",
    ClassifiedDocument: "classified",
}
_ORIGIN: Final = re.compile(r"[A-Za-z0-9._-]{1,249}/\d{1,10}/\d{1,19}", re.ASCII)
_TRACE: Final = frozenset({names.TRACEPARENT, names.TRACESTATE})
_TRACE_MAX_BYTES: Final = 512
"""What W3C Trace Context asks everybody to carry."""
_DEAD_LETTER_PREFIXES: Final = ("kafka_dlt-", "dlq-")
_REPLAY_COUNT: Final = re.compile(r"\d{1,9}", re.ASCII)

# What Kafka's record and batch framing may add to the bytes of key, value and headers.
_FRAMING_BYTES: Final = 512
_HEADER_FRAMING_BYTES: Final = 10

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_TIMESTAMP_MS: Final = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)

ModelT = TypeVar("ModelT", bound=Model)


def decode_raw(record: Record) -> RawDocument:
    """
    Return the document of a raw record, with its `id` set.

    A value that parses as a JSON object is an envelope; any other value, or one whose content-type is `text/*`, is a
    bare body. JSON that broke is no bare body: a value that begins with `{"`, or whose content-type says JSON, must
    parse as a JSON object. Of a CloudEvent (`application/cloudevents+json`) the data is read in the same way.
    Raises Rejected: null value, empty body, invalid document. Whether the body is text, and not too much of it, is
    judged by `clean`.
    """
    if record.value is None:
        raise Rejected(Reason.NULL_VALUE, "value: expected a document, got null")
    if not record.value:
        raise Rejected(Reason.EMPTY_BODY, "value: expected a document, got 0 bytes")
    content = content_of(record.value, record.headers)
    document = document_in(content)
    identity = document_id(document, ce_id=content.ce_id, key=record.key)
    return document if document.id == identity else document.model_copy(update={"id": identity})


def claimed_id(record: Record) -> str | None:
    """Return how a record that could not be decoded calls itself: by its JSON, its headers or its key; else None."""
    try:
        fields = orjson.loads(record.value or b"")
    except orjson.JSONDecodeError:
        fields = None
    claim = fields.get("id") if isinstance(fields, dict) else None
    return claim if isinstance(claim, str) and claim else outer_id(record)


def outer_id(record: Record) -> str | None:
    """Return what a record is called without a look at its value, which may be dangerous: by a header or its key."""
    return header(record.headers, names.CE_ID) or (record.key or b"").decode(errors="replace") or None


def decode(record: Record, model: type[ModelT]) -> ModelT:
    """Return the document that an earlier stage wrote. Raises Rejected when the value is no such document."""
    if record.value is None:
        raise Rejected(Reason.NULL_VALUE, f"value: expected a {model.__name__}, got null")
    try:
        return model.model_validate_json(record.value)
    except ValidationError as error:
        raise Rejected(Reason.INVALID_DOCUMENT, explanation(error)) from None


def encode(document: CleanDocument, topic: Topic, *, origin: str, trace: Headers = ()) -> Output:
    """
    Return the record of a document in an output topic; `origin` and `trace` are those of `origin_and_trace`.

    A field without a value is left out of the JSON. Header values are the document's own text as UTF-8, neither cut
    nor escaped, so `ce_source` is a URI only where the producer's `source` was one.
    Raises Rejected when the value would be over 12 MiB, or all of the record over what a topic takes.
    """
    assert topic.model is type(document), f"{topic.name} does not hold a {type(document).__name__}"
    value = document.model_dump_json(exclude_none=True).encode()
    if len(value) > MAX_OUTPUT_VALUE_BYTES:
        raise Rejected(
            Reason.OUTPUT_TOO_LARGE,
            f"{topic.name}: the value is {len(value)} bytes, expected at most {MAX_OUTPUT_VALUE_BYTES}",
        )
    output = Output(topic.name, document.id.encode(), value, (*_headers(document, origin), *_trace(trace)))
    if (size_bytes := _size_bytes(output)) > MAX_OUTPUT_BYTES:
        raise Rejected(
            Reason.OUTPUT_TOO_LARGE,
            f"{topic.name}: the record is {size_bytes} bytes, expected at most {MAX_OUTPUT_BYTES}",
        )
    return output


def encode_raw(document: RawDocument) -> Output:
    """
    Return the record with which a producer publishes a document; without an id it gets a derived one.

    Raises Rejected where the worker or the broker would refuse it: a body over 8 MiB, a record over 12 MiB, text that
    UTF-8 cannot say.
    """
    body_bytes = _body_bytes(document)
    if body_bytes > MAX_BODY_BYTES:
        raise Rejected(Reason.TOO_LARGE, f"body: {body_bytes} bytes, expected at most {MAX_BODY_BYTES}")
    identity = document_id(document, ce_id=None, key=None)
    identified = document if document.id == identity else document.model_copy(update={"id": identity})
    try:
        value = identified.model_dump_json(exclude_none=True).encode()
    except PydanticSerializationError as error:
        raise Rejected(
            Reason.INVALID_DOCUMENT, f"document: expected Unicode text, got lone surrogates: {error}"
        ) from None
    output = Output(RAW.name, identity.encode(), value, ((names.CONTENT_TYPE, b"application/json"),))
    if (size_bytes := _size_bytes(output)) > MAX_RAW_BYTES:
        raise Rejected(Reason.TOO_LARGE, f"record: {size_bytes} bytes once encoded, expected at most {MAX_RAW_BYTES}")
    return output


def origin_and_trace(record: Record, topic: Topic) -> tuple[str, Headers]:
    """
    Return what every output carries on: where the raw record stands, and the headers of its trace.

    A record that an earlier stage wrote has its `tagwire-origin` already; what a producer writes there is not believed.
    """
    origin = None if topic is RAW else header(record.headers, names.ORIGIN)
    known = origin is not None and _ORIGIN.fullmatch(origin)
    return (origin if origin is not None and known else record.origin), _trace(record.headers)


def received_at(record: Record) -> datetime:
    """
    Return the record's timestamp, in UTC.

    Producers set it and may be wrong by a factor of a thousand: what lies outside the years 1970 to 9999 is moved to
    the nearer end.
    """
    return _EPOCH + timedelta(milliseconds=min(max(record.timestamp_ms, 0), _LAST_TIMESTAMP_MS))


def dead_letter(
    record: Record, *, reason: Reason, stage: str, message: str, exception: BaseException | None, group: str
) -> Output:
    """
    Return the dead letter of a record: its key, value and headers verbatim, and why it died in further headers.

    Of a record that died before, the earlier `kafka_dlt-*` and `dlq-*` headers are replaced, so they never pile up;
    only the replay count is kept. Without an exception there is no class and no stack trace. A null key of a null
    value becomes an empty one, because aiokafka's `send`, with which it is put back, refuses a record that has neither.
    A record that is larger than a topic of ours takes, as one that was compressed a thousandfold, is left where it is:
    its dead letter has no value, says so in `dlq-value-left-out`, and names topic, partition and offset as ever.
    """
    replays = header(record.headers, names.DLQ_REPLAY_COUNT)
    added = {
        names.DLT_TOPIC: record.topic,
        names.DLT_PARTITION: str(record.partition),
        names.DLT_OFFSET: str(record.offset),
        names.DLT_TIMESTAMP: str(record.timestamp_ms),
        names.DLT_GROUP: group,
        names.DLT_MESSAGE: message[:MESSAGE_LENGTH],
        names.DLQ_REASON: reason.value,
        names.DLQ_STAGE: stage,
        names.DLQ_REPLAY_COUNT: replays if replays and _REPLAY_COUNT.fullmatch(replays) else "0",
    }
    if exception is not None:
        added[names.DLT_EXCEPTION] = f"{type(exception).__module__}.{type(exception).__qualname__}"
        added[names.DLT_STACKTRACE] = "".join(traceback.format_exception(exception))[-STACKTRACE_LENGTH:]
    kept = tuple(pair for pair in record.headers if not pair[0].startswith(_DEAD_LETTER_PREFIXES))
    # A message may quote whatever text made a step fail, lone surrogates included.
    told = tuple((name, value.encode(errors="backslashreplace")) for name, value in added.items())
    key = b"" if record.key is None and record.value is None else record.key
    letter = Output(DEAD_LETTER.name, key, record.value, (*kept, *told))
    if _size_bytes(letter) <= MAX_OUTPUT_BYTES:
        return letter
    left_out = (names.DLQ_VALUE_LEFT_OUT, str(len(record.value or b"")).encode())
    own = letter.headers[-len(added) :]
    return Output(DEAD_LETTER.name, (key or b"")[:MESSAGE_LENGTH], None, (*own, left_out))


def _headers(document: CleanDocument, origin: str) -> Headers:
    told = {
        names.CE_SPECVERSION: "1.0",
        names.CE_ID: f"{document.id}:{document.version}",
        names.CE_SOURCE: document.source,
        names.CE_TYPE: f"tagwire.document.{_STAGES[type(document)]}.v1",
        names.CE_TIME: document.received_at.isoformat().replace("+00:00", "Z"),
        names.CONTENT_TYPE: "application/json",
    }
    if isinstance(document, ClassifiedDocument):
        told[names.TAGS] = ",".join(tag.id for tag in document.tags)
    if isinstance(document, EnrichedDocument):
        told[names.LANGUAGE] = document.language
    told[names.ORIGIN] = origin
    return tuple((name, value.encode()) for name, value in told.items())


def _trace(headers: Headers) -> Headers:
    # Longer ones are no trace context, and would be copied from record to record without an end; repeated ones, too.
    last = {name: value for name, value in headers if name in _TRACE and value and len(value) <= _TRACE_MAX_BYTES}
    return tuple(last.items())


def _body_bytes(document: RawDocument) -> int:
    if document.body is not None:
        # As many characters are at least as many bytes, and need no copy to be counted.
        characters = len(document.body)
        return characters if characters > MAX_BODY_BYTES else len(document.body.encode(errors="surrogatepass"))
    return len(document.body_base64 or b"")


def _size_bytes(output: Output) -> int:
    headers = sum(len(name.encode()) + len(value or b"") + _HEADER_FRAMING_BYTES for name, value in output.headers)
    return len(output.key or b"") + len(output.value or b"") + headers + _FRAMING_BYTES
