"""What insights say of classified documents: which tags burst, which documents are one story; and what they need."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, NonNegativeInt, PositiveInt, model_validator

from schemas.documents import DocumentId, Model, Share, Slug

Expected = Annotated[float, Field(ge=0)]
"""Stories in an interval, as the hours and days before let expect."""

RecordPosition = Annotated[str, Field(pattern=r"^\d+/\d+$")]
"""`partition/offset` in `documents.classified`: it names one record, where a document may have come several times."""

EventTimeMs = Annotated[int, Field(ge=0, le=253_402_214_400_000)]
"""Event time, milliseconds from 1970 until the last day of 9999: a datetime can say it, in whatever zone."""


class StoryEvent(StrEnum):
    """Why a StoryAssignment was written."""

    JOINED = "joined"
    """The document is found to be of the story; for the story's first document, that another one is of it, too."""
    MERGED = "merged"
    """Two stories turned out to be one: a document that was of `previous_story_id` is now of `story_id`."""
    CHANGED = "changed"
    """The story is the same; `duplicate_of` or `similarity` is not."""


class StoryAssignment(Model):
    """Which story a document belongs to. A document that nobody has copied or rewritten has none."""

    document_id: DocumentId
    event: StoryEvent
    story_id: DocumentId
    """Id of the story's earliest document. The last assignment of a document is the one that holds."""
    previous_story_id: DocumentId | None = None
    """For `merged`: the story that the document was of."""
    duplicate_of: DocumentId | None = None
    """The earliest document of the story that this one is a near duplicate of. None: it is the first of its kind."""
    similarity: Share | None = None
    """Estimated Jaccard similarity to `duplicate_of`; None with it."""
    documents: PositiveInt
    """Documents of the story, as far as known by then."""
    title: str | None = None
    source: str
    at: AwareDatetime
    """Event time of the document."""


class TrendEvent(StrEnum):
    """What happened to a burst."""

    STARTED = "started"
    GREW = "grew"
    """The window holds twice as many stories as when the last event of the burst was written."""
    ENDED = "ended"
    WITHDRAWN = "withdrawn"
    """Documents that came late, or turned out to be copies, show that it was none, or that it began at another time."""


class TrendDocument(Model):
    """A document that made a burst."""

    id: DocumentId
    title: str | None = None
    source: str
    at: AwareDatetime
    """Event time."""


class TagTrend(Model):
    """A burst of a tag: more stories than the time of day and the days before let expect."""

    tag: Slug
    event: TrendEvent
    burst_id: str
    """The same for all events of a burst: `libya@2026-01-31T08:00:00Z`, tag and start."""
    started_at: AwareDatetime
    """Where the first window of the burst ends."""
    at: AwareDatetime
    """Where the window that is judged here ends; for `ended`, the first window that no longer bursts. Event time."""
    window_s: PositiveInt
    """Seconds that a window is long."""
    stories: NonNegativeInt
    """Different stories in the window: a report counts once, however often it is syndicated."""
    documents: NonNegativeInt
    """Documents in the window, copies and all."""
    expected: Expected
    """Stories that such a window holds at this time of day."""
    score: Annotated[float, Field(ge=0)]
    """How surprising the count is: -log10 of the probability of so many or more."""
    peak_stories: NonNegativeInt
    """Most stories in a window of the burst so far."""
    peak_score: Annotated[float, Field(ge=0)]
    examples: tuple[TrendDocument, ...] = ()
    """Documents that made it, one a story, the most relevant first; not all of them."""


class TagHistory(Model):
    """Where a tag stands, and how it came there: enough for a spark line."""

    tag: Slug
    at: AwareDatetime
    """End of the last interval. Event time."""
    interval_s: PositiveInt
    """Seconds from one number of `stories` to the next."""
    stories: tuple[NonNegativeInt, ...]
    """Stories in each interval, the last one last."""
    expected: tuple[Expected, ...]
    """Beside each number of `stories`, what was to be expected."""
    score: Annotated[float, Field(ge=0)]
    """Of the last window; see TagTrend."""
    burst: TagTrend | None = None
    """The last event of the burst that goes on. None: the tag does not burst."""


class CountedDocument(Model):
    """A document, as far as counting its tags needs it."""

    offset: NonNegativeInt
    """Of its record in the partition of `documents.classified` that `TagCounts.source` names."""
    id: DocumentId
    title: str | None = None
    source: str
    at_ms: EventTimeMs
    tags: dict[Slug, Share]
    """Tag -> its relevance; those that go to this partition."""


class Copy(Model):
    """A record whose document is no new story for some tags: they are not counted for it."""

    record: RecordPosition
    at_ms: EventTimeMs
    tags: tuple[Slug, ...]
    """Those that an earlier document of the story has, too, and that go to this partition."""


class TagCounts(Model):
    """Documents of one partition of `documents.classified`, packed for one partition of tags. Internal."""

    source: int | None = None
    """The partition of `documents.classified`. None: there are only copies."""
    documents: tuple[CountedDocument, ...] = ()
    """By offset."""
    copies: tuple[Copy, ...] = ()

    @model_validator(mode="after")
    def _has_source(self) -> Self:
        if self.documents and self.source is None:
            raise ValueError("documents have no source")
        return self


class FingerprintedDocument(Model):
    """A document, as far as finding its near duplicates needs it."""

    record: RecordPosition
    id: DocumentId
    title: str | None = None
    source: str
    at_ms: EventTimeMs
    tags: tuple[Slug, ...] = ()
    fingerprint: str | None = None
    """As in EnrichedDocument. None: the text is too short for one; only its id is compared."""


class BandedDocument(FingerprintedDocument):
    bands: tuple[int, ...]
    """Hashes of those bands of the fingerprint, and of the id, that go to this partition."""


class FingerprintBands(Model):
    """Documents of one partition of `documents.classified`, packed for one partition of bands. Internal."""

    source: int
    """The partition of `documents.classified`."""
    documents: tuple[BandedDocument, ...]


class StoryLink(Model):
    """Two records that are one story: near duplicates, or versions of one document."""

    first: FingerprintedDocument
    second: FingerprintedDocument


class StoryLinks(Model):
    """Pairs that one partition of bands found. Internal."""

    links: tuple[StoryLink, ...]
