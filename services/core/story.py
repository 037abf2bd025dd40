"""Documents that are one story -> what follows: the story's id, who duplicates whom, which records are copies."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from sys import intern
from typing import Final, NamedTuple, Self

from schemas.documents import DocumentId, Model, Slug
from schemas.insights import FingerprintedDocument, RecordPosition
from services.core.fingerprint import of_signature, signature, signature_similarity

LAST_VERSIONS: Final = 50
"""Versions of a document that are kept, beside the earliest one of each tag: a ticker under one id has thousands."""
MAX_COMPARED: Final = 200
"""Documents of a story that the others may be duplicates of: the earliest."""


class StoryVersion(Model):
    """A record of a document."""

    record: RecordPosition
    at_ms: int
    """Event time, milliseconds since 1970."""
    tags: tuple[Slug, ...] = ()


class StoryRow(Model):
    """A document that was paired, and with which: all that is stored of stories. Its key is the document's id."""

    id: DocumentId
    title: str | None = None
    """Title, source and fingerprint are those of the last version."""
    source: str
    fingerprint: str | None = None
    versions: tuple[StoryVersion, ...]
    paired: tuple[DocumentId, ...] = ()
    """Pairs that hold the story together; each is stored with one of its two documents."""


class Version(NamedTuple):
    """A record of a document. Of two, the later one in its partition is the later version."""

    partition: int
    offset: int
    at_ms: int
    tags: tuple[str, ...]

    @property
    def record(self) -> str:
        return f"{self.partition}/{self.offset}"

    @classmethod
    def of(cls, record: str, at_ms: int, tags: Iterable[str]) -> Self:
        return cls(*_place(record), at_ms, tuple(map(intern, tags)))


@dataclass(frozen=True, slots=True)
class Document:
    """All versions of a document, the last of which speaks for it. It holds what its row does, in less memory."""

    id: str
    title: str | None
    source: str
    signature: int | None
    """None also for a fingerprint of another kind, which cannot be compared."""
    versions: tuple[Version, ...]
    """In order."""
    first_ms: int
    """Event time of the earliest version."""
    paired: tuple[str, ...] = ()

    def has(self, record: str) -> bool:
        """Tell whether a record is one of its versions."""
        place = _place(record)
        return any(version[:2] == place for version in self.versions)

    def with_version(self, other: Self) -> Self:
        """Return the document with another record of it."""
        versions = tuple(sorted(self.versions + other.versions))
        last = self if versions[-1] == self.versions[-1] else other
        return replace(last, versions=versions, first_ms=min(self.first_ms, other.first_ms), paired=self.paired)

    def without_old_versions(self) -> Self:
        """
        Return the document with the versions that decide anything still: the last ones, and the earliest of each tag.

        All others are copies for all of their tags, and have been told to be.
        """
        if len(self.versions) <= LAST_VERSIONS:
            return self
        by_time = sorted(self.versions, key=lambda version: version.at_ms)
        earliest = {tag: version for version in reversed(by_time) for tag in version.tags}
        kept = {by_time[0], by_time[-1], *earliest.values(), *self.versions[-LAST_VERSIONS:]}
        return replace(self, versions=tuple(sorted(kept)))

    @classmethod
    def of(cls, told: FingerprintedDocument) -> Self:
        version = Version.of(told.record, told.at_ms, told.tags)
        return cls(told.id, told.title, intern(told.source), _signature(told.fingerprint), (version,), told.at_ms)

    @classmethod
    def of_row(cls, row: StoryRow) -> Self:
        versions = tuple(Version.of(version.record, version.at_ms, version.tags) for version in row.versions)
        return cls(
            row.id,
            row.title,
            intern(row.source),
            _signature(row.fingerprint),
            versions,
            min(version.at_ms for version in versions),
            row.paired,
        )

    def row(self) -> StoryRow:
        return StoryRow(
            id=self.id,
            title=self.title,
            source=self.source,
            fingerprint=None if self.signature is None else of_signature(self.signature),
            versions=tuple(
                StoryVersion(record=version.record, at_ms=version.at_ms, tags=version.tags) for version in self.versions
            ),
            paired=self.paired,
        )


class Duplicate(NamedTuple):
    """The document that another is a near duplicate of."""

    of: str
    similarity: float


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """Documents that are one story."""

    id: str
    """That of the earliest document."""
    documents: Mapping[str, Document]
    """By id, the earliest first."""
    duplicates: Mapping[str, Duplicate]
    copies: Mapping[str, tuple[str, ...]]
    """Record -> the tags that an earlier one of the story has."""
    earliest_ms: int
    newest_ms: int


NO_STORY: Final = Story("", {}, {}, {}, 0, 0)


def story_of(
    documents: Mapping[str, Document],
    known: Mapping[str, Duplicate],
    changed: Collection[str],
    similarity: float,
) -> Story:
    """Return the story of these documents. What is known of duplicates holds as far as no changed one touches it."""
    in_order = sorted(documents.values(), key=lambda document: (document.first_ms, document.id))
    records = sorted((version.at_ms, document.id, version) for document in in_order for version in document.versions)
    return Story(
        id=in_order[0].id,
        documents={document.id: document for document in in_order},
        duplicates=dict(_duplicates(in_order, known, changed, similarity)),
        copies=dict(_copies_among([version for _, _, version in records])),
        earliest_ms=records[0][0],
        newest_ms=records[-1][0],
    )


def _duplicates(
    in_order: Sequence[Document], known: Mapping[str, Duplicate], changed: Collection[str], similarity: float
) -> Iterator[tuple[str, Duplicate]]:
    """Find for each document the earliest one before it that is similar enough, among the first `MAX_COMPARED`."""
    first = in_order[:MAX_COMPARED]
    places = {document.id: place for place, document in enumerate(first)}
    changed_places = [place for place, document in enumerate(first) if document.id in changed]
    for place, document in enumerate(in_order):
        duplicate = known.get(document.id)
        if document.id in changed or (duplicate and (duplicate.of in changed or duplicate.of not in places)):
            duplicate = _earliest(document, first[:place], similarity)
        else:
            # Only one that has changed, and is before what is known, can take its place.
            before = place if duplicate is None else places[duplicate.of]
            earlier = (first[changed_place] for changed_place in changed_places[: bisect_left(changed_places, before)])
            duplicate = _earliest(document, earlier, similarity) or duplicate
        if duplicate:
            yield document.id, duplicate


def _earliest(document: Document, earlier: Iterable[Document], similarity: float) -> Duplicate | None:
    if document.signature is None:
        return None
    for other in earlier:
        if other.signature is not None:
            found = signature_similarity(document.signature, other.signature)
            if found >= similarity:
                return Duplicate(other.id, found)
    return None


def _copies_among(records: Iterable[Version]) -> Iterator[tuple[str, tuple[str, ...]]]:
    told: set[str] = set()
    for version in records:
        tags = tuple(tag for tag in version.tags if tag in told)
        if tags:
            yield version.record, tags
        told.update(version.tags)


def _place(record: str) -> tuple[int, int]:
    partition, _, offset = record.partition("/")
    return int(partition), int(offset)


def _signature(fingerprint: str | None) -> int | None:
    return None if fingerprint is None else signature(fingerprint)
