"""A page -> its tree, safe to walk; and the tree made ready for the extractor, which takes some pages too literally."""

import re
from collections import Counter
from itertools import groupby
from operator import itemgetter
from typing import Final

from lxml import etree  # type: ignore[import-untyped]
from lxml.html import HtmlElement, HTMLParser, document_fromstring  # type: ignore[import-untyped]

from schemas.dead_letters import Reason
from services.core.rejections import Rejected

UNSEEN: Final = frozenset(
    """
    datalist head iframe math noscript object script select style svg template textarea
    """.split()  # noqa: SIM905  # words read better as words
)
"""Elements whose text no reader sees."""

_DEEPEST: Final = 200
"""Elements in each other. Beyond, text and paragraphs are kept and other tags are not: the extractor recurses."""
_MOST_ATTRIBUTES: Final = 500
"""In one tag. The parser compares each with all before it."""
_LONGEST_TAG: Final = 100_000
"""Characters. Every look at a class of a megabyte takes milliseconds."""
_SHORTEST_POST: Final = 100
"""Characters in the paragraphs of a post. A teaser has fewer, or they are a link."""
_SHORTEST_LOOSE: Final = 40
"""Characters of text in no paragraph that are made one."""

_LONG_TAG: Final = re.compile(r"<([A-Za-z][A-Za-z0-9]*+)([^<>]{5000,})>")
_TOO_DEEP: Final = etree.XPath("/*" * _DEEPEST + "[*]")
_PROSE: Final = etree.XPath("//text()[string-length() >= 100][not(parent::script or parent::style)]")
_CELLS: Final = ("td", "th")
_INLINE: Final = ("a", "abbr", "b", "em", "font", "i", "q", "small", "span", "strong", "u")
_TABLE: Final = ("table", "thead", "tbody", "tfoot", "tr", "td", "th")


def page_tree(html: str) -> HtmlElement:
    """Return the tree of a page without control characters. Raises Rejected (no_text) where it holds no element."""
    # Given as bytes, so that an XML declaration of another encoding is no error. lxml has no network here,
    # and its HTML parser knows no entities but HTML's own.
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False, huge_tree=True)
    # lxml.html asks Python for the class of each element that is looked at; one class for all asks nobody.
    parser.set_element_class_lookup(etree.ElementDefaultClassLookup(element=HtmlElement))
    try:
        tree = document_fromstring(_LONG_TAG.sub(_few_attributes, html).encode(), parser=parser, ensure_head_body=False)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise Rejected(Reason.NO_TEXT, f"page of {len(html)} characters holds no markup that can be read") from error
    for element in _TOO_DEEP(tree):
        etree.strip_elements(element, *UNSEEN, with_tail=False)
        etree.strip_tags(element, *({inner.tag for inner in element.iter()} - {"p"}))
    return tree


def settle_structure(tree: HtmlElement) -> None:
    """Change the tree where its structure would mislead the extractor: posts of a live blog, tables as layout."""
    _join_posts(tree)
    _keep_main_cell(tree)
    _wrap_text_behind_tables(tree)


def _few_attributes(tag: re.Match[str]) -> str:
    """Return the tag, or where it is a bomb its name alone."""
    return f"<{tag[1]}>" if len(tag[2]) > _LONGEST_TAG or tag[2].count("=") > _MOST_ATTRIBUTES else tag[0]


def _join_posts(tree: HtmlElement) -> None:
    """Make plain blocks of the posts of a live blog: of several articles side by side the extractor takes the first."""
    articles = list(tree.iter("article"))
    if len(articles) < 2:
        return
    for _, siblings in groupby(articles, key=HtmlElement.getparent):
        posts = [article for article in siblings if _is_post(article)]
        for post in posts if len(posts) > 1 else []:
            post.tag = "div"


def _is_post(article: HtmlElement) -> bool:
    told = sum(len("".join(paragraph.itertext())) for paragraph in article.iter("p"))
    linked = sum(len("".join(link.itertext())) for link in article.iter("a"))
    return told >= _SHORTEST_POST and linked * 2 < told


def _keep_main_cell(tree: HtmlElement) -> None:
    """
    Where a table lays out the page, take away its cells without prose, and make plain blocks of the tables about it.

    It does so where one cell holds at least half of the page's prose.
    """
    if next(tree.iter("td"), None) is None:
        return
    holders = [_cells_about(text.getparent(), is_tail=text.is_tail) for text in _PROSE(tree)]
    counts = Counter(cells[0] for cells in holders if cells)
    main, count = max(counts.items(), key=itemgetter(1), default=(None, 0))
    if main is None or count * 2 < len(holders):
        return
    kept = {cell for cells in holders for cell in cells} | set(main.iter(*_CELLS))
    for cell in [cell for cell in tree.iter(*_CELLS) if cell not in kept]:
        cell.drop_tree()
    for element in [main, *main.iterancestors(*_TABLE)]:
        element.tag = "div"


def _cells_about(element: HtmlElement, *, is_tail: bool) -> list[HtmlElement]:
    """Return the table cells that a text stands in, the innermost first."""
    own = [] if is_tail or element.tag not in _CELLS else [element]
    return [*own, *element.iterancestors(*_CELLS)]


def _wrap_text_behind_tables(tree: HtmlElement) -> None:
    """Make paragraphs of what stands loose behind a table: the extractor has no eye for it."""
    for table in list(tree.iter("table")):
        if len((table.tail or "").strip()) < _SHORTEST_LOOSE:
            continue
        paragraph = table.makeelement("p")
        paragraph.text, table.tail = table.tail, None
        while (following := table.getnext()) is not None and following.tag in _INLINE:
            paragraph.append(following)
        table.addnext(paragraph)
