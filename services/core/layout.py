"""Lines of plain text -> its blocks: hard-wrapped paragraphs are joined again, everything else is a line a block."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from services.core.article import one_line

_WIDEST_WRAP: Final = 120
"""Columns. Longer lines were not broken by hand or by a teleprinter."""
_NARROWEST_WRAP: Final = 28
"""Columns. Shorter lines of one length are a table."""
_NARROWEST_DENSE: Final = 14
_FULL: Final = 0.85
"""Share of the width that a line reaches, with the word that was wrapped off it, when it was broken for its length."""
_SHORT: Final = 0.6
_MOST: Final = 0.6

_CLOSING: Final = "\"'”’»)]』」›"
_FULL_STOPS: Final = (".", "。", "．", "؟", "۔", "।", "…")
_MARKS: Final = ("!", "?", "！", "？", ":", ";")
_BULLETS: Final = "•‣▪●◦∙·*"
_RULE: Final = re.compile(r"[-–—_=*~#+•·. ]{3,}")
"""A line that only sets apart what is above it from what is below."""


class _Line(NamedTuple):
    text: str
    indent: int
    follows_blank: bool


def blocks_of(text: str) -> list[str]:
    """
    Return the text's blocks in order, each on one line, none blank.

    A text whose lines end where the next word would not have fitted is hard-wrapped: its paragraphs, set apart by
    blank lines or by indenting, become a block each. In any other text a line is a block.
    """
    lines = list(_lines(text))
    width = max((len(line.text) for line in lines if " " in line.text or is_dense(line.text)), default=0)
    if not _is_wrapped(lines, width):
        return [one_line(line.text) for line in lines]
    blocks: list[list[str]] = []
    for index, line in enumerate(lines):
        if index and _continues(lines[index - 1], line, width, is_second=index == 1):
            if not _joins_without_blank(blocks[-1][-1], line.text):
                blocks[-1].append(" ")
            blocks[-1].append(line.text)
        else:
            blocks.append([line.text])
    return [one_line("".join(block)) for block in blocks]


def ends_with_full_stop(block: str) -> bool:
    """Whether the block ends as a statement does; closing quotes and brackets may follow the stop."""
    return block.rstrip(_CLOSING).endswith(_FULL_STOPS)


def ends_sentence(block: str) -> bool:
    """Whether the block ends with any mark that ends a sentence or announces the next."""
    return block.rstrip(_CLOSING).endswith(_FULL_STOPS + _MARKS)


def is_dense(text: str) -> bool:
    """Whether the text is written without blanks between words, as Chinese and Japanese are."""
    return sum(map(_is_wide, text[:80])) * 3 > min(len(text), 80)


def _lines(text: str) -> Iterator[_Line]:
    follows_blank = False
    for raw in text.expandtabs(4).split("\n") if len(text) < 1_000_000 else text.split("\n"):
        stripped = raw.strip()
        if stripped and not _RULE.fullmatch(stripped):
            yield _Line(stripped, len(raw) - len(raw.lstrip()), follows_blank)
            follows_blank = False
        else:
            follows_blank = True


def _is_wrapped(lines: Sequence[_Line], width: int) -> bool:
    if not lines or not (_NARROWEST_DENSE if is_dense(lines[0].text) else _NARROWEST_WRAP) <= width <= _WIDEST_WRAP:
        return False
    pairs = [
        (line, following)
        for line, following in pairwise(lines)
        if not following.follows_blank and following.indent <= line.indent + 1
    ]
    full = sum(_filled(line, following) >= _FULL * width for line, following in pairs)
    unfinished = sum(not ends_sentence(line.text) for line, _ in pairs)
    return bool(pairs) and full >= _MOST * len(pairs) and unfinished * 2 >= len(pairs)


def _filled(line: _Line, following: _Line) -> int:
    """Return how long the line would be with the first word of the next."""
    word = following.text.split(maxsplit=1)[0]
    return line.indent + len(line.text) + 1 + (1 if is_dense(word) else len(word))


def _continues(line: _Line, following: _Line, width: int, *, is_second: bool) -> bool:
    if following.follows_blank or following.indent > line.indent + 1 or following.text[0] in _BULLETS:
        return False
    if _filled(line, following) >= _SHORT * width:
        return True
    # The first line may be short because its dateline was cut off, so only a full stop ends it.
    return not ends_sentence(line.text) and (is_second or following.text[0].islower())


def _joins_without_blank(left: str, right: str) -> bool:
    if _is_wide(left[-1]) and _is_wide(right[0]):
        return True
    return left.endswith("-") and left[-2:-1].isalnum() and right[0].isalnum()


def _is_wide(char: str) -> bool:
    return char > "\u2e7f" and unicodedata.east_asian_width(char) in {"W", "F"} and not "\uac00" <= char <= "\ud7a3"
