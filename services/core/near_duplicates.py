"""Fingerprinted documents -> pairs of them that are one story: the index that a partition of bands keeps in memory."""

import heapq
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from sys import intern
from typing import Final, Self

from schemas.insights import BandedDocument, FingerprintedDocument, StoryLink
from services.core.disjoint_sets import Node
from services.core.fingerprint import of_signature, signature, signature_similarity

NEAR_DUPLICATE: Final = 0.8
"""Jaccard similarity from which on two texts count as near duplicates."""
MAX_COMPARED: Final = 500
"""Documents of a band that are compared: those that came last. Thousands share what many pages say below their text."""


class NearDuplicates:
    """
    The documents of the last hours, by band; who shares one is compared.

    Two are paired whose event times are at most `window_ms` apart, and which have the same id or fingerprints of at
    least `similarity`. Where several of one local story match, one pair is told: the connected components of all pairs
    told are those of all pairs that there are, in whatever order documents come, as long as no band holds more than
    `MAX_COMPARED` and none came after what it would be paired with had expired.
    A document takes about 1.4 KB.
    """

    def __init__(self, *, window_ms: int, similarity: float = NEAR_DUPLICATE) -> None:
        self._window_ms = window_ms
        self._similarity = similarity
        self._kept: dict[str, _Kept] = {}
        self._by_band: defaultdict[int, list[_Kept]] = defaultdict(list)
        self._by_time: list[tuple[int, str]] = []
        """A heap of event times and records."""

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, document: BandedDocument) -> list[StoryLink]:
        """
        Keep a document and return its pairs with earlier ones, one for each local story.

        A record that is there already changes nothing, and its pairs are told again: so they can be sent again.
        Raises ValueError where the fingerprint is none; the document is not kept then.
        """
        kept = self._kept.get(document.record) or self._place(document)
        others = (self._kept[record] for record in kept.paired if record in self._kept)
        return [StoryLink(first=other.document(), second=kept.document()) for other in others]

    def restore(self, document: BandedDocument) -> None:
        """Keep a document that was stored, whose pairs have been told."""
        if document.record not in self._kept:
            self._place(document)

    def expire(self, before_ms: int, *, most: int) -> list[str]:
        """Forget documents of earlier event times, then the earliest while there are more than `most`; return which."""
        forgotten: list[str] = []
        while self._by_time and (self._by_time[0][0] < before_ms or len(self._kept) > most):
            _, record = heapq.heappop(self._by_time)
            self._forget(self._kept.pop(record))
            forgotten.append(record)
        return forgotten

    def _place(self, document: BandedDocument) -> "_Kept":
        kept = _Kept.of(document)
        pairs = list(self._pairs(kept))
        kept.paired = tuple(other.record for other in pairs)
        self._kept[kept.record] = kept
        heapq.heappush(self._by_time, (kept.at_ms, kept.record))
        for band in kept.bands:
            sharing = self._by_band[band]
            sharing.append(kept)
            if len(sharing) > MAX_COMPARED:
                del sharing[0]
        return kept

    def _pairs(self, kept: "_Kept") -> Iterator["_Kept"]:
        """Find one of each local story that matches, and make them one story."""
        story = kept.story
        compared: set[str] = set()
        for band in kept.bands:
            for other in reversed(self._by_band.get(band, ())):
                if other.story.root() is story or other.record in compared:
                    continue
                compared.add(other.record)
                if self._is_pair(kept, other):
                    kept.story.unite(other.story)
                    story = kept.story.root()
                    yield other

    def _is_pair(self, one: "_Kept", other: "_Kept") -> bool:
        if abs(one.at_ms - other.at_ms) > self._window_ms:
            return False
        if one.id == other.id:
            return True
        if one.signature is None or other.signature is None:
            return False
        return signature_similarity(one.signature, other.signature) >= self._similarity

    def _forget(self, kept: "_Kept") -> None:
        for band in kept.bands:
            sharing = [other for other in self._by_band.pop(band, ()) if other is not kept]
            if sharing:
                self._by_band[band] = sharing


@dataclass(slots=True, eq=False)
class _Kept:
    """A document in a third of the memory that its model takes."""

    record: str
    id: str
    title: str | None
    source: str
    at_ms: int
    tags: tuple[str, ...]
    signature: int | None
    """None also for a fingerprint of another kind, which cannot be compared."""
    bands: tuple[int, ...]
    paired: tuple[str, ...] = ()
    """Records that it was paired with when it came."""
    story: Node = field(default_factory=Node)

    @classmethod
    def of(cls, document: BandedDocument) -> Self:
        return cls(
            document.record,
            document.id,
            document.title,
            intern(document.source),
            document.at_ms,
            tuple(map(intern, document.tags)),
            None if document.fingerprint is None else signature(document.fingerprint),
            document.bands,
        )

    def document(self) -> FingerprintedDocument:
        return FingerprintedDocument(
            record=self.record,
            id=self.id,
            title=self.title,
            source=self.source,
            at_ms=self.at_ms,
            tags=self.tags,
            fingerprint=None if self.signature is None else of_signature(self.signature),
        )
