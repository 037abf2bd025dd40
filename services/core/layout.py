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
_FULL_STOPS: Final = frozenset(".。．؟۔।…")
_SENTENCE_ENDS: Final = _FULL_STOPS | frozenset("!?！？:;")
_BULLETS: Final = "•‣▪●◦∙·*"
_RULE_MARKS: Final = "-–—_=*~#+•·."
_RULE: Final = re.compile(rf"[{_RULE_MARKS} ]{{3,}}")
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
    blocks = [[lines[0].text]]
    for index, (line, following) in enumerate(pairwise(lines)):
        if _continues(line, following, width, is_first=index == 0):
            if not _joins_without_blank(line.text, following.text):
                blocks[-1].append(" ")
            blocks[-1].append(following.text)
        else:
            blocks.append([following.text])
    return [one_line("".join(block)) for block in blocks]


def ends_with_full_stop(block: str) -> bool:
    """Whether the block ends as a statement does; closing quotes and brackets may follow the stop."""
    return block.rstrip(_CLOSING)[-1:] in _FULL_STOPS


def ends_sentence(block: str) -> bool:
    """Whether the block ends with any mark that ends a sentence or announces the next."""
    return block.rstrip(_CLOSING)[-1:] in _SENTENCE_ENDS


def is_dense(text: str) -> bool:
    """Whether the text is written without blanks between words, as Chinese and Japanese are."""
    opening = text[:80]
    return not opening.isascii() and sum(map(_is_wide, opening)) * 3 > len(opening)


def _lines(text: str) -> Iterator[_Line]:
    follows_blank = False
    for raw in text.expandtabs(4).split("\n") if len(text) < 1_000_000 else text.split("\n"):
        stripped = raw.strip()
        # Most lines begin as no rule does; asking that first saves looking at each for its whole pattern.
        if stripped and not (stripped[0] in _RULE_MARKS and _RULE.fullmatch(stripped)):
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
    full = sum([_reaches(_FULL * width, line, following) for line, following in pairs])
    if not pairs or full < _MOST * len(pairs):
        return False
    unfinished = sum([not ends_sentence(line.text) for line, _ in pairs])
    return unfinished * 2 >= len(pairs)


def _reaches(column: float, line: _Line, following: _Line) -> bool:
    """Whether the line would be so long with the first word of the next."""
    end = line.indent + len(line.text)
    if end >= column:  # as most do, and the next line need not be looked at
        return True
    word = following.text.split(maxsplit=1)[0]
    return end + 1 + (1 if is_dense(word) else len(word)) >= column


def _continues(line: _Line, following: _Line, width: int, *, is_first: bool) -> bool:
    if following.follows_blank or following.indent > line.indent + 1 or following.text[0] in _BULLETS:
        return False
    if _reaches(_SHORT * width, line, following):
        return True
    # The first line may be short because its dateline was cut off, so only a full stop ends it.
    return not ends_sentence(line.text) and (is_first or following.text[0].islower())


def _joins_without_blank(left: str, right: str) -> bool:
    if left[-1] == "-":
        return left[-2:-1].isalnum() and right[0].isalnum()
    return _is_wide(left[-1]) and _is_wide(right[0])


def _is_wide(char: str) -> bool:
    return char > "\u2e7f" and unicodedata.east_asian_width(char) in {"W", "F"} and not "\uac00" <= char <= "\ud7a3"
