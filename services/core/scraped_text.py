"""Scraped plain text, with the clutter that its site put around and into it -> Article."""

import re
from collections import Counter
from itertools import zip_longest
from typing import Final, NamedTuple

from schemas.documents import RemovedReason
from services.core.article import Article, gist, one_line, removed
from services.core.clutter import clutter, is_label, is_pointer, is_sign_off
from services.core.dateline import split_dateline, take_dateline
from services.core.layout import blocks_of, ends_sentence, ends_with_full_stop, is_dense

_LONGEST_TITLE: Final = 180
_LONGEST_HIGHLIGHT: Final = 300
_MAX_HIGHLIGHTS: Final = 12
_PROSE_CHARS: Final = 200
"""A block as long as this is a paragraph even without a full stop at its end."""
_QUESTION_CHARS: Final = 100
"""With a question mark too; a shorter one may be a headline."""
_PROSE_WORDS: Final = 8
"""With a full stop these are enough."""
_DENSE_PROSE_CHARS: Final = 20
"""Where no blanks stand between words."""
_TELLING_CHARS: Final = 16
_DENSE_TELLING_CHARS: Final = 6
_REPEATED_CHARS: Final = 60
"""Below this a block in the text may well be said twice: `"Yes," he said.`, lines of a table."""

_BULLET: Final = re.compile(r"[•‣▪●◦∙·*–—-]\s+(?=\S)|[•‣▪●◦∙]")
_SURE_BULLETS: Final = "•‣▪●"
"""A dash may open anything; these open a point of a list, as does a star with another star's line beside it."""
_BYLINE: Final = re.compile(r"(?:written )?by[: ]\s?(.{3,120})$", re.IGNORECASE)
_NAME: Final = re.compile(r"[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,5}$")
_TRAILING_TIME: Final = re.compile(r"\s\(?\d{1,2}:\d{2}(?::\d{2})?\)?$")
_TRAILING_CLIP_TIME: Final = re.compile(r"\s\(?\d{2}:\d{2}\)?$")
"""As players print it. A result of a race is more often without the leading zero, and seldom alone."""
_MAX_POINTED_AT: Final = 15
"""Headlines dropped behind a `Most read`. What is longer is no such list."""
_PARTS: Final = re.compile(r"\s[|·•]\s")
_IN_NAMES: Final = frozenset({"and", "de", "da", "van", "von", "der", "bin", "al", "el"})
_DATE_LINE: Final = re.compile(
    r"(?:[^\W\d_]{3,10},? )?(?:[^\W\d_]{3,10}\.? \d{1,2},? \d{4}|\d{1,2}\.? [^\W\d_]{3,10}\.?,? \d{4}"
    r"|\d{4}-\d{2}-\d{2})\b.{0,24}$"
)


class _Head(NamedTuple):
    """What stands before the first paragraph, sorted out."""

    title: str | None
    byline: str | None
    highlights: tuple[str, ...]
    kept: list[str]
    dropped: list[tuple[RemovedReason, str]]


def scraped_text(text: str, *, title: str | None = None) -> Article:
    """
    Return the article in a settled text: title, highlights, dateline, whole paragraphs.

    `title` is the producer's, where there is one; then no line is taken for the title, and lines that repeat it go.
    What is not surely clutter is kept. A text that is nothing but clutter comes back whole.
    """
    blocks = blocks_of(text)
    start = _first_paragraph(blocks)
    head = _head(blocks[:start], title)
    paragraphs, dropped = _body(blocks[start:], head, head.title or title)
    if not paragraphs:
        return Article(paragraphs=tuple(map(one_line, blocks)))
    dateline, paragraphs = take_dateline(paragraphs, within=len(head.kept) + 1)
    return Article(
        paragraphs=tuple(paragraphs),
        title=head.title,
        highlights=head.highlights,
        byline=head.byline,
        dateline=dateline,
        removed=removed([*head.dropped, *dropped]),
    )


def _first_paragraph(blocks: list[str]) -> int:
    """Return the index of the first block that is prose; 0 where none is, for then nothing tells a head from a body."""
    return next((index for index, block in enumerate(blocks) if _is_prose(block)), 0)


