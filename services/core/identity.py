"""RawDocument, its record's key and `ce_id` -> the document's id: the same on every replay, never from the page."""

import re
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from schemas.dead_letters import Reason
from schemas.documents import MAX_ID_LENGTH, RawDocument
from services.core.rejections import Rejected

# 128 bits: among 10 ** 12 documents, a collision has odds of about 1 in 10 ** 15.
_DIGEST_LENGTH: Final = 32

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

# Who sent the reader, never which page is shown: the names that campaign tools and link decorators append.
_TRACKING: Final = re.compile(
    r"utm_.*|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid|mc_cid|mc_eid|_ga|_gl",
    re.IGNORECASE,
)
_ESCAPE: Final = re.compile(r"%[0-9a-fA-F]{2}")
_SPACE_OR_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]+")


def document_id(document: RawDocument, *, ce_id: str | None, key: bytes | None) -> str:
    """
    Return the body's id, else `ce_id`, else the key, else one derived from source and url, else from source and body.

    A blank one counts as absent. A `ce_id` over 512 characters, or a key that is longer or no UTF-8, still names its
    document: the id is then `ce-` or `key-` and a hash of it. Derived ids begin with `url-` or `body-`.
    Raises Rejected for a withdrawn document that has none of them, for it would withdraw nothing.
    """
    if document.id is not None and document.id.strip():
        return document.id
    if ce_id is not None and ce_id.strip():
        return ce_id if len(ce_id) <= MAX_ID_LENGTH else _derived("ce", _bytes(ce_id))
    if key is not None and (key_id := _id_from_key(key)).strip():
        return key_id
    source = _bytes(document.source)
    if document.url is not None and (url := normalised_url(document.url)):
        return _derived("url", source, _bytes(url))
    body = document.body_base64 if document.body is None else _bytes(document.body)
    if body is None:
        raise Rejected(
            Reason.INVALID_DOCUMENT, "id: expected one, or a record key or url, in a document without a body; got none"
        )
    return _derived("body", source, body)


def normalised_url(url: str) -> str:
    """
    Return one spelling for the spellings of an address that always lead to the same page.

    Scheme and host in lower case, no default port, `/` for an empty path, escapes in upper case, no fragment unless it
    names the page (`#!/story/1`, `#/story/1`), no tracking parameters, the others sorted by name. `http` and `https`,
    `www.` and the trailing slash stay as they are: they may lead to two pages. Idempotent; what cannot be parsed is
    returned without its spaces.
    """
    # No address holds a blank or a control character; those come from line-wrapped mails and hand-written feeds.
    bare = _SPACE_OR_CONTROL.sub("", url)
    try:
        parts = urlsplit(bare)
        host = _normalised_host(parts.scheme, parts.netloc)
    except ValueError:
        return bare
    query = "&".join(sorted(_kept_parameters(parts.query), key=lambda parameter: parameter.partition("=")[0]))
    path = parts.path or ("/" if host else "")
    fragment = parts.fragment if parts.fragment.startswith(("!", "/")) else ""
    return _ESCAPE.sub(
        lambda escape: escape[0].upper(),
        "".join(
            (
                f"{parts.scheme}:" if parts.scheme else "",
                f"//{host}" if host or path.startswith("//") else "",
                path,
                f"?{query}" if query else "",
                f"#{fragment}" if fragment else "",
            )
        ),
    )


def _id_from_key(key: bytes) -> str:
    try:
        text = key.decode()
    except UnicodeDecodeError:
        return _derived("key", key)
    return text if len(text) <= MAX_ID_LENGTH else _derived("key", key)


def _derived(prefix: str, *parts: bytes) -> str:
    digest = sha256()
    for part in parts:
        # The length keeps ("ab", "c") apart from ("a", "bc").
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return f"{prefix}-{digest.hexdigest()[:_DIGEST_LENGTH]}"


def _bytes(text: str) -> bytes:
    # Text made in Python may hold lone surrogates, and an id is wanted even so.
    return text.encode(errors="surrogatepass")


def _normalised_host(scheme: str, netloc: str) -> str:
    login, at, address = netloc.rpartition("@")
    host, colon, port = address.lower().rpartition(":")
    # A colon inside the brackets of an IPv6 address is no port's; one more outside of them means nothing at all.
    if not colon or port.endswith("]") or ":" in host.rpartition("]")[2]:
        return f"{login}{at}{address.lower()}"
    if not port or (port.isdecimal() and int(port[:6]) == _DEFAULT_PORTS.get(scheme)):
        return f"{login}{at}{host}"
    return f"{login}{at}{host}:{port}"


def _kept_parameters(query: str) -> list[str]:
    return [
        parameter
        for parameter in query.split("&")
        if parameter and not _TRACKING.fullmatch(parameter.partition("=")[0])
    ]
