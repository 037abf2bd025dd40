"""A parsed page -> what it says about itself: title, byline, date, site, language."""

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain, islice
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from services.core.article import gist, one_line
from services.core.encoding import settle

_MAX_SCRIPTS: Final = 20
_MAX_NODES: Final = 5_000
"""JSON values looked at in one page's JSON-LD."""
_LONGEST_TITLE: Final = 500
_LONGEST_BYLINE: Final = 200
_LONGEST_SITE_NAME: Final = 100

_ARTICLE_TYPE: Final = re.compile(r"(?:Article|Posting|Report|Reportage|Review|Recipe|WebPage)$")
_MAIN_TYPE: Final = re.compile(r"(?:Article|Posting|Report|Reportage)$")
_TITLE_NAMES: Final = ("og:title", "twitter:title", "dc.title", "parsely-title", "sailthru.title", "headline")
_DATE_NAMES: Final = (
    *("article:published_time", "og:article:published_time", "datepublished", "parsely-pub-date", "sailthru.date"),
    *("article.published", "dc.date.issued", "dcterms.created", "dc.date", "pubdate", "publishdate", "publish-date"),
    *("publish_date", "cxenseparse:recs:publishtime", "date", "article:published", "citation_publication_date"),
)
_BYLINE_NAMES: Final = (
    "author",
    "byl",
    "parsely-author",
    "sailthru.author",
    "dc.creator",
    "article:author",
    "citation_author",
)
_SHOWN_BYLINES: Final = etree.XPath("//*[@rel='author' or @itemprop='author' or contains(@class, 'byline')]")
_SITE_NAMES: Final = ("og:site_name", "application-name", "apple-mobile-web-app-title")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_SITE_SUFFIX: Final = re.compile(r"\s+[|–—·•»:-]\s+")
_BY: Final = re.compile(r"(?:written )?by[\s:]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageMetadata:
    """What the page declares. None: it does not say, or nothing that can be read."""

    title: str | None
    byline: str | None
    published_at: datetime | None
    site_name: str | None
    language: str | None


def page_metadata(tree: etree._Element) -> PageMetadata:
    """Return what the page says about itself: JSON-LD first, then `<meta>`, then what is seen."""
    declared = _declared(tree)
    article = _json_ld_article(tree)
    site_name = _first(declared, _SITE_NAMES) or _names(article.get("publisher"))
    if site_name and len(site_name) > _LONGEST_SITE_NAME:
        site_name = None
    return PageMetadata(
        title=_title(tree, declared, article, site_name),
        byline=_byline(tree, declared, article),
        published_at=_published_at(tree, declared, article),
        site_name=site_name,
        language=_language(tree, declared, article),
    )


def _declared(tree: etree._Element) -> dict[str, str]:
    """Return the page's `<meta>` by name in lower case, the first of a name."""
    declared: dict[str, str] = {}
    for meta in tree.iter("meta"):
        content = one_line(settle(meta.get("content") or ""))
        for attribute in ("property", "name", "itemprop", "http-equiv"):
            if content and (name := meta.get(attribute)):
                declared.setdefault(name.strip().lower(), content)
    return declared


def _json_ld_article(tree: etree._Element) -> dict[str, object]:
    """Return the first object of an article's type in the page's JSON-LD; empty where there is none."""
    found: dict[str, object] = {}
    for node in _json_ld_nodes(tree):
        kinds = node.get("@type")
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            if isinstance(kind, str) and _MAIN_TYPE.search(kind):
                return node
            if isinstance(kind, str) and _ARTICLE_TYPE.search(kind) and not found:
                found = node
    return found


def _json_ld_nodes(tree: etree._Element) -> Iterator[dict[str, object]]:
    """Yield the objects of the page's JSON-LD, outer ones first, up to a bound."""
    waiting: deque[object] = deque()
    scripts = (script for script in tree.iter("script") if "ld+json" in (script.get("type") or ""))
    for script, _ in zip(scripts, range(_MAX_SCRIPTS), strict=False):
        try:
            waiting.append(json.loads(script.text or "", strict=False))
        except (ValueError, RecursionError):
            continue
    for _ in range(_MAX_NODES):
        if not waiting:
            return
        node = waiting.popleft()
        if isinstance(node, dict):
            yield node
            waiting.extend(value for value in node.values() if isinstance(value, dict | list))
        elif isinstance(node, list):
            waiting.extend(node[:_MAX_NODES])


def _title(
    tree: etree._Element, declared: dict[str, str], article: dict[str, object], site_name: str | None
) -> str | None:
    headings = [text for heading in tree.iter("h1") if 0 < len(text := _text(heading)) <= _LONGEST_TITLE]
    document_title = next((_text(title) for title in tree.iter("title")), "")
    candidates = [_string(article.get("headline")), _first(declared, _TITLE_NAMES), *headings[:1], document_title]
    titles = [title for candidate in candidates if candidate and gist(title := _without_site(candidate, site_name))]
    if not titles:
        return None
    # Where the page's one heading says what the declared title says, it is the fuller and tidier form.
    seen = next((heading for heading in headings if _agree(heading, titles[0])), None)
    return (seen or titles[0])[:_LONGEST_TITLE]


def _without_site(title: str, site_name: str | None) -> str:
    """Return the title without the site's name at its end: `Headline | The Daily News` -> `Headline`."""
    parts = _SITE_SUFFIX.split(title)
    if len(parts) == 1:
        return title
    site = gist(site_name) if site_name else ""
    tail = gist(parts[-1])
    if tail and site and (tail in site or site in tail):
        return title[: title.rfind(parts[-1])].rstrip(" |–—·•»:-")
    return title


def _agree(heading: str, title: str) -> bool:
    shorter, longer = sorted((gist(heading), gist(title)), key=len)
    return bool(shorter) and shorter in longer and len(shorter) >= len(longer) * 0.5


def _byline(tree: etree._Element, declared: dict[str, str], article: dict[str, object]) -> str | None:
    names = (_names(article.get("author")), _first(declared, _BYLINE_NAMES))
    for candidate in chain(names, _shown_bylines(tree)):
        name = _BY.sub("", candidate or "", count=1).strip(" ,;|")
        if name and len(name) <= _LONGEST_BYLINE and "://" not in name and any(map(str.isalpha, name)):
            return name
    return None


def _shown_bylines(tree: etree._Element) -> Iterator[str]:
    """Yield what reads like a byline; the page is searched only when the first is asked for."""
    yield from map(_text, _SHOWN_BYLINES(tree)[:5])


def _published_at(tree: etree._Element, declared: dict[str, str], article: dict[str, object]) -> datetime | None:
    shown = (element.get("datetime") for element in islice(tree.iterfind(".//time[@datetime]"), 1))
    names = (declared.get(name) for name in _DATE_NAMES)
    for candidate in chain((_string(article.get("datePublished")),), names, shown):
        if candidate and (moment := _moment(candidate)):
            return moment
    return None


def _moment(text: str) -> datetime | None:
    """Return the moment that an ISO 8601 or RFC 2822 date names; UTC where it names no zone."""
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text.strip())
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        if moment.year < 1900:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _language(tree: etree._Element, declared: dict[str, str], article: dict[str, object]) -> str | None:
    root = tree.getroottree().getroot()
    candidates = (
        *(root.get("lang"), root.get("xml:lang"), root.get("{http://www.w3.org/XML/1998/namespace}lang")),
        *(declared.get("content-language"), declared.get("og:locale"), _string(article.get("inLanguage"))),
    )
    for candidate in candidates:
        if candidate and _LANGUAGE.fullmatch(candidate.strip()):
            return candidate.strip().replace("_", "-")
    return None


def _names(value: object) -> str | None:
    """Return the names in a JSON-LD person, organisation, string or list of these."""
    values = value[:10] if isinstance(value, list) else [value]
    names = [_string(item.get("name")) if isinstance(item, dict) else _string(item) for item in values]
    return ", ".join(dict.fromkeys(name for name in names if name)) or None


def _string(value: object) -> str | None:
    return one_line(settle(value)) or None if isinstance(value, str) else None


def _first(declared: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((declared[name] for name in names if name in declared), None)


def _text(element: etree._Element) -> str:
    return one_line(settle("".join(element.itertext())))
