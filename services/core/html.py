"""A page -> Article: main text, metadata, and the visible blocks that were left out."""

from collections.abc import Iterable, Iterator
from heapq import nlargest
from itertools import compress, islice
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from schemas.dead_letters import Reason
from schemas.documents import RemovedReason
from services.core.article import MAX_REMOVED, Article, gist, one_line, removed
from services.core.clutter import clutter, is_label
from services.core.dateline import take_dateline
from services.core.encoding import settle
from services.core.layout import ends_sentence
from services.core.main_text import main_text
from services.core.page_blocks import PageBlocks, page_blocks
from services.core.page_metadata import page_metadata
from services.core.page_tree import page_tree
from services.core.rejections import Rejected

_SHORTEST_PARAGRAPH: Final = 40
_SURELY_PROSE: Final = 80
_SHORTEST_REPEATED: Final = 60
"""Characters. A shorter paragraph may well be said twice."""
_LONGEST_HEAD: Final = 3
"""Lines before the first statement that are names, roles, sections. More of them are a list, or verse."""
_DATELINE_WITHIN: Final = 3
"""Paragraphs. A standfirst may stand before the report."""
_ALL_LINKS: Final = 0.9
"""Share of links in a block that is nothing else; between links there may be blanks and bars."""
_HEADINGS: Final = ("h2", "h3", "h4")
_LONGEST_HIGHLIGHT: Final = 300
_MAX_HIGHLIGHTS: Final = 10

_HIGHLIGHT_NAMES: Final = ("highlights", "key-points", "keypoints", "key-takeaways")
_HIGHLIGHT_LISTS: Final = etree.XPath(
    "//@class[{}]/.. | //@id[contains(., 'highlights')]/..".format(
        " or ".join(f"contains(., '{name}')" for name in _HIGHLIGHT_NAMES)
    )
)


def page(html: str, *, title: str | None = None) -> Article:
    """
    Return the article in a page without control characters.

    `title` is the producer's, where there is one. Raises Rejected (no_text) where the page holds no article.
    """
    tree = page_tree(html)
    metadata = page_metadata(tree)
    seen = page_blocks(tree)
    highlights = _highlights(tree) if _may_hold_highlights(seen) else ()
    kept = _without_repeats(seen, main_text(seen))
    told = set(map(gist, filter(None, (title, metadata.title, *highlights))))
    paragraphs, dropped = _body(seen, kept, told)
    if not paragraphs:
        kept = _simple_text(seen)
        paragraphs, dropped = _body(seen, kept, told)
    if not paragraphs:
        raise Rejected(Reason.NO_TEXT, f"page of {len(html)} characters holds no article text")
    dateline, paragraphs = take_dateline(paragraphs, within=_DATELINE_WITHIN)
    return Article(
        paragraphs=tuple(paragraphs),
        title=metadata.title,
        highlights=highlights,
        byline=metadata.byline,
        dateline=dateline,
        published_at=metadata.published_at,
        site_name=metadata.site_name,
        language=metadata.language,
        removed=removed([*dropped, *_left_out(seen, kept, told)]),
    )


def _without_repeats(seen: PageBlocks, kept: list[bool]) -> list[bool]:
    """Return what is kept less the paragraphs that stood on the page before, as in a copy for small screens."""
    before: set[str] = set()
    once = []
    for (text, _, _), is_kept in zip(seen.blocks, kept, strict=True):
        once.append(is_kept and text not in before)
        if is_kept and len(text) >= _SHORTEST_REPEATED:
            before.add(text)
    return once


def _simple_text(seen: PageBlocks) -> list[bool]:
    """Keep what reads like paragraphs; where nothing does, every block that is not around an article."""
    inside = [seen.around[block.element] is None and block.linked < _ALL_LINKS for block in seen.blocks]
    long = [is_in and len(block.text) >= _SHORTEST_PARAGRAPH for is_in, block in zip(inside, seen.blocks, strict=True)]
    if any(inside):
        return long if any(long) else inside
    # A link that is never closed makes links of all that follows.
    return [seen.around[block.element] is None and len(block.text) >= _SURELY_PROSE for block in seen.blocks]


def _may_hold_highlights(seen: PageBlocks) -> bool:
    """Whether to search the page for a list of its points, which takes longer than to ask this."""
    names = " ".join(seen.names)
    if any(name in names for name in _HIGHLIGHT_NAMES):
        return True
    return any(seen.tags[element] in _HEADINGS and is_label(text) for text, element, _ in seen.blocks)


def _highlights(tree: etree._Element) -> tuple[str, ...]:
    """Return the points of the page's first list that is named or headed as its summary."""
    headed = (heading.getnext() for heading in tree.iter(*_HEADINGS) if is_label(one_line("".join(heading.itertext()))))
    for container in (*_HIGHLIGHT_LISTS(tree), *headed):
        if container is None:
            continue
        items = list(islice(container.iter("li"), _MAX_HIGHLIGHTS + 1))
        points = [point for item in items if (point := _point(item))] if len(items) <= _MAX_HIGHLIGHTS else []
        if len(points) > 1:
            return tuple(points)
    return ()


def _point(item: etree._Element) -> str | None:
    """Return the text of a list's item, or None where it is a link to elsewhere or no sentence."""
    text = settle(one_line("".join(item.itertext())))
    linked = sum(len("".join(link.itertext())) for link in item.iter("a"))
    return text if " " in text and len(text) <= _LONGEST_HIGHLIGHT and linked * 2 < len(text) else None


def _body(seen: PageBlocks, kept: list[bool], told: set[str]) -> tuple[list[str], list[tuple[RemovedReason, str]]]:
    """Return the paragraphs without clutter and without what is told elsewhere, and the clutter."""
    longest = max(map(len, told), default=0) * 2
    texts = [
        text
        for text, _, _ in compress(seen.blocks, kept)
        if any(map(str.isalnum, text)) and not (len(text) <= longest and gist(text) in told)
    ]
    start = next((index for index, text in enumerate(texts[: _LONGEST_HEAD + 1]) if _is_statement(text)), 0)
    paragraphs: list[str] = []
    dropped: list[tuple[RemovedReason, str]] = []
    for index, text in enumerate(texts):
        if reason := clutter(text) or (RemovedReason.BOILERPLATE if index < start else None):
            dropped.append((reason, text))
        else:
            paragraphs.append(text)
    return paragraphs, dropped


def _is_statement(text: str) -> bool:
    return len(text) >= _SURELY_PROSE or ends_sentence(text)


def _left_out(seen: PageBlocks, kept: list[bool], told: set[str]) -> Iterator[tuple[RemovedReason, str]]:
    """Yield the visible blocks that are neither in the main text nor told elsewhere in the document."""
    left = {block.text: block.element for block, is_kept in zip(seen.blocks, kept, strict=True) if not is_kept}
    for block in compress(seen.blocks, kept):
        left.pop(block.text, None)
    longest = max(map(len, told), default=0) * 2
    for text in _longest(left):
        if any(map(str.isalnum, text)) and not (len(text) <= longest and gist(text) in told):
            element = left[text]
            caption = seen.around[element] == "figcaption" or seen.tags[element] == "caption"
            yield (RemovedReason.CAPTION if caption else clutter(text) or RemovedReason.BOILERPLATE), text


def _longest(texts: Iterable[str]) -> list[str]:
    """Return the texts in their order, of more than can be told the longest."""
    texts = list(texts)
    if len(texts) <= MAX_REMOVED:
        return texts
    longest = set(nlargest(MAX_REMOVED, texts, key=len))
    return [text for text in texts if text in longest]
