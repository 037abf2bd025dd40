"""A page -> Article: main text by trafilatura, metadata, and the visible blocks that were left out."""

from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from lxml import etree  # type: ignore[import-untyped]
from lxml.html import HtmlElement  # type: ignore[import-untyped]
from trafilatura import bare_extraction

from schemas.dead_letters import Reason
from schemas.documents import RemovedReason
from services.core.article import Article, gist, one_line, removed
from services.core.clutter import clutter, is_label
from services.core.dateline import take_dateline
from services.core.encoding import settle
from services.core.page_metadata import page_metadata
from services.core.page_tree import UNSEEN, page_tree, settle_structure
from services.core.rejections import Rejected

_MOST_ELEMENTS: Final = 15_000
"""The largest of a thousand news pages has 5,000. Beyond, the simple way is taken: the extractor may be quadratic."""
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

_BLOCK_TAGS: Final = frozenset(
    """
    address article aside blockquote body br button caption dd details div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hr html li main nav ol option p pre section summary table tbody td tfoot th thead tr ul
    """.split()  # noqa: SIM905  # words read better as words
)
_AROUND: Final = frozenset({"nav", "footer", "aside", "header", "form", "button", "figcaption"})
_HIGHLIGHT_LISTS: Final = etree.XPath(
    """
    //@class[contains(., 'highlights') or contains(., 'key-points') or contains(., 'keypoints')
        or contains(., 'key-takeaways')]/..
    | //@id[contains(., 'highlights')]/..
    """
)


class _Block(NamedTuple):
    text: str
    tag: str
    """Of the nearest element that is a block."""
    around: str | None
    """The nearest element about it that holds no article: navigation, footer, caption; a link, where all is linked."""


def page(html: str, *, title: str | None = None) -> Article:
    """
    Return the article in a page without control characters.

    `title` is the producer's, where there is one. Raises Rejected (no_text) where the page holds no article.
    """
    tree = page_tree(html)
    metadata = page_metadata(tree)
    blocks = list(_visible_blocks(tree))
    highlights = _highlights(tree)
    settle_structure(tree)
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


def _main_text(tree: HtmlElement) -> list[str]:
    """Return trafilatura's paragraphs; empty where it finds none, fails, or would take too long."""
    if tree.xpath("count(//*)") > _MOST_ELEMENTS:
        return []
    try:
        # Its own metadata is left off: it costs as much again, and dates by the clock.
        # Balanced with tables measured best: F1 .966 on article-extraction-benchmark, .955 without them.
        document = bare_extraction(tree, include_comments=False, include_tables=True, with_metadata=False)
    except (RecursionError, ValueError, TypeError, AttributeError, IndexError, KeyError, etree.LxmlError):
        return []
    text = getattr(document, "text", None) or ""
    return [line for raw in settle(text).split("\n") if (line := one_line(raw).strip("| "))]


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
    open_links = 0
    words: list[str] = []
    is_linked = True
    for event, element in walk:
        tag = element.tag
        if tag in _BLOCK_TAGS:
            if text := one_line("".join(words)):
                inner, around = open_blocks[-1]
                yield _Block(settle(text), inner, around or ("a" if is_linked else None))
            words.clear()
            is_linked = True
            if event == "end":
                open_blocks.pop()
            else:
                open_blocks.append((tag, tag if tag in _AROUND else open_blocks[-1][1]))
        elif tag == "a":
            open_links += 1 if event == "start" else -1
        if event == "end":
            piece = element.tail
        elif tag in UNSEEN or element.get("hidden") is not None:
            walk.skip_subtree()
            continue
        else:
            piece = element.text
        if piece:
            words.append(piece)
            is_linked = is_linked and (open_links > 0 or piece.isspace())


def _highlights(tree: HtmlElement) -> tuple[str, ...]:
    """Return the points of the page's first list that is named or headed as its summary."""
    headed = (
        heading.getnext() for heading in tree.iter("h2", "h3", "h4") if is_label(one_line("".join(heading.itertext())))
    )
    for container in (*_HIGHLIGHT_LISTS(tree), *headed):
        if container is None:
            continue
        items = list(islice(container.iter("li"), _MAX_HIGHLIGHTS + 1))
        points = [point for item in items if (point := _point(item))] if len(items) <= _MAX_HIGHLIGHTS else []
        if len(points) > 1:
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