def _is_prose(block: str) -> bool:
    # The dearer looks come last: most blocks that are no prose are too short for it.
    if not (_is_long_as_prose(block) or split_dateline(block)[0] is not None):
        return False
    return _BULLET.match(block) is None and clutter(block) is None


def _is_long_as_prose(block: str) -> bool:
    if len(block) >= _PROSE_CHARS:
        return True
    if ends_with_full_stop(block):
        return len(block) >= _DENSE_PROSE_CHARS if is_dense(block) else block.count(" ") >= _PROSE_WORDS - 1
    return len(block) >= _QUESTION_CHARS and ends_sentence(block)


def _head(blocks: list[str], given_title: str | None) -> _Head:
    title = given_title
    found_title = byline = None
    kept: list[str] = []
    dropped: list[tuple[RemovedReason, str]] = []
    said = Counter(gist(_TRAILING_TIME.sub("", block)) for block in blocks)
    seen: set[str] = set()
    highlights, rest = _take_highlights(blocks, dropped)
    for block, following in zip_longest(rest, rest[1:], fillvalue=""):
        key = gist(block)
        if reason := clutter(block) or _head_clutter(block, said=said, seen=seen):
            dropped.append((reason, block))
            byline = byline or _name_among(block)
        elif byline is None and (name := _byline(block)):
            byline = name
        elif title is None and not kept and _may_be_title(block):
            title = found_title = block
        elif title is not None and _says_again(block, title):
            dropped.append((RemovedReason.REPEATED, block))
        elif byline is None and _is_name(block) and _is_date(following):
            byline = block
        elif said[key] > 1 and _is_telling(key):
            dropped.append((RemovedReason.CAPTION, block))
        else:
            kept.append(block)
        seen.add(key)
    return _Head(found_title, byline, highlights, kept, dropped)


def _take_highlights(blocks: list[str], dropped: list[tuple[RemovedReason, str]]) -> tuple[tuple[str, ...], list[str]]:
    """Return the summary points of a head, and the blocks that are none. Labels go to `dropped`."""
    highlights: list[str] = []
    rest: list[str] = []
    labelled = False
    for index, block in enumerate(blocks):
        bullet = _BULLET.match(block)
        if is_label(block) and any(map(_may_be_highlight, blocks[index + 1 : index + 2])):
            labelled = True
            dropped.append((RemovedReason.LABEL, block))
        elif len(block) > _LONGEST_HIGHLIGHT or len(highlights) == _MAX_HIGHLIGHTS:
            rest.append(block)
        elif bullet and (labelled or block[0] in _SURE_BULLETS or _is_among_stars(blocks, index)):
            highlights.append(block[bullet.end() :])
        elif labelled and not any(map(_BULLET.match, blocks[index:])) and _may_be_highlight(block):
            highlights.append(block)
        else:
            labelled = False
            rest.append(block)
    return tuple(highlights), rest


def _may_be_highlight(block: str) -> bool:
    return not (clutter(block) or _byline(block) or _DATE_LINE.match(block) or _ends_with_slug(block))


def _is_among_stars(blocks: list[str], index: int) -> bool:
    beside = blocks[max(0, index - 1) : index] + blocks[index + 1 : index + 2]
    return blocks[index].startswith("* ") and any(block.startswith("* ") for block in beside)


def _head_clutter(block: str, *, said: Counter[str], seen: set[str]) -> RemovedReason | None:
    """Return why a block before the first paragraph is clutter. In the text itself the same words might be news."""
    if _is_date(block) or _is_about_text(block):
        return RemovedReason.BOILERPLATE
    if _ends_with_slug(block):
        return RemovedReason.SLUG
    untimed = _TRAILING_TIME.sub("", block)
    if untimed != block and said[gist(untimed)] > 1:
        return RemovedReason.RUNNING_TIME
    key = gist(block)
    return RemovedReason.REPEATED if key in seen and _is_telling(key) else None


def _is_date(block: str) -> bool:
    return _DATE_LINE.match(block) is not None and not ends_sentence(block)


