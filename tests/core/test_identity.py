from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letters import Reason
from schemas.documents import MAX_ID_LENGTH, RawDocument, Status
from services.core.identity import document_id, normalised_url
from services.core.rejections import Rejected

PAGE = RawDocument(source="cnn", url="https://cnn.com/a", body="text")
LONG = "x" * (MAX_ID_LENGTH + 1)


@pytest.mark.parametrize(
    ("body_id", "ce_id", "key", "expected"),
    [
        pytest.param("body", "event", b"key", "body", id="the body's id first"),
        pytest.param(None, "event", b"key", "event", id="else ce_id"),
        pytest.param(None, None, b"key", "key", id="else the key"),
        pytest.param("  ", "\t", b"key", "key", id="a blank one counts as absent"),
        pytest.param(None, "", "clé".encode(), "clé", id="a key is UTF-8"),
        pytest.param(" a ", None, None, " a ", id="an id is taken as it is, for it is the key too"),
        pytest.param("x" * MAX_ID_LENGTH, None, None, "x" * MAX_ID_LENGTH, id="the longest id"),
        pytest.param(None, None, b"x" * MAX_ID_LENGTH, "x" * MAX_ID_LENGTH, id="the longest key"),
    ],
)
def test_who_names_a_document(body_id: str | None, ce_id: str | None, key: bytes | None, expected: str) -> None:
    document = PAGE.model_copy(update={"id": body_id})
    assert document_id(document, ce_id=ce_id, key=key) == expected


@pytest.mark.parametrize(
    ("document", "ce_id", "key", "prefix"),
    [
        pytest.param(PAGE, LONG, b"key", "ce-", id="a ce_id that is too long"),
        pytest.param(PAGE, None, LONG.encode(), "key-", id="a key that is too long"),
        pytest.param(PAGE, None, b"\x00\x00\xff", "key-", id="a key that is no UTF-8: a number, a UUID, Avro"),
        pytest.param(PAGE, None, None, "url-", id="no name at all"),
        pytest.param(PAGE, None, b"", "url-", id="an empty key"),
        pytest.param(PAGE, None, "\u00a0".encode(), "url-", id="a blank key"),
        pytest.param(RawDocument(source="cnn", body="text"), None, None, "body-", id="no url"),
        pytest.param(RawDocument(source="cnn", body="text", url=" "), None, None, "body-", id="a blank url"),
        pytest.param(RawDocument(source="cnn", body="\ud800"), None, None, "body-", id="a lone surrogate"),
    ],
)
def test_an_id_is_derived(document: RawDocument, ce_id: str | None, key: bytes | None, prefix: str) -> None:
    derived = document_id(document, ce_id=ce_id, key=key)
    assert derived.startswith(prefix)
    assert len(derived) == len(prefix) + 32
    assert derived == document_id(document, ce_id=ce_id, key=key)


def test_a_derived_id_never_changes_from_release_to_release() -> None:
    assert document_id(PAGE, ce_id=None, key=None) == "url-103ae576f3e02624954d185efc221929"


def test_the_page_does_not_name_the_document() -> None:
    corrected = PAGE.model_copy(update={"body": '<link rel="canonical" href="https://other.example">', "title": "T"})
    assert document_id(corrected, ce_id=None, key=None) == document_id(PAGE, ce_id=None, key=None)


def test_the_same_page_from_two_sources_is_two_documents() -> None:
    other = PAGE.model_copy(update={"source": "ap"})
    assert document_id(other, ce_id=None, key=None) != document_id(PAGE, ce_id=None, key=None)


def test_source_and_body_do_not_run_together() -> None:
    first, second = RawDocument(source="a", body="bc"), RawDocument(source="ab", body="c")
    assert document_id(first, ce_id=None, key=None) != document_id(second, ce_id=None, key=None)


def test_text_and_its_bytes_are_the_same_body() -> None:
    text, encoded = RawDocument(source="a", body="é"), RawDocument(source="a", body_base64=b"w6k=")
    assert document_id(text, ce_id=None, key=None) == document_id(encoded, ce_id=None, key=None)


