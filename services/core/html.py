"""A page -> Article: main text by trafilatura, metadata, and the visible blocks that were left out."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from lxml import etree  # type: ignore[import-untyped]
from lxml.html import HtmlElement, HTMLParser, document_fromstring  # type: ignore[import-untyped]
from trafilatura import bare_extraction

from schemas.dead_letters import Reason
from schemas.documents import RemovedReason
from services.core.article import Article, gist, one_line, removed
from services.core.clutter import clutter, is_label
from services.core.dateline import take_dateline
from services.core.encoding import settle
from services.core.page_metadata import page_metadata
from services.core.rejections import Rejected

_DEEPEST: Final = 200
"""Elements in each other. Beyond, text and paragraphs are kept and other tags are not: the extractor recurses."""
_MOST_ELEMENTS: Final = 15_000
"""The largest of a thousand news pages has 5,000. Beyond, the simple way is taken: the extractor may be quadratic."""
_MOST_ATTRIBUTES: Final = 500
"""In one tag. The parser compares each with all before it."""
_LONGEST_TAG: Final = 100_000
"""Characters. Every look at a class of a megabyte takes milliseconds."""
_SCANT_TEXT: Final = 250
"""Characters. The extractor is not content with less, and then takes what it finds, navigation too."""
_MAX_BLOCKS: Final = 5_000
"""Visible blocks looked at for what was left out."""
_MOST_TEXT: Final = 200_000
"""Characters of main text that blocks are looked up in; in a longer one, whole paragraphs only."""
_SHORTEST_PARAGRAPH: Final = 40
_DATELINE_WITHIN: Final = 3
"""Paragraphs. A standfirst may stand before the report."""
_TITLE_WITHIN: Final = 3
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
    address article aside blockquote body br button caption dd details div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hr html li main nav ol option p pre section summary table tbody td tfoot th thead tr ul
    """.split()  # noqa: SIM905  # words read better as words
)
_AROUND: Final = frozenset({"nav", "footer", "aside", "header", "form", "button", "figcaption"})
_HIGHLIGHT_LISTS: Final = """
    //*[contains(@class, 'highlights') or contains(@class, 'key-points') or contains(@class, 'keypoints')
        or contains(@class, 'key-takeaways') or contains(@id, 'highlights')][.//li][count(.//li) <= 10]
"""


_LONG_TAG: Final = re.compile(r"<([A-Za-z][A-Za-z0-9]*)([^<>]{5000,})>")


class _Block(NamedTuple):
    text: str
    tag: str
    """Of the nearest element that is a block."""
    around: str | None
    """The nearest element about it that holds no article: navigation, footer, caption."""


def page(html: str, *, title: str | None = None) -> Article:
    """
    Return the article in a page without control characters.

    `title` is the producer's, where there is one. Raises Rejected (no_text) where the page holds no article.
    """
    tree = _parsed(html)
    metadata = page_metadata(tree)
    blocks = list(_visible_blocks(tree))
    highlights = _highlights(tree)
    lines = _main_text(tree)
    if not lines or _is_only_around(lines, blocks):
        lines = _simple_text(blocks)
    paragraphs, dropped = _body(lines, titles=(title, metadata.title), highlights=highlights)
    if not paragraphs:
        raise Rejected(Reason.NO_TEXT, f"page of {len(html)} characters holds no article text")
    dateline, paragraphs = take_dateline(paragraphs, within=_DATELINE_WITHIN)
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
        tree = document_fromstring(_LONG_TAG.sub(_few_attributes, html).encode(), parser=parser, ensure_head_body=False)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise Rejected(Reason.NO_TEXT, f"page of {len(html)} characters holds no markup that can be read") from error
    _flatten(tree)
    return tree


def _few_attributes(tag: re.Match[str]) -> str:
    """Return the tag, or where it is a bomb its name alone."""
    return f"<{tag[1]}>" if len(tag[2]) > _LONGEST_TAG or tag[2].count("=") > _MOST_ATTRIBUTES else tag[0]


