"""Pairs -> stories: which documents are one story, what is to be said of each of them, and which records are copies."""

import heapq
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from schemas.insights import Copy, FingerprintedDocument, StoryAssignment, StoryEvent, StoryLink
from services.core.disjoint_sets import Node
from services.core.event_time import from_milliseconds
from services.core.near_duplicates import NEAR_DUPLICATE
from services.core.story import NO_STORY, Document, Story, StoryRow, story_of


@dataclass(frozen=True, slots=True)
class Changes:
    """What follows from pairs that came."""

    assignments: tuple[StoryAssignment, ...]
    copies: tuple[Copy, ...]
    """All tags for which the record is a copy, of whatever partition."""
    rows: tuple[StoryRow, ...]
    """To be written; those that they replace have the same id."""
    stories: tuple[Story, ...]


class Stories:
    """
    The stories of the last hours: connected components of documents, paired as near duplicates or by their id.

    All versions of a document are one document. What is said of a story follows from the set of its pairs, in whatever
    order and however often they came. `join` says what changes and changes nothing; `apply` does, once outputs are
    acknowledged and rows are written. So after any failure between them the same pairs lead to the same again.
    """

    def __init__(self, *, similarity: float = NEAR_DUPLICATE) -> None:
        self._similarity = similarity
        self._of: dict[str, Story] = {}
        """Document id -> its story."""
        # Heaps of stories' event times and their ids then; some are outdated.
        self._by_newest: list[tuple[int, str]] = []
        self._by_earliest: list[tuple[int, str]] = []

    def __len__(self) -> int:
        """Return how many documents there are."""
        return len(self._of)

    def restore(self, rows: Iterable[StoryRow]) -> None:
        """Take in all that was stored; it may come from the middle of writing the rows of a change."""
        documents = {row.id: Document.of_row(row) for row in rows}
        nodes = {document_id: Node() for document_id in documents}
        for document in documents.values():
            for other in document.paired:
                # It may have expired and been deleted, where this one was about to be.
                if other in nodes:
                    nodes[document.id].unite(nodes[other])
        stories: dict[Node, dict[str, Document]] = {}
        for document_id, node in nodes.items():
            stories.setdefault(node.root(), {})[document_id] = documents[document_id]
        self._keep(story_of(members, {}, members.keys(), self._similarity) for members in stories.values())

    def join(self, links: Iterable[StoryLink]) -> Changes:
        """
        Return what follows from some pairs; nothing, where all of them are known.

        Takes time linear in the documents of the stories that change, however many pairs change them, and in the worst
        case `MAX_COMPARED` comparisons for each document that is new to its story.
        Raises ValueError where a fingerprint is none.
        """
        changed: dict[str, Document] = {}
        nodes: dict[Story | str, Node] = {}
        for link in links:
            ends = (link.first, link.second)
            for told in ends:
                self._tell(told, changed)
            first, second = (nodes.setdefault(self._part(told.id), Node()) for told in ends)
            if first.unite(second):
                fewer, other = sorted((self._now(told.id, changed) for told in ends), key=lambda end: len(end.paired))
                changed[fewer.id] = replace(fewer, paired=(*fewer.paired, other.id))
        stories = tuple(self._changed_stories(nodes, changed))
        return Changes(
            assignments=tuple(said for story in stories for said in self._assignments(story)),
            copies=tuple(copy for story in stories for copy in self._copies(story)),
            rows=tuple(document.row() for document in changed.values()),
            stories=stories,
        )

    def apply(self, changes: Changes) -> None:
        """Make the changes of the last `join`, which have been sent and stored."""
        self._keep(changes.stories)

    def expire(self, before_ms: int, *, begun_before_ms: int, most: int) -> list[str]:
        """
        Forget stories whose newest document has an event time before the one, or whose earliest before the other.

        Then those whose newest is the oldest, until there are no more than `most` documents. A story that never ends,
        such as a weather report by a form, begins anew so. Returns the ids of the rows to delete.
        """
        forgotten: list[str] = []
        while self._by_earliest and self._by_earliest[0][0] < begun_before_ms:
            earliest_ms, story_id = heapq.heappop(self._by_earliest)
            story = self._of.get(story_id, NO_STORY)
            if (story.id, story.earliest_ms) == (story_id, earliest_ms):
                forgotten += self._forget(story)
        while self._by_newest and (self._by_newest[0][0] < before_ms or len(self._of) > most):
            newest_ms, story_id = heapq.heappop(self._by_newest)
            story = self._of.get(story_id, NO_STORY)
            if (story.id, story.newest_ms) == (story_id, newest_ms):
                forgotten += self._forget(story)
        return forgotten

    def _forget(self, story: Story) -> Iterable[str]:
        for document_id in story.documents:
            del self._of[document_id]
        return story.documents

    def _part(self, document_id: str) -> Story | str:
        """Return what is one already: the document's story, or the document that has none."""
        return self._of.get(document_id, document_id)

    def _now(self, document_id: str, changed: Mapping[str, Document]) -> Document:
        return changed.get(document_id) or self._of[document_id].documents[document_id]

    def _tell(self, told: FingerprintedDocument, changed: dict[str, Document]) -> None:
        """Put the document among the changed ones, if this record of it is new."""
        if told.id not in changed and told.id not in self._of:
            changed[told.id] = Document.of(told)
            return
        known = self._now(told.id, changed)
        if known.has(told.record):
            return
        if told.id not in changed:  # of those that have changed here, not all versions have been told of
            known = known.without_old_versions()
        changed[told.id] = known.with_version(Document.of(told))

    def _changed_stories(self, nodes: Mapping[Story | str, Node], changed: Mapping[str, Document]) -> Iterator[Story]:
        united: dict[Node, list[Story]] = {}
        for part, node in nodes.items():
            if isinstance(part, Story):
                united.setdefault(node.root(), []).append(part)
        changed_of: dict[Node, dict[str, Document]] = {}
        for document_id, document in changed.items():
            changed_of.setdefault(nodes[self._part(document_id)].root(), {})[document_id] = document
        for root, documents in changed_of.items():
            largest, *others = sorted(united.get(root, ()), key=lambda story: -len(story.documents)) or [NO_STORY]
            added = ChainMap(documents, *(dict(story.documents) for story in others))
            yield story_of({**largest.documents, **added}, largest.duplicates, set(added), self._similarity)

    def _assignments(self, story: Story) -> Iterator[StoryAssignment]:
        """Say what is new of each document. Versions of a single one are no story to tell of."""
        if len(story.documents) == 1:
            return
        for document in story.documents.values():
            before = self._of.get(document.id, NO_STORY)
            duplicate = story.duplicates.get(document.id)
            if len(before.documents) < 2:
                event = StoryEvent.JOINED
            elif before.id != story.id:
                event = StoryEvent.MERGED
            elif before.duplicates.get(document.id) != duplicate:
                event = StoryEvent.CHANGED
            else:
                continue
            yield StoryAssignment(
                document_id=document.id,
                event=event,
                story_id=story.id,
                previous_story_id=before.id if event is StoryEvent.MERGED else None,
                duplicate_of=duplicate and duplicate.of,
                similarity=duplicate and round(duplicate.similarity, 4),
                documents=len(story.documents),
                title=document.title,
                source=document.source,
                at=from_milliseconds(document.first_ms),
            )

    def _copies(self, story: Story) -> Iterator[Copy]:
        for document in story.documents.values():
            before = self._of.get(document.id, NO_STORY).copies
            for version in document.versions:
                tags = story.copies.get(version.record, ())
                if tags and tags != before.get(version.record):
                    yield Copy(record=version.record, at_ms=version.at_ms, tags=tags)

    def _keep(self, stories: Iterable[Story]) -> None:
        for story in stories:
            before = self._of.get(story.id, NO_STORY)
            self._of.update(dict.fromkeys(story.documents, story))
            # Where neither has changed, it is there already.
            if (before.id, before.newest_ms) != (story.id, story.newest_ms):
                heapq.heappush(self._by_newest, (story.newest_ms, story.id))
            if (before.id, before.earliest_ms) != (story.id, story.earliest_ms):
                heapq.heappush(self._by_earliest, (story.earliest_ms, story.id))
