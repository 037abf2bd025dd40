"""
The value and headers of a raw record -> RawDocument.

It comes in one of three forms: an envelope (a RawDocument as JSON), a bare body described by its headers, or a
CloudEvent in structured mode that holds either.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
from pydantic import BaseModel, Field, ValidationError

from schemas import headers as names
from schemas.dead_letters import Reason
from schemas.documents import Base64Bytes, MediaType, RawDocument
from services.core.rejections import Rejected
from services.kafka.records import Headers, header
from services.kafka.validation import explanation, shown

UNKNOWN_SOURCE: Final = "unknown"
"""The source of a bare body that has no `ce_source` header."""

_BOM: Final = b"\xef\xbb\xbf"
_JSON_SPACE: Final = b" \t\r\n"
# No article begins with `{"`, so this is JSON that broke; `{Reuters} - ` and `{{ template }}` are text.
_OPENS_OBJECT: Final = re.compile(rb'\{[ \t\r\n]*"')
_STRUCTURED: Final = "application/cloudevents"
_STRUCTURED_JSON: Final = "application/cloudevents+json"
_MEDIA_TYPES: Final = {
    "text/html": MediaType.HTML,
    "application/xhtml+xml": MediaType.HTML,
    "text/plain": MediaType.PLAIN,
}


@dataclass(frozen=True, slots=True)
class Content:
    """What a raw record says, once a CloudEvent's wrapping is off."""

    value: bytes
    media_type: str
    """Lower case, without parameters; empty when not declared."""
    charset: str | None
    ce_id: str | None
    ce_source: str | None

    @property
    def is_declared_json(self) -> bool:
        return self.media_type == "application/json" or self.media_type.endswith("+json")

    @property
    def is_declared_text(self) -> bool:
        return self.media_type.startswith("text/")


class _CloudEvent(BaseModel):
    """A CloudEvents 1.0 event in JSON."""

    specversion: Literal["1.0"]
    id: str = Field(min_length=1)
    source: str = Field(min_length=1)
    type: str = Field(min_length=1)
    datacontenttype: str = "application/json"
    data: Any = None
    data_base64: Base64Bytes | None = None


def content_of(value: bytes, headers: Headers) -> Content:
    """Return what the headers tell of a value that is not empty. Raises Rejected for an event that is none."""
    media_type, charset = _parsed_content_type(header(headers, names.CONTENT_TYPE) or "")
    if media_type.startswith(_STRUCTURED):
        return _unwrapped(value, media_type)
    return Content(value, media_type, charset, header(headers, names.CE_ID), header(headers, names.CE_SOURCE))


def document_in(content: Content) -> RawDocument:
    """
    Return the document as it came; its `id` may be absent.

    Raises Rejected for an envelope that breaks the model, and for JSON that broke: a value that begins with `{"`, or
    is declared as JSON, is never taken for an article.
    """
    if content.is_declared_text:
        return _bare_body(content)
    text = _trimmed(content.value)
    if not text.startswith(b"{"):
        if content.is_declared_json:
            raise Rejected(
                Reason.INVALID_DOCUMENT,
                f"value: expected a JSON object, as content-type says; got {shown(text)}",
            )
        return _bare_body(content)
    try:
        fields = _members(text)
    except orjson.JSONDecodeError as error:
        if content.is_declared_json or _OPENS_OBJECT.match(text):
            raise Rejected(Reason.INVALID_DOCUMENT, f"value: expected a JSON object; {error}") from None
        return _bare_body(content)
    try:
        return RawDocument.model_validate(fields)
    except ValidationError as error:
        raise Rejected(Reason.INVALID_DOCUMENT, explanation(error)) from None


def _trimmed(value: bytes) -> bytes:
    return value.removeprefix(_BOM).strip(_JSON_SPACE)


def _parsed_content_type(content_type: str) -> tuple[str, str | None]:
    media_type, *parameters = content_type.split(";")
    charset = None
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip("\"'") or None
    return media_type.strip().lower(), charset


def _unwrapped(value: bytes, media_type: str) -> Content:
    if media_type != _STRUCTURED_JSON:
        raise Rejected(
            Reason.INVALID_DOCUMENT,
            f"content-type: expected one event as {_STRUCTURED_JSON}, got {shown(media_type)}",
        )
    text = _trimmed(value)
    if not text.startswith(b"{"):
        raise Rejected(Reason.INVALID_DOCUMENT, f"value: expected a CloudEvent as a JSON object, got {shown(text)}")
    try:
        event = _CloudEvent.model_validate(_members(text))
    except orjson.JSONDecodeError as error:
        raise Rejected(Reason.INVALID_DOCUMENT, f"value: expected a CloudEvent as a JSON object; {error}") from None
    except ValidationError as error:
        raise Rejected(Reason.INVALID_DOCUMENT, explanation(error)) from None
    data_type, charset = _parsed_content_type(event.datacontenttype)
    if event.data_base64 is not None:
        data = event.data_base64
    elif isinstance(event.data, dict) and not data_type.startswith("text/"):
        data, data_type = orjson.dumps(event.data), "application/json"
    elif isinstance(event.data, str):
        # The text is Unicode by now, whatever it was encoded in when the type was written; and JSON says no media type.
        data, charset = event.data.encode(), "utf-8"
        data_type = "" if data_type == "application/json" else data_type
    elif event.data is None:
        data = b""
    else:
        raise Rejected(
            Reason.INVALID_DOCUMENT,
            f"data: expected an object, or text, as datacontenttype says; got {shown(event.data)}",
        )
    if not data:
        raise Rejected(Reason.EMPTY_BODY, "data: expected a document, got none")
    return Content(data, data_type, charset, event.id, event.source)


def _bare_body(content: Content) -> RawDocument:
    try:
        described = RawDocument.model_validate(
            {
                "source": content.ce_source or UNKNOWN_SOURCE,
                "media_type": _MEDIA_TYPES.get(content.media_type),
                "charset": content.charset,
                "body_base64": b"",
            }
        )
    except ValidationError as error:
        raise Rejected(Reason.INVALID_DOCUMENT, explanation(error)) from None
    # The field is validated from base64; these bytes need no such detour.
    return described.model_copy(update={"body_base64": content.value})


class _RepeatedNameError(ValueError):
    """An object has two members of one name."""


def _members(text: bytes) -> dict[str, Any]:
    """
    Parse a JSON object that has neither BOM nor surrounding space.

    Raises orjson.JSONDecodeError when it is no JSON (nor is one with NaN, lone surrogates or bytes that are not UTF-8),
    and Rejected when a name is repeated or the nesting is deep: parsers differ about those, and a document must mean
    the same to everyone.
    """
    members: dict[str, Any] = orjson.loads(text)
    try:
        shortest = orjson.dumps(members)
    except TypeError:
        raise Rejected(Reason.INVALID_DOCUMENT, "value: expected a JSON object, got one nested over 254 deep") from None
    # orjson keeps the last of repeated members and writes the shortest form: an equal length says that none was lost.
    # Only where a producer writes blanks or escapes, the slower parser has to look: 9 us for 5 KB instead of 2.
    if len(shortest) != len(text):
        try:
            json.loads(text.decode(), object_pairs_hook=_without_repeated_names)
        except _RepeatedNameError as error:
            raise Rejected(Reason.INVALID_DOCUMENT, str(error)) from None
    return members


def _without_repeated_names(members: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            raise _RepeatedNameError(f"{shown(name)}: expected once in its object, got it twice")
        seen.add(name)
