"""What came last: classified documents, dead letters and heartbeats, kept in memory for whoever wants to read them."""

import asyncio
from bisect import insort
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from schemas import headers
from schemas.documents import ClassifiedDocument
from schemas.topics import CLASSIFIED, DEAD_LETTER
from services.core.rejections import Rejected
from services.dead_letters.letters import Letter, letter_of
from services.dead_letters.listing import without_body
from services.dead_letters.showing import letter_json
from services.kafka import codec
from services.kafka.cluster import Ends, Partition
from services.kafka.errors import CLUSTER_ERRORS
from services.kafka.latest import Latest
from services.kafka.records import Record, header
from services.kafka.settings import KafkaSettings
from services.monitor.heartbeats import Heartbeats
from services.monitor.settings import MonitorSettings
from services.monitor.snapshot import Snapshot
from services.monitor.watch import Watch

log = structlog.get_logger()

LARGEST_BYTES: Final = 256 * 1024
"""A larger document is not kept whole: it is listed, and read elsewhere."""
POLL_S: Final = 0.5
LEAST: Final = 10
"""Of a partition, however many share what is kept: transaction markers are among them."""


@dataclass(frozen=True, slots=True)
class RecentDocument:
    document: ClassifiedDocument
    """Without its text when it was too large to be kept."""
    position: str
    origin: str
    """Where the raw record stands."""
    at_ms: int
    """When it was classified."""
    is_whole: bool


@dataclass(frozen=True, slots=True)
class RecentLetter:
    letter: Letter
    """Without its body."""
    shown: bytes
    """All that `dead-letters show` tells of it, as JSON."""


class Recent:
    """Fills itself after each look of a watch, by `run`."""

    def __init__(self, kafka: KafkaSettings, settings: MonitorSettings) -> None:
        self._kafka = kafka
        self._settings = settings
        self._documents: list[RecentDocument] = []
        self._letters: list[RecentLetter] = []
        self.heartbeats = Heartbeats(kafka)
        self.changes = 0
        """How often a new document or dead letter has come."""

    @property
    def documents(self) -> list[RecentDocument]:
        """Return them newest first."""
        return self._documents[::-1]

    @property
    def letters(self) -> list[RecentLetter]:
        """Return them newest first."""
        return self._letters[::-1]

    async def run(self, watch: Watch) -> None:
        """Read what is new after each look, for ever; over a new connection after a failure."""
        while True:
            try:
                async with Latest(self._kafka) as latest:
                    await self._follow(watch, latest)
            except CLUSTER_ERRORS as error:
                log.warning("recent_failed", error=repr(error))
            await asyncio.sleep(self._settings.interval_s)

    async def _follow(self, watch: Watch, latest: Latest) -> None:
        looks = 0
        while True:
            if watch.snapshot is not None and watch.snapshot.looks != looks:
                looks = watch.snapshot.looks
                await self.read(watch.snapshot, latest)
            await asyncio.sleep(POLL_S)

    async def read(self, snapshot: Snapshot, latest: Latest) -> None:
        """Take in what has come since the last time. Raises one of `CLUSTER_ERRORS`."""
        await self.heartbeats.read(snapshot, latest)
        classified, dead = self._kafka.topic(CLASSIFIED), self._kafka.topic(DEAD_LETTER)
        documents = await _new(snapshot, latest, classified, self._settings.documents)
        letters = await _new(snapshot, latest, dead, self._settings.dead_letters)
        gone = self._drop_gone(snapshot, {record.origin for record in (*documents, *letters)})
        self.changes += bool(documents or letters or gone)
        for record in documents:
            if (document := _document(record)) is not None:
                insort(self._documents, document, key=lambda each: each.at_ms)
        for record in letters:
            letter = letter_of(record)
            kept = RecentLetter(without_body(letter), letter_json(letter))
            insort(self._letters, kept, key=lambda each: each.letter.record.timestamp_ms)
        del self._documents[: max(0, len(self._documents) - self._settings.documents)]
        del self._letters[: max(0, len(self._letters) - self._settings.dead_letters)]

    def _drop_gone(self, snapshot: Snapshot, new: Collection[str]) -> bool:
        """Let go of what stood in a topic that was deleted since: another record is, or will be, in its place."""

        def is_there(position: str) -> bool:
            return position not in new and _is_there(position, snapshot)

        kept = len(self._documents) + len(self._letters)
        self._documents = [each for each in self._documents if is_there(each.position)]
        self._letters = [each for each in self._letters if is_there(each.letter.position)]
        return len(self._documents) + len(self._letters) < kept


def _is_there(position: str, snapshot: Snapshot) -> bool:
    topic, number, offset = position.rsplit("/", 2)
    if (state := snapshot.topics.get(topic)) is None or (ends := state.partitions.get(int(number))) is None:
        return False
    return ends.end is None or int(offset) < ends.end


async def _new(snapshot: Snapshot, latest: Latest, topic: str, most: int) -> list[Record]:
    state = snapshot.topics.get(topic)
    if state is None or not most:
        return []
    ends: Mapping[Partition, Ends] = {Partition(topic, number): each for number, each in state.partitions.items()}
    return await latest.new(ends, most=max(LEAST, most // len(ends)))


def _document(record: Record) -> RecentDocument | None:
    try:
        document = codec.decode(record, ClassifiedDocument)
    except Rejected:  # somebody else's, in our topic
        return None
    is_whole = len(record.value or b"") <= LARGEST_BYTES
    if not is_whole:
        document = document.model_copy(update={"text": "", "removed": (), "tags": ()})
    origin = header(record.headers, headers.ORIGIN) or ""
    return RecentDocument(document, record.origin, origin, record.timestamp_ms, is_whole)
