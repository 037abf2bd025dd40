"""RawDocument -> CleanDocument: every document comes out clean, or is rejected for a reason of its own."""

import base64
import contextlib
from datetime import UTC, datetime
from importlib.metadata import version

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dead_letters import Reason
from schemas.documents import CleanDocument, DateOrigin, MediaType, RawDocument, Status
from schemas.topics import MAX_BODY_BYTES
from services.core.clean import clean
from services.core.rejections import Rejected

NOW = datetime(2016, 2, 5, tzinfo=UTC)
FIRST = "The port reopened on Monday after three days of talks between the harbour board and the crews."
SECOND = "Ships had waited outside the breakwater since Friday, and two of them turned back for lack of fuel."
PAGE = (
    "<html lang='en'><head><title>Port reopens</title><meta name='date' content='2016-02-04'></head>"
    f"<body><article><h1>Port reopens</h1><p>{FIRST}</p><p>{SECOND}</p></article></body></html>"
)
TEXT = f"Port reopens\n\n{FIRST}\n\n{SECOND}\n"


def raw(body: str | bytes | None, **fields: object) -> RawDocument:
    if isinstance(body, bytes):
        fields["body_base64"] = base64.b64encode(body)
    else:
        fields["body"] = body
    return RawDocument.model_validate({"id": "a", "source": "test", **fields})


def cleaned(body: str | bytes | None, **fields: object) -> CleanDocument:
    return clean(raw(body, **fields), received_at=NOW)


@pytest.mark.parametrize("body", [PAGE, PAGE.encode(), TEXT, TEXT.encode("utf-16")])
@pytest.mark.parametrize("declared", [True, False])
def test_page_and_text_come_out_alike(body: str | bytes, declared: bool) -> None:
    is_page = body in (PAGE, PAGE.encode())
    media_type = (MediaType.HTML if is_page else MediaType.PLAIN) if declared else None
    document = cleaned(body, media_type=media_type)
    assert document.title == "Port reopens"
    assert document.text == f"{FIRST}\n\n{SECOND}"


def test_what_the_document_brings_is_carried_through() -> None:
    fields = {"url": "https://example.org/a", "version": 3, "meta": {"desk": "ports"}}
    document = cleaned(TEXT, **fields)
    assert (document.id, document.source) == ("a", "test")
    assert document.model_dump(include=set(fields)) == fields
    assert document.received_at == NOW
    assert document.pipeline_version == version("tagwire")


def test_the_producer_knows_better_than_the_page() -> None:
    document = cleaned(PAGE, title="Another title", language="en-GB", published_at="2016-01-01T00:00:00Z")
    assert (document.title, document.language_hint) == ("Another title", "en-GB")
    assert document.published_at is not None
    assert (document.published_at.value.month, document.published_at.origin) == (1, DateOrigin.PRODUCER)


def test_the_page_tells_where_the_producer_does_not() -> None:
    document = cleaned(PAGE)
    assert document.language_hint == "en"
    assert document.published_at is not None
    assert (document.published_at.value.month, document.published_at.origin) == (2, DateOrigin.PAGE)


