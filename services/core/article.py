"""What cleaning found in one body, page or text alike; and the blocks that it dropped, with reasons."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.documents import Dateline, Removed, RemovedReason

MAX_REMOVED: Final = 100
"""Dropped blocks that a document carries. A page may have thousands; the longest tell most."""
MAX_REMOVED_CHARS: Final = 200


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
    return "".join(filter(str.isalnum, text.casefold()))


def one_line(text: str) -> str:
    """Return the text with each run of white space as one blank, and none at its ends."""
    return " ".join(text.split())


def removed(blocks: Iterable[tuple[RemovedReason, str]]) -> tuple[Removed, ...]:
    """Return what was dropped, in order, cut, each once for a reason; of more than `MAX_REMOVED` the longest."""
    cut = dict.fromkeys((reason, one_line(block)[:MAX_REMOVED_CHARS].rstrip()) for reason, block in blocks)
    longest = set(sorted(cut, key=lambda drop: len(drop[1]), reverse=True)[:MAX_REMOVED])
    return tuple(Removed(reason=reason, text=text) for reason, text in cut if text and (reason, text) in longest)
