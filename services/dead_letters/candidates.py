"""documents.dead-letter -> the chosen letters as candidates to be put back, judged by what the other letters tell."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas import headers as names
from schemas.topics import DEAD_LETTER, Topic
from services.dead_letters.letters import (
    CLIENT_ID,
    DeadLetterError,
    Letter,
    Selection,
    content_digest,
    letter_of,
    read_letters,
)
from services.dead_letters.trial import STAGES
from services.kafka.reader import Ends, read
from services.kafka.settings import KafkaSettings
from services.worker.transform import Outcome

INSIGHTS_STAGE: Final = "insights"
"""What is in the header `dlq-stage` of their letters."""


class Fate(StrEnum):
    """What redrive makes of a chosen letter."""

    PASSES = "passes"
    """The current code makes a document of it."""
    DIES = "dies"
    """It would be a dead letter again."""
    OVERTAKEN = "overtaken"
    """It would pass, but come behind a later document with the same id and no lower version."""
    PUT_BACK = "put_back"
    """It is in its topic again already."""
    REPEATED = "repeated"
    """A later dead letter is of the same record, letter by letter: that one counts."""
    MAX_REPLAYS = "max_replays"
    """It was put back, and died, as often as it may."""
    INCOMPLETE = "incomplete"
    """It holds only the place of the record: that was too large to be repeated, or not readable."""
    OF_INSIGHTS = "of_insights"
    """Insights could not count it. Put back, it would come to everybody who reads its topic, once more."""
    UNKNOWN_TOPIC = "unknown_topic"
    """It does not say where it came from, or not from a topic of this installation that a stage reads."""


@dataclass(slots=True, eq=False)
class Candidate:
    """A chosen letter, without its body: there may be many."""

    name: str
    place: tuple[int, int]
    """Partition and offset of the letter."""
    position: str
    reason: str
    died_ms: int
    digest: bytes
    replays: int
    """The highest that any letter of the same content has."""
    topic: Topic | None
    """Where to put it back."""
    is_of_insights: bool = False
    is_incomplete: bool = False
    """Only the place of the record is known."""
    fate: Fate | None = None
    """None: not judged yet."""
    now: Outcome | None = None
    """How it would die now; None unless it would."""
    identity: tuple[str, int] | None = None
    """Id and version of the document that it would become."""
    origin: str = ""
    """Where its raw record stands, or stood."""
    overtaken_by: int | None = None
    """The version of the later document."""

    @property
    def is_open(self) -> bool:
        return self.fate is None


async def find_candidates(kafka: KafkaSettings, chosen: Selection, until: Ends, max_replays: int) -> list[Candidate]:
    """Read all letters, and judge the chosen ones by what the others tell."""
    back = {kafka.topic(topic): topic for topic in STAGES}
    candidates: list[Candidate] = []
    newest: dict[bytes, tuple[int, int, int, int]] = {}
    async with aclosing(read_letters(kafka, until)) as letters:
        async for letter in letters:
            digest = content_digest(letter.record)
            place = (letter.record.partition, letter.record.offset)
            rank = (letter.replays, letter.record.timestamp_ms, *place)
            newest[digest] = max(rank, newest.get(digest, rank))
            if chosen.includes(letter):
                topic = back.get(letter.original.topic) if letter.original else None
                candidates.append(_candidate(letter, digest, topic))
    for candidate in candidates:
        candidate.replays, _, *place_of_newest = newest[candidate.digest]
        if candidate.is_incomplete:
            candidate.fate = Fate.INCOMPLETE
        elif candidate.is_of_insights:
            candidate.fate = Fate.OF_INSIGHTS
        elif tuple(place_of_newest) != candidate.place:
            candidate.fate = Fate.REPEATED
        elif candidate.topic is None:
            candidate.fate = Fate.UNKNOWN_TOPIC
        elif candidate.replays >= max_replays:
            candidate.fate = Fate.MAX_REPLAYS
    return candidates


def _candidate(letter: Letter, digest: bytes, topic: Topic | None) -> Candidate:
    return Candidate(
        name=letter.name,
        place=(letter.record.partition, letter.record.offset),
        position=letter.position,
        reason=letter.reason,
        died_ms=letter.record.timestamp_ms,
        digest=digest,
        replays=letter.replays,
        topic=topic,
        is_of_insights=letter.stage == INSIGHTS_STAGE,
        is_incomplete=any(name in {names.DLQ_VALUE_LEFT_OUT, names.UNREADABLE} for name, _ in letter.record.headers),
    )


async def bodies(
    kafka: KafkaSettings, candidates: Iterable[Candidate], until: Ends
) -> AsyncGenerator[tuple[Candidate, Letter]]:
    """Read these letters again, in full."""
    waiting = {candidate.place: candidate for candidate in candidates}
    async with aclosing(read(kafka, DEAD_LETTER, until, client_id=CLIENT_ID)) as records:
        async for record in records:
            if candidate := waiting.pop((record.partition, record.offset), None):
                yield candidate, letter_of(record)
            if not waiting:
                return
    raise DeadLetterError(f"{len(waiting)} dead letters went out of retention meanwhile; start again")
