"""What cleaning found in one body, page or text alike; and the blocks that it dropped, with reasons."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.documents import Dateline, Removed, RemovedReason
from services.core.matching import beyond_ascii

MAX_REMOVED: Final = 100
"""Dropped blocks that a document carries. A page may have thousands; the longest tell most."""
MAX_REMOVED_CHARS: Final = 200

_FEW: Final = 12
"""Characters that are quickest taken out one after the other, each with a search of the whole text."""
_PUNCTUATION: Final = bytes(byte for byte in range(128) if not chr(byte).isalnum())


@dataclass(frozen=True, slots=True)
class Article:
    """A body without its clutter. `paragraphs` hold no blank ones, and none holds a line break."""

    paragraphs: tuple[str, ...]
    title: str | None = None
    highlights: tuple[str, ...] = ()
    byline: str | None = None
    dateline: Dateline | None = None
    published_at: datetime | None = None
    site_name: str | None = None
    language: str | None = None
    removed: tuple[Removed, ...] = ()


def gist(text: str) -> str:
    """Return letters and digits in one case: equal for two blocks that say the same words."""
    key = text.casefold()
    odd = [char for char in set(beyond_ascii(key)) if not char.isalnum()]
    if len(odd) > _FEW:
        return "".join(filter(str.isalnum, key))
    for char in odd:
        key = key.replace(char, "")
    return key.encode("utf-8", "surrogatepass").translate(None, _PUNCTUATION).decode("utf-8", "surrogatepass")


def one_line(text: str) -> str:
    """Return the text with each run of white space as one blank, and none at its ends."""
    # The only printable white space is the blank.
    if text.isprintable() and "  " not in text and text[:1] != " " and text[-1:] != " ":
        return text
    return " ".join(text.split())


def removed(blocks: Iterable[tuple[RemovedReason, str]]) -> tuple[Removed, ...]:
    """Return what was dropped, in order, cut, each once for a reason; of more than `MAX_REMOVED` the longest."""
    cut = dict.fromkeys((reason, one_line(block)[:MAX_REMOVED_CHARS].rstrip()) for reason, block in blocks)
    longest = set(sorted(cut, key=lambda drop: len(drop[1]), reverse=True)[:MAX_REMOVED])
    return tuple(Removed(reason=reason, text=text) for reason, text in cut if text and (reason, text) in longest)