def _flatten(tree: HtmlElement) -> None:
    """Take the tags but `p` off all that lies deeper than `_DEEPEST`, and keep its text."""
    depth = 0
    too_deep = []
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if event == "start" and depth == _DEEPEST and len(element):
            too_deep.append(element)
    for element in too_deep:
        etree.strip_elements(element, *_UNSEEN, with_tail=False)
        etree.strip_tags(element, *({inner.tag for inner in element.iter()} - {"p"}))


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


def _is_only_around(lines: list[str], blocks: list[_Block]) -> bool:
    """Whether the text is scant and all of it stands in navigation, captions and the like."""
    if sum(map(len, lines)) >= _SCANT_TEXT:
        return False
    inside = "".join(gist(block.text) for block in blocks if block.around is None)
    return not any(gist(line) in inside for line in lines)


def _simple_text(blocks: list[_Block]) -> list[str]:
    """Return what reads like paragraphs; where nothing does, every block that is not around an article."""
    inside = [block for block in blocks if block.around is None]
    paragraphs = [block.text for block in inside if len(block.text) >= _SHORTEST_PARAGRAPH]
    return paragraphs or [block.text for block in inside]


def _visible_blocks(tree: HtmlElement) -> Iterator[_Block]:
    """Yield the text of the page block by block in reading order: what stands between two tags of blocks."""
    walk = etree.iterwalk(tree, events=("start", "end"))
    # The parser puts every page into <html>, whose end tells the last block.
    open_blocks: list[tuple[str, str | None]] = [("html", None)]
    words: list[str] = []
    for event, element in walk:
        tag = element.tag
        if tag in _BLOCK_TAGS:
            if text := one_line("".join(words)):
                yield _Block(settle(text), *open_blocks[-1])
            words.clear()
            if event == "end":
                open_blocks.pop()
            else:
                open_blocks.append((tag, tag if tag in _AROUND else open_blocks[-1][1]))
        if event == "end":
            words.append(element.tail or "")
        elif tag in _UNSEEN or element.get("hidden") is not None:
            walk.skip_subtree()
        else:
            words.append(element.text or "")


def _highlights(tree: HtmlElement) -> tuple[str, ...]:
    """Return the points of the page's first list that is named or headed as its summary."""
    headed = (
        heading.getnext() for heading in tree.iter("h2", "h3", "h4") if is_label(one_line("".join(heading.itertext())))
    )
    for container in (*tree.xpath(_HIGHLIGHT_LISTS), *headed):
        if container is None:
            continue
        points = [point for item in container.iter("li") if (point := _point(item))]
        if 2 <= len(points) <= _MAX_HIGHLIGHTS:
            return tuple(points)
    return ()


def _point(item: HtmlElement) -> str | None:
    """Return the text of a list's item, or None where it is a link to elsewhere or no sentence."""
    text = settle(one_line("".join(item.itertext())))
    linked = sum(len("".join(link.itertext())) for link in item.iter("a"))
    return text if " " in text and len(text) <= _LONGEST_HIGHLIGHT and linked * 2 < len(text) else None


def _body(
    lines: list[str], *, titles: tuple[str | None, ...], highlights: tuple[str, ...]
) -> tuple[list[str], list[tuple[RemovedReason, str]]]:
    """Return the paragraphs without title, highlights and clutter, and the clutter."""
    named = {gist(title) for title in titles if title}
    summarised = set(map(gist, highlights))
    kept: list[str] = []
    dropped: list[tuple[RemovedReason, str]] = []
    for index, line in enumerate(lines):
        key = gist(line)
        if not key or key in summarised or (index < _TITLE_WITHIN and key in named):
            continue
        if reason := clutter(line):
            dropped.append((reason, line))
        else:
            kept.append(line)
    return kept, dropped


def _left_out(blocks: list[_Block], lines: list[str], told: set[str]) -> Iterator[tuple[RemovedReason, str]]:
    """Yield the visible blocks whose words are neither in the main text nor told elsewhere in the document."""
    text = "".join(map(gist, lines))
    for block in blocks[:_MAX_BLOCKS]:
        key = gist(block.text)
        if key and key not in told and (len(text) > _MOST_TEXT or key not in text):
            caption = block.around == "figcaption" or block.tag == "caption"
            yield (RemovedReason.CAPTION if caption else clutter(block.text) or RemovedReason.BOILERPLATE), block.text
