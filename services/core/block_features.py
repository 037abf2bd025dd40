"""The blocks of a page -> numbers about how each is laid out. No word of a text is looked at."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from services.core.page_blocks import NEVER_ARTICLE, Block, PageBlocks

FEATURES: Final = (
    *("up_to_top", "down_from_top", "is_in_top", "since_top", "until_top_end", "left_in_top", "top_share", "depth"),
    *("prose_about", "prose_about_parent", "prose_about_grandparent", "prose_beside", "prose_like", "likes"),
    *("parents_alike", "grandparents_alike", "linked", "linked_about", "linked_about_parent"),
    *("linked_about_grandparent", "tag", "next_tag", "words", "chars", "share", "next_chars", "next_linked"),
    *("previous_linked", "next_up_to_top", "blocks_here", "since_heading", "position", "is_in_article"),
    *("article_share", "named_body", "named_chrome", "named_legal", "named_about"),
    *("is_near_comments", "is_near_picture", "is_near_promotion", "is_before_comments"),
)
"""What `features` returns for a block, in this order."""

_SHORTEST_PROSE: Final = 80
"""Characters of a block that counts as prose, if less than a third of it is links."""
_ALL_LINKS: Final = 0.9
_LITTLE: Final = 0.05
"""Share of the page's prose about a block of links, below which it is a menu."""
_MUCH: Final = 0.2
_MOST: Final = 0.8
_NEARLY_ALL: Final = 0.95
_NOTHING: Final = -1
_NO_HEADING: Final = -999
_LATE: Final = 1_000_000_000
_NO_BLOCK: Final = Block("", 0, _NOTHING)

_TAG_NAMES: Final = """
    p li h1 h2 h3 h4 h5 h6 div td th tr blockquote figcaption section article dd dt pre header footer ul button main
    aside summary body
    """.split()  # noqa: SIM905  # words read better as words
_TAGS: Final = {tag: number for number, tag in enumerate(_TAG_NAMES)}
_OTHER_TAG: Final = len(_TAGS)

_BODY, _COMMENTS, _CHROME, _LEGAL, _ABOUT, _PICTURE, _PROMOTION, _NEVER = (1 << bit for bit in range(8))
# How authors of pages name their boxes. These are names in markup, which are English the world over.
_NAMED: Final = (
    (
        _BODY,
        re.compile(
            "article[-_]?(?:body|text|content)|story[-_]?(?:body|text|content)|entry[-_]?content"
            "|post[-_]?(?:body|content|text)|body[-_]?(?:text|copy)|rich[-_]?text|prose|wysiwyg"
        ),
    ),
    (
        _COMMENTS,
        re.compile(
            r"comments|comment[-_ ]?(?:list|section|area|body|text|content|thread|box|form|wrap|item|author|meta|\d)"
            "|disqus|discussion|respond|replies"
        ),
    ),
    (
        _CHROME,
        re.compile("nav|menu|header|footer|masthead|topbar|toolbar|search|login|breadcrumb|skip|logo|copyright"),
    ),
    (
        _LEGAL,
        re.compile(
            "cookie|consent|gdpr|ccpa|onetrust|legal|privacy|terms|disclaimer|modal|popup|overlay|dialog|toast|notice|alert"
        ),
    ),
    (_ABOUT, re.compile("meta|byline|author|bio|date|time|credit|published|info|contributor|writer|avatar")),
    (
        # Of blocks so named in the pages that the model learned from, few were of the article: one in ten at most.
        _NEVER,
        re.compile(
            r"newsletter|subscri|sign[-_]?up|byline|cookie|consent|breadcrumb|promo|advert|sponsor|caption"
            r"|sr[-_]only|screen[-_]reader|visually[-_]hidden|(?:^|[\s_-])(?:ads?|cap)(?:$|[\s_-])"
        ),
    ),
    (_PICTURE, re.compile("caption|image|photo|figure|picture|gallery|media|video|thumb")),
    (
        _PROMOTION,
        re.compile(
            "promo|newsletter|subscri|sign[-_]?up|cta|banner|paywall|donat|membership|offer|advert|sponsor|campaign"
            "|relat|recommend|read[-_]?(?:more|next|also)|trending|popular|latest|teaser|outbrain|taboola|share|social"
        ),
    ),
)
_LONGEST_NAMES: Final = 300


