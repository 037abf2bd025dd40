"""A tree -> the page's blocks of text in reading order, each with the element that it stands in."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from lxml import etree  # type: ignore[import-untyped]

from services.core.encoding import settle
from services.core.page_tree import UNSEEN

_BLOCK_TAGS: Final = frozenset(
    """
    address article aside blockquote body br button caption dd details div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hr html li main nav ol option p pre section summary table tbody td tfoot th thead tr ul
    """.split()  # noqa: SIM905  # words read better as words
)
_EMPTY_TAGS: Final = frozenset({"br", "hr"})
_AROUND: Final = frozenset({"nav", "footer", "aside", "header", "form", "button", "figcaption"})
_CELLS: Final = frozenset({"td", "th"})
_LONGEST_CELL: Final = 80
"""Characters of a table's cell. Longer ones lay out the page, or are paragraphs in all but name."""
_LONGEST_ROW: Final = 2_000
"""Characters of a row at which another block begins, lest a row of a hundred thousand cells take seconds to join."""
NEVER_ARTICLE: Final = frozenset({"nav", "footer", "aside", "figcaption"})
"""Elements about which there is no doubt: what they hold is not the article, whatever stands in them."""


class Block(NamedTuple):
    text: str
    element: int
    """Index of the nearest element that is a block."""
    linked: float
    """Share of its characters that are links, 0 to 1."""


@dataclass(frozen=True, slots=True)
class PageBlocks:
    """
    What a reader sees, block by block, and the elements that are blocks, outer ones before inner ones.

    The lists are as long as each other but for `blocks`. Element 0 is the page, and its own parent.
    """

    blocks: list[Block]
    parents: list[int]
    tags: list[str]
    names: list[str]
    """Class, id and itemprop, as the page writes them."""
    around: list[str | None]
    """The element, itself or about it, that holds no article: one of `NEVER_ARTICLE`, or the nearest of the others."""

    @property
    def kinds(self) -> list[str]:
        """What elements that look alike have in common."""
        return [f"{tag}.{names}" for tag, names in zip(self.tags, self.names, strict=True)]


# One loop, since to call a function for each tag would take longer than all that it does.
def page_blocks(tree: etree._Element) -> PageBlocks:  # noqa: C901, PLR0912
    """Return the visible text of the page: what stands between two tags of blocks is one block."""
    parents, tags, names = [0], ["html"], [""]
    around: list[str | None] = [None]
    open_elements = [0]
    found: list[tuple[str, int, int]] = []
    words: list[str] = []
    linked = open_links = cell = 0
    walk = etree.iterwalk(tree, events=("start", "end"))
    for event, element in walk:
        tag = element.tag
        starts = event == "start"
        if tag in _BLOCK_TAGS:
            if words:
                if text := " ".join("".join(words).split()):
                    inner = open_elements[-1]
                    if tags[inner] not in _CELLS or len(text) > _LONGEST_CELL or inner == cell:
                        found.append((text, inner, linked))
                    else:
                        _add_cell(found, text, parents[inner], linked)
                    cell = inner
                words = []
                linked = 0
            if tag in _EMPTY_TAGS:
                pass
            elif starts:
                parent = open_elements[-1]
                open_elements.append(len(parents))
                parents.append(parent)
                tags.append(tag)
                names.append(_names(element))
                outer = around[parent]
                around.append(tag if tag in _AROUND and outer not in NEVER_ARTICLE else outer)
            else:
                open_elements.pop()
        elif tag == "a":
            open_links += 1 if starts else -1
        if not starts:
            piece = element.tail
        elif tag in UNSEEN:
            walk.skip_subtree()
            continue
        else:
            piece = element.text
        if piece:
            words.append(piece)
            if open_links:
                linked += len(piece.strip())
    return PageBlocks(_settled(found), parents, tags, names, around)


def _add_cell(found: list[tuple[str, int, int]], text: str, row: int, linked: int) -> None:
    """Add a table's cell. The cells of a row are one block: what they say, they say together."""
    if found and found[-1][1] == row and len(found[-1][0]) < _LONGEST_ROW:
        found[-1] = (f"{found[-1][0]} | {text}", row, found[-1][2] + linked)
    else:
        found.append((text, row, linked))


def _names(element: etree._Element) -> str:
    return " ".join(filter(None, (element.get("class"), element.get("id"), element.get("itemprop"))))


def _settled(found: list[tuple[str, int, int]]) -> list[Block]:
    # All at once: to settle each block by itself takes ten times as long. No block holds a line break;
    # of no block at all the split makes an empty one, which `zip` leaves off.
    texts = settle("\n".join(text for text, _, _ in found)).split("\n")
    return [
        Block(text, element, min(1.0, linked / len(text)))
        for settled, (_, element, linked) in zip(texts, found, strict=False)
        if (text := settled.strip())
    ]
