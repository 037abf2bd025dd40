"""Fingerprinted documents for tests of stories: texts that are near duplicates of each other, in chains and apart."""

import random
from functools import cache
from itertools import pairwise

from hypothesis import strategies as st

from bench.copies import original, other_words
from schemas.insights import BandedDocument, FingerprintedDocument, StoryLink
from services.core.fingerprint import bands, fingerprint, id_band, similarity

HOUR_MS = 60 * 60 * 1000
TAGS = ("libya", "peru", "health", "energy")


@cache
def fingerprints() -> tuple[str, ...]:
    """Return fingerprints of three texts, each edited six times over: neighbours are near duplicates, ends are not."""
    chance = random.Random(5)
    found: list[str | None] = []
    for _ in range(3):
        text = original(chance)
        for _ in range(7):
            found.append(fingerprint(text))
            text = other_words(text, chance)
    known = tuple(text for text in found if text is not None)
    assert sum(similarity(one, other) >= 0.8 for one, other in pairwise(known)) >= 12
    assert similarity(known[0], known[6]) < 0.8
    return known


def printed(
    offset: int, *, text: int | None = 0, document_id: str | None = None, at_ms: int = 0, tags: tuple[str, ...] = ()
) -> BandedDocument:
    """Return the document of a record, with one of the texts, or with one that is too short."""
    told = None if text is None else fingerprints()[text]
    document_id = document_id or f"d{offset}"
    return BandedDocument(
        record=f"0/{offset}",
        id=document_id,
        title=f"Title {offset}",
        source="tests",
        at_ms=at_ms,
        tags=tags,
        fingerprint=told,
        bands=(*(() if told is None else bands(told)), id_band(document_id)),
    )


def unbanded(document: BandedDocument) -> FingerprintedDocument:
    return FingerprintedDocument(**document.model_dump(exclude={"bands"}))


def link(first: BandedDocument, second: BandedDocument) -> StoryLink:
    return StoryLink(first=unbanded(first), second=unbanded(second))


@st.composite
def documents(draw: st.DrawFn, *, most: int = 12) -> list[BandedDocument]:
    """Draw documents of different records, some of them versions of one another."""
    drawn = draw(
        st.lists(
            st.tuples(
                st.none() | st.integers(0, len(fingerprints()) - 1),
                st.none() | st.sampled_from(("x", "y")),
                st.integers(0, 4),
                st.lists(st.sampled_from(TAGS), unique=True, max_size=3),
            ),
            min_size=2,
            max_size=most,
        )
    )
    return [
        printed(offset, text=text, document_id=document_id, at_ms=hour * HOUR_MS, tags=tuple(tags))
        for offset, (text, document_id, hour, tags) in enumerate(drawn)
    ]


def components(links: list[StoryLink]) -> set[frozenset[str]]:
    """Return the records that are connected, by links alone."""
    found: list[set[str]] = []
    for pair in links:
        ends = {pair.first.record, pair.second.record}
        touched = [part for part in found if part & ends]
        found = [part for part in found if not part & ends] + [ends.union(*touched)]
    return {frozenset(part) for part in found}
