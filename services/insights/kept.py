"""Records of insights' topics -> what they said last: which tags burst, how they came there, which story is whose."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from itertools import takewhile
from sys import intern
from typing import Any, Final, NamedTuple, TypeVar

from schemas.insights import StoryAssignment, TagHistory, TagTrend, TrendEvent
from schemas.topics import STORIES, TAG_HISTORY, TRENDS, Topic
from services.core.rejections import Rejected
from services.kafka import codec
from services.kafka.records import Record

TOPICS: Final = (TAG_HISTORY, TRENDS, STORIES)
MOST_DOCUMENTS: Final = 100_000
"""Of stories; beyond that the ones that were assigned first are forgotten. About 80 MB."""
MOST_TAGS: Final = 10_000
MOST_BURSTS: Final = 100
"""Of one tag."""
OVER: Final = frozenset({TrendEvent.ENDED, TrendEvent.WITHDRAWN})


Place = TypeVar("Place")


class Member(NamedTuple):
    """A document of a story, as it was assigned last. A tuple, for there are many."""

    document_id: str
    story_id: str
    duplicate_of: str | None
    """The document of which it is a near duplicate. None: it is the first of its kind."""
    similarity: float | None
    title: str | None
    source: str
    at: datetime
    documents: int
    """Of the story, as far as known when this was said."""


@dataclass(frozen=True, slots=True)
class Story:
    id: str
    members: tuple[Member, ...]
    """Those that are kept, the earliest first."""
    documents: int
    """All that it has; more than its members where the first of them are no longer kept."""

    @property
    def at(self) -> datetime:
        """When its last document came."""
        return self.members[-1].at

    @property
    def first(self) -> Member:
        return self.members[0]


class Kept:
    """What was said last of each tag and each document, for as long as the topics keep it."""

    def __init__(self, *, most_documents: int = MOST_DOCUMENTS) -> None:
        self._most_documents = most_documents
        # Each with the time of its record, the one that was told last at the end.
        self._histories: OrderedDict[str, tuple[int, TagHistory]] = OrderedDict()
        self._bursts: OrderedDict[tuple[str, str], tuple[int, TagTrend]] = OrderedDict()
        self._members: OrderedDict[str, tuple[int, Member]] = OrderedDict()
        self._bursts_of: defaultdict[str, OrderedDict[str, TagTrend]] = defaultdict(OrderedDict)
        self._stories: defaultdict[str, set[str]] = defaultdict(set)
        self._last: dict[str, datetime] = {}
        self.taken = 0
        """Records that were understood."""
        self.unreadable = 0
        """Records that were not: no record of ours, or of a later release."""

    def take(self, topic: Topic, record: Record) -> None:
        """Take in a record of one of `TOPICS`. A null value takes back what was said of its key."""
        key = (record.key or b"").decode(errors="replace")
        try:
            if topic is TAG_HISTORY:
                self._take_history(key, record)
            elif topic is TRENDS:
                self._take_burst(key, record)
            else:
                self._take_assignment(key, record)
        except Rejected:
            self.unreadable += 1
        else:
            self.taken += 1

    def forget(self, now_ms: int) -> None:
        """Forget what the topics no longer keep at this time."""
        for tag in _older(self._histories, now_ms - TAG_HISTORY.retention_ms):
            del self._histories[tag]
        for place in _older(self._bursts, now_ms - TRENDS.retention_ms):
            self._drop_burst(place)
        for document_id in _older(self._members, now_ms - STORIES.retention_ms):
            self._drop_member(document_id)

    # Tags

    @property
    def at(self) -> datetime | None:
        """How far trends have come, in event time. None: nothing was counted."""
        return max((history.at for _, history in self._histories.values()), default=None)

    def bursting(self) -> list[TagHistory]:
        """
        Return the tags that burst, the most surprising first.

        A tag of which nothing came since is not told of any more; when a whole window has gone by without it, its burst
        is over, whatever was said last.
        """
        now = self.at
        found = [
            history
            for _, history in self._histories.values()
            if now is not None
            and history.burst is not None
            and history.burst.event not in OVER
            and (now - history.at).total_seconds() < history.burst.window_s
        ]
        return sorted(found, key=lambda history: (-history.score, history.tag))

    def history(self, tag: str) -> TagHistory | None:
        kept = self._histories.get(tag)
        return kept[1] if kept else None

    def bursts(self, tag: str) -> list[TagTrend]:
        """Return the last event of each burst of a tag, the latest burst first; withdrawn ones, too."""
        return sorted(self._bursts_of.get(tag, {}).values(), key=lambda burst: burst.started_at, reverse=True)

    def ended(self, most: int) -> list[TagTrend]:
        """Return bursts of any tag that are over, the one that ended last first; none that were withdrawn."""
        over = [burst for _, burst in self._bursts.values() if burst.event is TrendEvent.ENDED]
        return sorted(over, key=lambda burst: (burst.at, burst.burst_id), reverse=True)[:most]

    @property
    def tags(self) -> int:
        return len(self._histories)

    # Stories

    def story(self, document_id: str) -> Story | None:
        """Return the story of a document; None where it has none, or none that is kept."""
        kept = self._members.get(document_id)
        return self._story(kept[1].story_id) if kept else None

    def stories(self, most: int) -> list[Story]:
        """Return the stories of which most documents are kept; of equal ones the latest come first."""
        largest = nlargest(
            most, self._stories, key=lambda story_id: (len(self._stories[story_id]), self._last[story_id])
        )
        return [self._story(story_id) for story_id in largest]

    @property
    def story_count(self) -> int:
        return len(self._stories)

    @property
    def document_count(self) -> int:
        """Documents that are of a story."""
        return len(self._members)

    def _story(self, story_id: str) -> Story:
        members = sorted(self._members_of(story_id), key=lambda member: (member.at, member.document_id))
        return Story(story_id, tuple(members), max(len(members), *(member.documents for member in members)))

    def _members_of(self, story_id: str) -> Iterator[Member]:
        for document_id in self._stories[story_id]:
            yield self._members[document_id][1]

    def _take_history(self, key: str, record: Record) -> None:
        if record.value is None:
            self._histories.pop(key, None)
            return
        history = codec.decode(record, TagHistory)
        self._histories[history.tag] = (record.timestamp_ms, history)
        self._histories.move_to_end(history.tag)
        if len(self._histories) > MOST_TAGS:
            self._histories.popitem(last=False)

    def _take_burst(self, key: str, record: Record) -> None:
        if record.value is None:
            for burst_id in list(self._bursts_of.get(key, ())):
                self._drop_burst((key, burst_id))
            return
        burst = codec.decode(record, TagTrend)
        of_tag = self._bursts_of[burst.tag]
        of_tag[burst.burst_id] = burst
        of_tag.move_to_end(burst.burst_id)
        self._bursts[burst.tag, burst.burst_id] = (record.timestamp_ms, burst)
        self._bursts.move_to_end((burst.tag, burst.burst_id))
        if len(of_tag) > MOST_BURSTS:
            self._drop_burst((burst.tag, next(iter(of_tag))))

    def _drop_burst(self, place: tuple[str, str]) -> None:
        del self._bursts[place]
        tag, burst_id = place
        del self._bursts_of[tag][burst_id]
        if not self._bursts_of[tag]:
            del self._bursts_of[tag]

    def _take_assignment(self, key: str, record: Record) -> None:
        if record.value is None:
            if key in self._members:
                self._drop_member(key)
            return
        told = codec.decode(record, StoryAssignment)
        if told.document_id in self._members:
            self._drop_member(told.document_id)
        member = Member(
            told.document_id,
            intern(told.story_id),
            told.duplicate_of and intern(told.duplicate_of),
            told.similarity,
            told.title,
            intern(told.source),
            told.at,
            told.documents,
        )
        self._members[told.document_id] = (record.timestamp_ms, member)
        self._stories[told.story_id].add(told.document_id)
        self._last[told.story_id] = max(told.at, self._last.get(told.story_id, told.at))
        if len(self._members) > self._most_documents:
            self._drop_member(next(iter(self._members)))

    def _drop_member(self, document_id: str) -> None:
        _, member = self._members.pop(document_id)
        of_story = self._stories[member.story_id]
        of_story.discard(document_id)
        if not of_story:
            del self._stories[member.story_id], self._last[member.story_id]


def _older(entries: OrderedDict[Place, tuple[int, Any]], than_ms: int) -> list[Place]:
    return [place for place, _ in takewhile(lambda each: each[1][0] < than_ms, entries.items())]
