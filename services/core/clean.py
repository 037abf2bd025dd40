"""RawDocument -> CleanDocument: decode, take the article out of its page or text, drop the rest with reasons."""

import re
from datetime import datetime
from importlib.metadata import version
from typing import Final

from schemas.dead_letters import Reason
from schemas.documents import CleanDocument, DateOrigin, MediaType, PublishedAt, RawDocument, Status
from schemas.topics import MAX_BODY_BYTES
from services.core.article import Article, one_line
from services.core.encoding import composed, decode, is_plain, require_text, settle, writable
from services.core.html import page
from services.core.rejections import Rejected
from services.core.scraped_text import scraped_text

PIPELINE_VERSION: Final = version("tagwire")

_SNIFFED: Final = 4096
"""Characters in which a page shows that it is one."""
_OPENS_AS_PAGE: Final = re.compile(
    r"<(?:!--|(?:!doctype|\?xml|html|head|body|meta|title|article|section|main|div|p|h[1-6]|table|ul|script|span)[\s>/])",
    re.IGNORECASE,
)
_PAGE_TAG: Final = re.compile(r"<(?:!doctype html|html|body|head|article)\b[^<>]{0,2000}>", re.IGNORECASE)
_BLOCK_END: Final = re.compile(r"</(?:p|div|h[1-6]|li|td)>", re.IGNORECASE)
_ANY_TAG: Final = re.compile(r"<[a-z!/?]", re.IGNORECASE)


def clean(document: RawDocument, *, received_at: datetime) -> CleanDocument:
    """
    Return the document without its clutter.

    Its id is set by now. What the producer says of title, date and language wins over the page.
    A withdrawn document passes with an empty text. Raises Rejected: empty_body, too_large, not_text, no_text.
    """
    assert document.id is not None
    title = one_line(settle(document.title)) if document.title else None
    article = Article(paragraphs=()) if document.status is Status.WITHDRAWN else _article(document, title)
    return CleanDocument(
        id=document.id,
        source=document.source,
        url=document.url,
        version=document.version,
        status=document.status,
        title=title or article.title,
        text="\n\n".join(article.paragraphs),
        highlights=article.highlights,
        byline=article.byline,
        dateline=article.dateline,
        published_at=_published_at(document, article),
        site_name=article.site_name,
        language_hint=document.language or article.language,
        removed=article.removed,
        pipeline_version=PIPELINE_VERSION,
        received_at=received_at,
        meta=document.meta,
    )


def _article(document: RawDocument, title: str | None) -> Article:
    text = _text(document)
    is_page = _is_page(text) if document.media_type is None else document.media_type is MediaType.HTML
    # A body called HTML that holds no tag is plain text: its line breaks are then all that sets it out.
    if is_page and _ANY_TAG.search(text):
        return page(text, title=title)
    if not any(map(str.isalnum, text)):
        raise Rejected(Reason.NO_TEXT, f"body of {len(text)} characters holds no word")
    return scraped_text(composed(text), title=title)


def _text(document: RawDocument) -> str:
    """Return the body as text, with nothing in it that cannot be written."""
    body = document.body_base64 if document.body is None else document.body
    if body is None or not body.strip():
        raise Rejected(Reason.EMPTY_BODY, f"body is {len(body or '')} characters of white space, expected text")
    size = len(body) if isinstance(body, bytes) else len(body.encode("utf-8", "surrogatepass"))
    if size > MAX_BODY_BYTES:
        raise Rejected(Reason.TOO_LARGE, f"body is {size} bytes, expected at most {MAX_BODY_BYTES}")
    text = decode(body, document.charset) if isinstance(body, bytes) else body
    if not is_plain(text):
        require_text(text)
        text = writable(text)
    if not text.strip():
        raise Rejected(Reason.EMPTY_BODY, "body is white space once decoded, expected text")
    return text


def _is_page(text: str) -> bool:
    start = text[:_SNIFFED]
    if _PAGE_TAG.search(start):
        return True
    return _OPENS_AS_PAGE.match(start.lstrip()) is not None and _BLOCK_END.search(text) is not None


def _published_at(document: RawDocument, article: Article) -> PublishedAt | None:
    if document.published_at is not None:
        return PublishedAt(value=document.published_at, origin=DateOrigin.PRODUCER)
    if article.published_at is not None:
        return PublishedAt(value=article.published_at, origin=DateOrigin.PAGE)
    return None