@dataclass(frozen=True, slots=True)
class _Held:
    """What each element holds, with all that is in it. Lists as long as the page's elements."""

    chars: list[int]
    links: list[float]
    prose: list[int]
    own_prose: list[int]
    """Right in the element."""
    beside: list[int]
    """Right in the elements that stand right in it: that of its paragraphs."""
    blocks: list[int]
    """Right in the element."""
    first: list[int]
    last: list[int]


def features(page: PageBlocks) -> list[tuple[float, ...] | None]:
    """Return the features of each block; None for one that is no article, whatever else may be said of it."""
    if not page.blocks:
        return []
    blocks, parents, tags = page.blocks, page.parents, page.tags
    prose_of = [
        len(block.text) if len(block.text) >= _SHORTEST_PROSE and block.linked * 3 < 1 else 0 for block in blocks
    ]
    held = _held(page, prose_of)
    prose, links, chars, own_blocks, beside = held.prose, held.links, held.chars, held.blocks, held.beside
    all_prose, all_chars = prose[0] or 1, chars[0]
    heading = next((index for index, block in enumerate(blocks) if tags[block.element] == "h1"), _NOTHING)
    top = _top(page, held)
    up, down = _ways_to(top, parents)
    top_first, top_last = held.first[top], held.last[top]
    top_blocks = top_last - top_first + 1
    top_share = prose[top] / all_prose
    article = max((element for element, tag in enumerate(tags) if tag == "article"), key=prose.__getitem__, default=0)
    article_share = prose[article] / all_prose if article else _NOTHING
    article_first, article_last = (held.first[article], held.last[article]) if article else (_LATE, _NOTHING)
    named, own_named = _named(page, held, heading, next((index for index, size in enumerate(prose_of) if size), 0))
    depth = _depths(parents)
    top_depth = depth[top]
    comments = next((index for index, block in enumerate(blocks) if named[block.element] & _COMMENTS), _LATE)
    kinds = page.kinds
    alike = Counter(kinds)
    likes = Counter(kinds[block.element] for block in blocks)
    prose_like: defaultdict[str, int] = defaultdict(int)
    for block, size in zip(blocks, prose_of, strict=True):
        prose_like[kinds[block.element]] += size
    prose_blocks = sum(1 for size in prose_of if size)
    tag_numbers = [_TAGS.get(tag, _OTHER_TAG) for tag in tags]
    rows: list[tuple[float, ...] | None] = []
    before = 0
    previous_linked: float = _NOTHING
    for index, (text, element, linked) in enumerate(blocks):
        parent = parents[element]
        grand = parents[parent]
        great = parents[grand]
        size = len(text)
        names = named[element]
        if names & (_COMMENTS | _NEVER) or (linked >= _ALL_LINKS and prose[grand] < _LITTLE * all_prose):
            rows.append(None)
        else:
            following = blocks[index + 1] if index + 1 < len(blocks) else _NO_BLOCK
            kind = kinds[element]
            near = own_named[element] | own_named[parent]
            rows.append(
                (
                    up[element],
                    down[element],
                    top_first <= index <= top_last,
                    index - top_first,
                    top_last - index,
                    (top_last - index) / top_blocks,
                    top_share,
                    depth[element] - top_depth,
                    prose[parent] / all_prose,
                    prose[grand] / all_prose,
                    prose[great] / all_prose,
                    beside[parent] / all_prose,
                    prose_like[kind] / all_prose,
                    likes[kind],
                    alike[kinds[parent]],
                    alike[kinds[grand]],
                    linked,
                    links[parent] / chars[parent],
                    links[grand] / chars[grand],
                    links[great] / chars[great],
                    tag_numbers[element],
                    tag_numbers[following.element] if following.text else _NOTHING,
                    text.count(" ") + 1,
                    size,
                    size * prose_blocks / all_prose,
                    len(following.text),
                    following.linked,
                    previous_linked,
                    up[following.element] if following.text else _NOTHING,
                    own_blocks[element],
                    index - heading if heading >= 0 else _NO_HEADING,
                    before / all_chars,
                    article_first <= index <= article_last,
                    article_share,
                    names & _BODY != 0,
                    names & _CHROME != 0,
                    names & _LEGAL != 0,
                    names & _ABOUT != 0,
                    near & _COMMENTS != 0,
                    near & _PICTURE != 0,
                    near & _PROMOTION != 0,
                    comments > index,
                )
            )
        previous_linked = linked
        before += size
    return rows


