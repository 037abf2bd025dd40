"""A page -> its tree, safe to walk."""

import re
from contextlib import suppress
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from schemas.dead_letters import Reason
from services.core.rejections import Rejected

UNSEEN: Final = frozenset(
    """
    datalist head iframe math noscript object script select style svg template textarea
    """.split()  # noqa: SIM905  # words read better as words
)
"""Elements whose text no reader sees."""

_MOST_ATTRIBUTES: Final = 500
"""In one tag. The parser compares each with all before it."""
_LONGEST_TAG: Final = 100_000
"""Characters. Every look at a class of a megabyte takes milliseconds."""
_STRETCH: Final = 2_500
_LONG_TAG: Final = re.compile(r"<([A-Za-z][A-Za-z0-9]*+)([^<>]{5000,})>")


def page_tree(html: str) -> etree._Element:
    """Return the tree of a page without control characters. Raises Rejected (no_text) where it holds no element."""
    # Given as bytes, so that an XML declaration of another encoding is no error. lxml has no network here,
    # and its HTML parser knows no entities but HTML's own.
    parser = etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False, huge_tree=True
    )
    if _may_hold_long_tag(html):
        html = _LONG_TAG.sub(_few_attributes, html)
    tree = None
    with suppress(etree.XMLSyntaxError):
        tree = etree.fromstring(html.encode(), parser=parser)
    if tree is None:
        raise Rejected(Reason.NO_TEXT, f"page of {len(html)} characters holds no element")
    return tree


def _may_hold_long_tag(html: str) -> bool:
    """Whether a stretch of the page holds no bracket. A long tag covers such a stretch, wherever it begins."""
    return any(
        html.find("<", start, start + _STRETCH) < 0 and html.find(">", start, start + _STRETCH) < 0
        for start in range(0, len(html), _STRETCH)
    )


def _few_attributes(tag: re.Match[str]) -> str:
    """Return the tag, or where it is a bomb its name alone."""
    return f"<{tag[1]}>" if len(tag[2]) > _LONGEST_TAG or tag[2].count("=") > _MOST_ATTRIBUTES else tag[0]