@pytest.mark.parametrize(
    ("body", "media_type", "reason"),
    [
        pytest.param("", None, Reason.EMPTY_BODY, id="empty"),
        pytest.param(" \n\t\u00a0", None, Reason.EMPTY_BODY, id="white space"),
        pytest.param(b"", None, Reason.EMPTY_BODY, id="no bytes"),
        pytest.param("\ufeff \u200b", None, Reason.EMPTY_BODY, id="nothing that is seen"),
        pytest.param("a" * (MAX_BODY_BYTES + 1), None, Reason.TOO_LARGE, id="too large"),
        pytest.param("é" * (MAX_BODY_BYTES // 2 + 1), None, Reason.TOO_LARGE, id="too large in utf-8"),
        pytest.param(b"a" * (MAX_BODY_BYTES + 1), None, Reason.TOO_LARGE, id="too many bytes"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x10JFIF", None, Reason.NOT_TEXT, id="jpeg"),
        pytest.param(b"%PDF-1.4 text", MediaType.PLAIN, Reason.NOT_TEXT, id="pdf that says it is text"),
        pytest.param("\x00\x01\x02\x03 JFIF \x00\x01", None, Reason.NOT_TEXT, id="a picture as a string"),
        pytest.param("---\n***", None, Reason.NO_TEXT, id="no word"),
        pytest.param("<html><body></body></html>", None, Reason.NO_TEXT, id="a page without text"),
    ],
)
def test_a_document_that_cannot_be_cleaned_is_rejected(
    body: str | bytes, media_type: MediaType | None, reason: Reason
) -> None:
    with pytest.raises(Rejected) as rejection:
        cleaned(body, media_type=media_type)
    assert rejection.value.reason is reason
    assert rejection.value.message


@pytest.mark.parametrize("body", [None, "", TEXT, b"\xff\xd8\xff"])
def test_a_withdrawn_document_passes_without_text(body: str | bytes | None) -> None:
    document = cleaned(body, status=Status.WITHDRAWN, title="Port reopens", published_at="2016-01-01T00:00:00Z")
    assert (document.status, document.text, document.title) == (Status.WITHDRAWN, "", "Port reopens")
    assert document.published_at is not None


@pytest.mark.parametrize(
    ("body", "media_type", "text"),
    [
        pytest.param(f"{FIRST}\n{SECOND}", MediaType.HTML, f"{FIRST}\n\n{SECOND}", id="called html, without a tag"),
        pytest.param(f"{FIRST} a < b and c > d.", None, f"{FIRST} a < b and c > d.", id="a smaller-than sign"),
        pytest.param(f"<p>{FIRST}</p>", None, FIRST, id="a fragment"),
        pytest.param(f"\ufeff\n <!-- x --><div>{FIRST}</div>", None, FIRST, id="a comment first"),
        pytest.param(f"Use <b> for bold. {FIRST}", None, f"Use <b> for bold. {FIRST}", id="a tag in a text"),
    ],
)
def test_the_body_shows_what_it_is(body: str, media_type: MediaType | None, text: str) -> None:
    assert cleaned(body, media_type=media_type).text == text


def test_surrogates_from_json_escapes_do_not_reach_the_output() -> None:
    # pydantic refuses them; a document built in Python need not have passed it.
    document = raw(TEXT).model_copy(update={"body": f"\ud800{TEXT}", "title": "Port\udfff reopens"})
    result = clean(document, received_at=NOW)
    assert result.title == "Port reopens"
    assert result.model_dump_json().encode()


def test_eight_mebibytes_are_not_too_large() -> None:
    assert cleaned((FIRST + "\n") * (MAX_BODY_BYTES // (len(FIRST) + 1))).text.startswith(FIRST)


surrogates_too = st.characters(exclude_categories=())


@given(st.text(surrogates_too, max_size=300), st.sampled_from([None, *MediaType]))
@settings(max_examples=150, deadline=None)
def test_any_text_is_cleaned_or_rejected(body: str, media_type: MediaType | None) -> None:
    document = raw("x", media_type=media_type).model_copy(update={"body": body})
    try:
        result = clean(document, received_at=NOW)
    except Rejected:
        return
    assert result.text.strip()
    assert CleanDocument.model_validate_json(result.model_dump_json()) == result


@given(st.binary(max_size=300), st.sampled_from([None, *MediaType]), st.sampled_from([None, "utf-16", "gbk", "zlib"]))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_cleaned_or_rejected(body: bytes, media_type: MediaType | None, charset: str | None) -> None:
    with contextlib.suppress(Rejected):
        assert cleaned(body, media_type=media_type, charset=charset).text.strip()


some_words = st.lists(st.sampled_from(["port", "ship", "Monday", "night", "über", "字"]), min_size=9, max_size=30)
paragraphs = st.lists(some_words.map(lambda words: f"The {' '.join(words)} end."), min_size=1, max_size=5, unique=True)


@given(paragraphs, st.sampled_from(["", "Port reopens\n", "Port reopens\nBy Jane Doe\n02:31\n", "OSLO (AP) - "]))
@settings(max_examples=80, deadline=None)
def test_cleaning_what_is_clean_changes_nothing(body: list[str], clutter: str) -> None:
    # This holds for prose: short lines left at the head could pass for a title the second time.
    once = cleaned(clutter + "\n".join(body), media_type=MediaType.PLAIN)
    twice = cleaned(once.text, media_type=MediaType.PLAIN, title=once.title)
    assert once.text == "\n\n".join(body)
    assert (twice.text, twice.title) == (once.text, once.title)
    assert twice.removed == ()