def _held(page: PageBlocks, prose_of: list[int]) -> _Held:
    count = len(page.parents)
    chars, links, own_prose, own_blocks, beside = [0] * count, [0.0] * count, [0] * count, [0] * count, [0] * count
    first, last = [_LATE] * count, [_NOTHING] * count
    for index, (text, element, linked) in enumerate(page.blocks):
        size = len(text)
        chars[element] += size
        links[element] += linked * size
        own_blocks[element] += 1
        own_prose[element] += prose_of[index]
        if last[element] < 0:
            first[element] = index
        last[element] = index
    prose = own_prose.copy()
    # Elements come before what they hold, so backwards each is complete before it is added to its parent.
    for element in range(count - 1, 0, -1):
        if chars[element]:
            parent = page.parents[element]
            beside[parent] += own_prose[element]
            chars[parent] += chars[element]
            links[parent] += links[element]
            prose[parent] += prose[element]
            # A call of min and max for each element would take three times as long.
            if first[element] < first[parent]:  # noqa: PLR1730
                first[parent] = first[element]
            if last[element] > last[parent]:  # noqa: PLR1730
                last[parent] = last[element]
    return _Held(chars, links, prose, own_prose, beside, own_blocks, first, last)


def _top(page: PageBlocks, held: _Held) -> int:
    """Return the element that holds most prose at close range: all of what stands right in it, half one step down."""
    parents = page.parents
    weights = [0.0] * len(parents)
    for element, size in enumerate(held.own_prose):
        if size and element:
            parent = parents[element]
            weights[element] += size * 0.3
            weights[parent] += size
            weights[parents[parent]] += size / 2
    best, most = 0, 0.0
    for element, weight in enumerate(weights):
        if weight > most and (weighed := weight * (1 - held.links[element] / held.chars[element])) > most:
            best, most = element, weighed
    return best


def _ways_to(top: int, parents: list[int]) -> tuple[list[int], list[int]]:
    """Return for each element how many steps above `top` their paths meet, and how many it stands below there."""
    up, down = [_NOTHING] * len(parents), [0] * len(parents)
    element, steps = top, 0
    while element:
        up[element] = steps
        element, steps = parents[element], steps + 1
    up[0] = steps
    for element, parent in enumerate(parents):
        if up[element] < 0:
            up[element] = up[parent]
            down[element] = down[parent] + 1
    return up, down


def _depths(parents: list[int]) -> list[int]:
    depths = [0] * len(parents)
    for element in range(1, len(parents)):
        depths[element] = depths[parents[element]] + 1
    return depths


def _named(page: PageBlocks, held: _Held, heading: int, opening: int) -> tuple[list[int], list[int]]:
    """Return what the names of each element and those about it say, as bits; and what its own say alone."""
    blocks, parents, tags, prose = page.blocks, page.parents, page.tags, held.prose
    title = heading
    if title < 0:
        title = next((index for index, block in enumerate(blocks) if tags[block.element] == "h2"), opening)
    own = [_meaning(names) if names else 0 for names in page.names]
    named = own.copy()
    for element in range(1, len(parents)):
        bits = own[element]
        # Whatever its name, an element about title and text is the page, not its comments or its footer.
        if bits and (
            (prose[element] * 2 > prose[0] and held.first[element] <= title <= held.last[element])
            or prose[element] > _NEARLY_ALL * prose[0]
        ):
            bits &= _BODY
        # A menu or a box that is never closed may hold the article. An aside that holds most is a short article's.
        if bits & _NEVER and prose[element] > _MUCH * prose[0]:
            bits ^= _NEVER
        elif tags[element] in NEVER_ARTICLE and (tags[element] != "nav" or prose[element] <= _MOST * prose[0]):
            bits |= _NEVER
        named[element] = named[parents[element]] | (0 if tags[element] == "body" else bits)
    return named, own


@lru_cache(maxsize=16_384)
def _meaning(names: str) -> int:
    """Return what the names of an element say of it, as bits. Sites name many pages alike, so it is remembered."""
    lower = names[:_LONGEST_NAMES].lower()
    return sum(bit for bit, pattern in _NAMED if pattern.search(lower))
