"""
Letters -> back to the topics they came from, once each, and only where the current code would not let them die again.

The plan is made before anything is sent. A dead letter stays in its topic, so what must not be sent again is known by
its content: key, value and own headers go unchanged from a record to its letter, to what is put back, and to the next
letter, and the replay count only rises.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from schemas import headers as names
from schemas.topics import CLASSIFIED, DAY_MS, DEAD_LETTER, RAW, Topic
from services.dead_letters.letters import (
    DeadLetterError,
    Letter,
    Selection,
    content_digest,
    letter_of,
    own_headers,
    replays,
)
from services.dead_letters.reading import Ends, ends, read, read_letters
from services.dead_letters.trial import STAGES, Trial, current_code
from services.kafka import codec
from services.kafka.publisher import Publisher
from services.kafka.records import Headers, Output, Record, header
from services.kafka.settings import KafkaSettings
from services.worker.settings import WorkerSettings
from services.worker.transform import Outcome

TRIED_AT_ONCE: Final = 100
TRIED_BYTES: Final = 16 * 2**20
LOOK_BACK_MS: Final = DAY_MS
"""How long before the oldest chosen letter's death other topics are read: clocks differ, and versions overtake."""


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
    UNKNOWN_TOPIC = "unknown_topic"
    """It does not say where it came from, or not from a topic of this installation that a stage reads."""


SENT_REGARDLESS: Final = frozenset({Fate.PASSES, Fate.DIES, Fate.OVERTAKEN})


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


@dataclass(slots=True)
class Report:
    """What was found and done."""

    candidates: list[Candidate] = field(default_factory=list)
    sent: int = 0
    is_dry: bool = True

    def of(self, *fates: Fate) -> list[Candidate]:
        return [candidate for candidate in self.candidates if candidate.fate in fates]


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be sent, and how fast."""

    max_replays: int = 3
    """Letters put back so often are left alone: so nothing goes round for ever."""
    is_forced: bool = False
    """Send also what would die again, or is overtaken."""
    is_dry: bool = False
    """Send nothing."""
    rate: float | None = None
    """Documents a second. None: as fast as it goes."""


async def redrive(
    kafka: KafkaSettings,
    worker: WorkerSettings,
    chosen: Selection,
    rules: Rules,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """
    Put the chosen letters back that would now pass; only those that were there when this began.

    `on_progress` gets the number of letters tried, and then sent. What was sent before an error stays sent; a second
    run finds it and sends the rest. Raises DeadLetterError when a topic is missing.
    """
    until = await ends(kafka, DEAD_LETTER)
    report = Report(await _candidates(kafka, chosen, until, rules.max_replays), is_dry=rules.is_dry)
    await _mark_put_back(kafka, report.candidates)
    await _try(kafka, worker, report.candidates, until, on_progress)
    await _mark_overtaken(kafka, report.of(Fate.PASSES))
    if not rules.is_dry:
        fates = SENT_REGARDLESS if rules.is_forced else {Fate.PASSES}
        report.sent = await _send(kafka, report.of(*fates), until, rules.rate, on_progress)
    return report


async def _candidates(kafka: KafkaSettings, chosen: Selection, until: Ends, max_replays: int) -> list[Candidate]:
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
        is_incomplete=any(name in {names.DLQ_VALUE_LEFT_OUT, names.UNREADABLE} for name, _ in letter.record.headers),
    )


async def _mark_put_back(kafka: KafkaSettings, candidates: Collection[Candidate]) -> None:
    """Find what was put back already in the topics that the letters came from: it is the same, but for its count."""
    for topic in {candidate.topic for candidate in candidates if candidate.is_open and candidate.topic}:
        waiting = {each.digest: each for each in candidates if each.is_open and each.topic == topic}
        async with aclosing(_since_oldest(kafka, topic, waiting.values())) as records:
            async for record in records:
                if (count := replays(record.headers)) and (known := waiting.get(content_digest(record))):
                    known.fate = Fate.PUT_BACK if count > known.replays else known.fate


async def _try(
    kafka: KafkaSettings,
    worker: WorkerSettings,
    candidates: Collection[Candidate],
    until: Ends,
    on_progress: Callable[[int], None],
) -> None:
    """Run the current code on every letter that is still open."""
    waiting = [candidate for candidate in candidates if candidate.is_open]
    if not waiting:
        return
    tried = 0
    topics = {candidate.topic for candidate in waiting if candidate.topic}
    async with (
        current_code(worker, topics, at_most=len(waiting)) as trial,
        aclosing(_bodies(kafka, waiting, until)) as bodies,
        aclosing(_batches(bodies)) as batches,
    ):
        async for batch in batches:
            await _try_batch(batch, trial)
            tried += len(batch)
            on_progress(tried)


async def _try_batch(batch: Sequence[tuple[Candidate, Letter]], trial: Trial) -> None:
    for topic in {candidate.topic for candidate, _ in batch if candidate.topic}:
        of_topic = [(each, _original(letter)) for each, letter in batch if each.topic == topic]
        outcomes = await trial(topic, [record for _, record in of_topic])
        for (candidate, record), outcome in zip(of_topic, outcomes, strict=True):
            candidate.fate = Fate.PASSES if outcome.reason is None else Fate.DIES
            candidate.now = None if outcome.reason is None else Outcome((), None, outcome.reason, outcome.message)
            candidate.identity = _identity(outcome, record, topic)
            candidate.origin = codec.origin_and_trace(record)[0]


async def _mark_overtaken(kafka: KafkaSettings, passing: Collection[Candidate]) -> None:
    """Find those behind whose back the same document was classified in a later version, or sent again."""
    waiting: dict[str, list[Candidate]] = {}
    for candidate in passing:
        if candidate.identity:
            waiting.setdefault(candidate.identity[0], []).append(candidate)
    known = [each for same in waiting.values() for each in same]
    async with aclosing(_since_oldest(kafka, CLASSIFIED, known)) as records:
        async for record in records:
            if (identity := _parsed(header(record.headers, names.CE_ID))) is None:
                continue
            for candidate in waiting.get(identity[0], ()):
                if _overtakes(record, identity[1], candidate):
                    candidate.fate = Fate.OVERTAKEN
                    candidate.overtaken_by = max(identity[1], candidate.overtaken_by or 0)


def _overtakes(record: Record, version: int, candidate: Candidate) -> bool:
    """Whether a classified document is of a higher version, or of the same one and no older than the letter's."""
    assert candidate.identity is not None
    if version != candidate.identity[1] or candidate.topic is CLASSIFIED:  # a letter of route stands there itself
        return version > candidate.identity[1]
    place, _, offset = (header(record.headers, names.ORIGIN) or "").rpartition("/")
    letter_place, _, letter_offset = candidate.origin.rpartition("/")
    if place == letter_place and offset.isdecimal():
        return int(offset) >= int(letter_offset)
    return record.timestamp_ms >= candidate.died_ms