def test_a_withdrawal_must_say_of_what() -> None:
    with pytest.raises(Rejected, match="id: expected one") as caught:
        document_id(RawDocument(source="a", status=Status.WITHDRAWN), ce_id=None, key=None)
    assert caught.value.reason is Reason.INVALID_DOCUMENT


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("HTTP://CNN.com/A", "http://cnn.com/A", id="scheme and host in lower case, the path as it is"),
        pytest.param("https://cnn.com", "https://cnn.com/", id="an empty path"),
        pytest.param("https://cnn.com:443/a", "https://cnn.com/a", id="the default port"),
        pytest.param("http://cnn.com:/a", "http://cnn.com/a", id="an empty port"),
        pytest.param("http://cnn.com:443/a", "http://cnn.com:443/a", id="another scheme's port"),
        pytest.param("http://[::1]:80/a", "http://[::1]/a", id="a port after an IPv6 address"),
        pytest.param("http://[::1]/a", "http://[::1]/a", id="an IPv6 address"),
        pytest.param("http://Me:Pw@CNN.com/a", "http://Me:Pw@cnn.com/a", id="a login"),
        pytest.param("http://cnn.com:80:80/a", "http://cnn.com:80:80/a", id="two ports"),
        pytest.param("a://::", "a://::/", id="colons only"),
        pytest.param("http://cnn.com:p/a", "http://cnn.com:p/a", id="a port that is none"),
        pytest.param("https://cnn.com/a#top", "https://cnn.com/a", id="a fragment inside the page"),
        pytest.param("https://cnn.com/#!/a", "https://cnn.com/#!/a", id="a fragment that names the page"),
        pytest.param("https://cnn.com/#/a", "https://cnn.com/#/a", id="a single-page application"),
        pytest.param("https://cnn.com/a?b=2&a=1", "https://cnn.com/a?a=1&b=2", id="parameters by name"),
        pytest.param("https://cnn.com/a?b=2&b=1", "https://cnn.com/a?b=2&b=1", id="the order of one name's values"),
        pytest.param("https://cnn.com/a?", "https://cnn.com/a", id="an empty query"),
        pytest.param("https://cnn.com/a?&id=1&", "https://cnn.com/a?id=1", id="empty parameters"),
        pytest.param(
            "https://cnn.com/a?utm_source=x&fbclid=1&id=7&GCLID=2&UTM_medium", "https://cnn.com/a?id=7", id="tracking"
        ),
        pytest.param("https://cnn.com/a?gclidx=1", "https://cnn.com/a?gclidx=1", id="not quite tracking"),
        pytest.param("https://cnn.com/%c3%a9", "https://cnn.com/%C3%A9", id="escapes in upper case"),
        pytest.param(" https://cnn.com/\n  a ", "https://cnn.com/a", id="wrapped by a mail"),
        pytest.param("https://www.cnn.com/a/", "https://www.cnn.com/a/", id="www and a trailing slash stay"),
        pytest.param("urn:newsml:AFP:1", "urn:newsml:AFP:1", id="a URN"),
        pytest.param("http://[cnn.com/a", "http://[cnn.com/a", id="not to be parsed"),
        pytest.param("//cnn.com/a", "//cnn.com/a", id="without a scheme"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_url_is_normalised(url: str, expected: str) -> None:
    assert normalised_url(url) == expected


@given(st.text() | st.from_regex(r"https?://[a-zA-Z:@\[\]0-9.]*/?[/\w.%?&=#!; ]*", fullmatch=True))
def test_normalising_twice_is_normalising_once(url: str) -> None:
    once = normalised_url(url)
    assert normalised_url(once) == once


@given(st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=3)), unique_by=lambda pair: pair[0]))
def test_the_order_of_parameters_does_not_matter(pairs: list[tuple[str, str]]) -> None:
    parameters = [f"{name}={quote(value)}" for name, value in pairs]
    assert normalised_url("http://a/?" + "&".join(parameters)) == normalised_url(
        "http://a/?" + "&".join(reversed(parameters))
    )


@given(st.binary(min_size=1), st.none() | st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_every_key_and_ce_id_gives_a_usable_id(key: bytes, ce_id: str | None) -> None:
    identity = document_id(PAGE, ce_id=ce_id, key=key)
    assert identity.strip()
    assert len(identity) <= MAX_ID_LENGTH