def _is_about_text(block: str) -> bool:
    """Whether it is a line of facts about the text: `Tue 9 April 2024 | 3 min read | Jane Doe`."""
    parts = _PARTS.split(block)
    others = [part for part in parts if not (_is_date(part) or clutter(part))]
    return len(parts) > 1 and len(others) < len(parts) and all(map(_is_name, others))


def _ends_with_slug(block: str) -> bool:
    """Whether its last word is a file's or a clip's name: `harbour_talks_0214_v2`."""
    last = block.rsplit(maxsplit=1)[-1]
    return last != block and "_" in last.strip("_") and any(map(str.isdigit, last))


def _is_telling(key: str) -> bool:
    """Whether a gist is of words enough that two of it are no chance, and no line of a table."""
    enough = _DENSE_TELLING_CHARS if is_dense(key) else _TELLING_CHARS
    return len(key) >= enough and sum(map(str.isdigit, key)) * 4 < len(key)


def _may_be_title(block: str) -> bool:
    return len(block) <= _LONGEST_TITLE and not ends_with_full_stop(block) and not block.endswith((":", ";", ","))


def _byline(block: str) -> str | None:
    """Return who wrote it: `By Jane Doe and John Roe, CNN` -> `Jane Doe and John Roe`."""
    found = _BYLINE.match(block)
    if found is None or ends_sentence(block):
        return None
    names = re.split(r",| \| | - | – | — ", found[1])[0].strip()
    return names if _NAME.fullmatch(names) and not any(word[0].islower() for word in _name_words(names)) else None


def _name_among(block: str) -> str | None:
    """Return the name of a person in a line of facts about the text."""
    return next(filter(_is_name, _PARTS.split(block)), None) if _is_about_text(block) else None


def _is_name(block: str) -> bool:
    words = block.split()
    return 2 <= len(words) <= 3 and _NAME.fullmatch(block) is not None and all(word[0].isupper() for word in words)


def _name_words(names: str) -> list[str]:
    return [word for word in names.split() if word not in _IN_NAMES]


def _says_again(block: str, title: str) -> bool:
    """Whether the block is the title, or the title with a site's name to it."""
    said, wanted = gist(block), gist(title)
    if said == wanted:
        return True
    shorter, longer = sorted((said, wanted), key=len)
    return len(shorter) >= _REPEATED_CHARS // 3 and shorter in longer and len(shorter) >= len(longer) * 0.6


def _body(blocks: list[str], head: _Head, title: str | None) -> tuple[list[str], list[tuple[RemovedReason, str]]]:
    kept = list(head.kept)
    dropped: list[tuple[RemovedReason, str]] = []
    seen = {gist(block) for block in kept}
    wanted = gist(title) if title else None
    late = _late_clutter(blocks)
    pointed_until = -1
    for index, block in enumerate(blocks):
        key = gist(block)
        reason = clutter(block) or late.get(index)
        if reason is RemovedReason.PROMOTION and is_pointer(block):
            pointed_until = index + _MAX_POINTED_AT
        elif index <= pointed_until and _is_statement(block):
            pointed_until = -1
        if reason:
            dropped.append((reason, block))
        elif index <= pointed_until:
            dropped.append((RemovedReason.PROMOTION, block))
        elif key and (key == wanted or (key in seen and len(block) >= _REPEATED_CHARS)):
            dropped.append((RemovedReason.REPEATED, block))
        else:
            kept.append(block)
            seen.add(key)
    return kept, dropped


def _late_clutter(blocks: list[str]) -> dict[int, RemovedReason]:
    """Return what is clutter behind the last statement, by index. Before it the same words might be news."""
    start = next((index for index in range(len(blocks), 0, -1) if _is_statement(blocks[index - 1])), len(blocks))
    late = range(start, len(blocks))
    found = {index: RemovedReason.CREDIT for index in late if is_sign_off(blocks[index])}
    clips = [index for index in late if _TRAILING_CLIP_TIME.search(blocks[index])]
    # Several lines with a time are a table of results or a timetable.
    return found | {clips[0]: RemovedReason.CAPTION} if len(clips) == 1 else found


def _is_statement(block: str) -> bool:
    return _is_prose(block) or (ends_with_full_stop(block) and not (clutter(block) or is_sign_off(block)))
