"""A page -> Article: main text by trafilatura, metadata, and the visible blocks that were left out."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from lxml import etree
from lxml.html import HTMLParser, HtmlElement, document_fromstring
from trafilatura import bare_extraction

from schemas.dead_letters import Reason
from schemas.documents import RemovedReason
from services.core.article import Article, gist, one_line, removed
from services.core.clutter import clutter
from services.core.dateline import split_dateline
from services.core.encoding import settle
from services.core.page_metadata import page_metadata
from services.core.rejections import Rejected

_DEEPEST: Final = 200
"""Elements in each other. Beyond, their text is kept and their tags are not: the extractor recurses."""
_MOST_ELEMENTS: Final = 40_000
"""The largest news pages have 10,000. Beyond, the simple way is taken: the extractor may be quadratic."""
_MAX_BLOCKS: Final = 5_000
"""Visible blocks looked at for what was left out."""
_SHORTEST_PARAGRAPH: Final = 40
_LONGEST_HIGHLIGHT: Final = 300
_MAX_HIGHLIGHTS: Final = 10

_UNSEEN: Final = frozenset(
    {
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "math",
        "iframe",
        "object",
        "head",
        "select",
        "textarea",
        "datalist",
    }
)
_BLOCK_TAGS: Final = frozenset(
    """
    address article aside blockquote body br button caption dd details div dl dt fieldset figcaption figure footer form h1
    h2 h3 h4 h5 h6 header hr html li main nav ol option p pre section summary table tbody td tfoot th thead tr ul video
    """.split()  # noqa: SIM905  # words read better as words
)
_AROUND: Final = frozenset({"nav", "footer", "aside", "header", "form", "button", "figcaption"})
_HIGHLIGHT_LISTS: Final = """
    //*[contains(@class, 'highlights') or contains(@class, 'key-points') or contains(@class, 'keypoints')
        or contains(@class, 'key-takeaways') or contains(@id, 'highlights')][.//li][count(.//li) <= 10]
"""


class _Block(NamedTuple):
    text: str
    tag: str
    """Of the nearest element that is a block."""
    around: str | None
    """The nearest element about it that holds no article: navigation, footer, caption."""


def page(html: str, *, title: str | None = None) -> Article:
    """
    Return the article in a settled page.

    `title` is the producer's, where there is one. Raises Rejected (no_text) where the page holds no article.
    """
    tree = _parsed(html)
    metadata = page_metadata(tree)
    blocks = list(_visible_blocks(tree))
    highlights = _highlights(tree)
    lines = _main_text(tree) or _simple_text(blocks)
    paragraphs, dropped = _body(lines, titles=(title, metadata.title), highlights=highlights)
    if not paragraphs:
        raise Rejected(Reason.NO_TEXT, f"page of {len(html)} characters holds no article text")
    dateline, paragraphs[0] = split_dateline(paragraphs[0])
    told = {gist(text) for text in (*lines, *highlights, title or "", metadata.title or "")}
    return Article(
        paragraphs=tuple(paragraphs),
        title=metadata.title,
        highlights=highlights,
        byline=metadata.byline,
        dateline=dateline,
        published_at=metadata.published_at,
        site_name=metadata.site_name,
        language=metadata.language,
        removed=removed([*dropped, *_left_out(blocks, lines, told)]),
    )


def _parsed(html: str) -> HtmlElement:
    # Given as bytes, so that an XML declaration of another encoding is no error. lxml has no network here,
    # and its HTML parser knows no entities but HTML's own.
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False, huge_tree=True)
    try:
        tree = document_fromstring(html.encode(), parser=parser, ensure_head_body=False)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise Rejected(Reason.NO_TEXT, f"page of {len(html)} characters holds no markup that can be read") from error
    _flatten(tree)
    return tree


def _flatten(tree: HtmlElement) -> None:
    """Take the tags off all that lies deeper than `_DEEPEST`, and keep its text."""
    depth = 0
    too_deep = []
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if event == "start" and depth == _DEEPEST and len(element):
            too_deep.append(element)
    for element in too_deep:
        etree.strip_elements(element, *_UNSEEN, with_tail=False)
        etree.strip_tags(element, "*")


def _main_text(tree: HtmlElement) -> list[str]:
    """Return trafilatura's paragraphs; empty where it finds none, fails, or would take too long."""
    if sum(1 for _ in tree.iter()) > _MOST_ELEMENTS:
        return []
    try:
        # Its own metadata is left off: it costs as much again, and dates by the clock.
        # Balanced with tables measured best: F1 .966 on article-extraction-benchmark, .955 without them.
        document = bare_extraction(tree, include_comments=False, include_tables=True, with_metadata=False)
    except (RecursionError, ValueError, TypeError, AttributeError, IndexError, KeyError, etree.LxmlError):
        return []
    text = getattr(document, "text", None) or ""
    return [line for raw in settle(text).split("\n") if (line := one_line(raw))]


def _simple_text(blocks: list[_Block]) -> list[str]:
    """Return what reads like paragraphs; where nothing does, every block that is not around an article."""
    inside = [block for block in blocks if block.around is None]
    paragraphs = [block.text for block in inside if len(block.text) >= _SHORTEST_PARAGRAPH]
    return paragraphs or [block.text for block in inside]