async def _send(
    kafka: KafkaSettings,
    candidates: Sequence[Candidate],
    until: Ends,
    rate: float | None,
    on_progress: Callable[[int], None],
) -> int:
    """Send these letters and return their number; the order of each partition, thus of each document, is kept."""
    if not candidates:
        return 0
    sent = 0
    clock = asyncio.get_running_loop().time
    began = clock()
    async with (
        Publisher(kafka, client_id="tagwire-redrive") as publisher,
        aclosing(_bodies(kafka, candidates, until)) as bodies,
    ):
        async for candidate, letter in bodies:
            if rate is not None:
                await asyncio.sleep(began + sent / rate - clock())
            await publisher.send(_put_back(candidate, letter.record))
            sent += 1
            on_progress(sent)
    return publisher.acknowledged


def _put_back(candidate: Candidate, record: Record) -> Output:
    """Return the document's record as it was, with one replay more."""
    assert candidate.topic is not None
    count: Headers = ((names.DLQ_REPLAY_COUNT, str(candidate.replays + 1).encode()),)
    return Output(candidate.topic.name, record.key, record.value, (*own_headers(record.headers), *count))


async def _since_oldest(
    kafka: KafkaSettings, topic: Topic, candidates: Collection[Candidate]
) -> AsyncGenerator[Record]:
    """Yield what is in the topic since shortly before the first of these letters died; nothing without letters."""
    if not candidates:
        return
    since_ms = max(0, min(candidate.died_ms for candidate in candidates) - LOOK_BACK_MS)
    async with aclosing(read(kafka, topic, await ends(kafka, topic), since_ms=since_ms)) as records:
        async for record in records:
            yield record


async def _bodies(
    kafka: KafkaSettings, candidates: Iterable[Candidate], until: Ends
) -> AsyncGenerator[tuple[Candidate, Letter]]:
    """Read these letters again, in full."""
    waiting = {candidate.place: candidate for candidate in candidates}
    async with aclosing(read(kafka, DEAD_LETTER, until)) as records:
        async for record in records:
            if candidate := waiting.pop((record.partition, record.offset), None):
                yield candidate, letter_of(record)
            if not waiting:
                return
    raise DeadLetterError(f"{len(waiting)} dead letters went out of retention meanwhile; start again")


async def _batches(
    letters: AsyncGenerator[tuple[Candidate, Letter]],
) -> AsyncGenerator[list[tuple[Candidate, Letter]]]:
    """Yield as many as are worth a trip to the children, and fit into memory."""
    batch: list[tuple[Candidate, Letter]] = []
    size_bytes = 0
    async for candidate, letter in letters:
        batch.append((candidate, letter))
        size_bytes += len(letter.record.value or b"")
        if len(batch) >= TRIED_AT_ONCE or size_bytes >= TRIED_BYTES:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch


def _original(letter: Letter) -> Record:
    assert letter.original is not None
    return letter.original


def _identity(outcome: Outcome, record: Record, topic: Topic) -> tuple[str, int] | None:
    """Return id and version of the document that came out."""
    told = next((header(output.headers, names.CE_ID) for output in outcome.outputs), None)
    if told is None and topic is not RAW:  # `route` writes nothing of a document without tags
        told = header(record.headers, names.CE_ID)
    return _parsed(told) if outcome.reason is None else None


def _parsed(ce_id: str | None) -> tuple[str, int] | None:
    identity, _, version = (ce_id or "").rpartition(":")
    return (identity, int(version)) if identity and version.isdecimal() else None
