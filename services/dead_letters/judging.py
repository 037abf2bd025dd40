"""Candidates -> their fates: put back already, dying again, overtaken, or passing."""

import re
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from typing import Final

from schemas import headers as names
from schemas.topics import CLASSIFIED, DAY_MS, RAW, Topic
from services.dead_letters.candidates import Candidate, Fate, bodies
from services.dead_letters.letters import CLIENT_ID, Letter, content_digest, replays
from services.dead_letters.trial import Trial, current_code
from services.kafka import codec
from services.kafka.reader import Ends, ends, read
from services.kafka.records import Record, header
from services.kafka.settings import KafkaSettings
from services.worker.settings import WorkerSettings
from services.worker.transform import Outcome

_NUMBER: Final = re.compile(r"\d{1,19}", re.ASCII)
"""A version or an offset; `int` would refuse longer ones, with an error."""
TRIED_AT_ONCE: Final = 100
TRIED_BYTES: Final = 16 * 2**20
LOOK_BACK_MS: Final = DAY_MS
"""How long before the oldest chosen letter's death other topics are read: clocks differ, and versions overtake."""


async def mark_put_back(kafka: KafkaSettings, candidates: Collection[Candidate]) -> None:
    """Find what was put back already in the topics that the letters came from: it is the same, but for its count."""
    for topic in {candidate.topic for candidate in candidates if candidate.is_open and candidate.topic}:
        waiting = {each.digest: each for each in candidates if each.is_open and each.topic == topic}
        async with aclosing(_since_oldest(kafka, topic, waiting.values())) as records:
            async for record in records:
                if (count := replays(record.headers)) and (known := waiting.get(content_digest(record))):
                    known.fate = Fate.PUT_BACK if count > known.replays else known.fate


async def try_current_code(
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
        aclosing(bodies(kafka, waiting, until)) as letters,
        aclosing(_batches(letters)) as batches,
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
            candidate.origin = codec.origin_and_trace(record, topic)[0]


async def mark_overtaken(kafka: KafkaSettings, passing: Collection[Candidate]) -> None:
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
    if place == letter_place and _NUMBER.fullmatch(offset):
        return int(offset) >= int(letter_offset)
    return record.timestamp_ms >= candidate.died_ms


async def _since_oldest(
    kafka: KafkaSettings, topic: Topic, candidates: Collection[Candidate]
) -> AsyncGenerator[Record]:
    """Yield what is in the topic since shortly before the first of these letters died; nothing without letters."""
    if not candidates:
        return
    until = await ends(kafka, topic, client_id=CLIENT_ID)
    since_ms = max(0, min(candidate.died_ms for candidate in candidates) - LOOK_BACK_MS)
    async with aclosing(read(kafka, topic, until, client_id=CLIENT_ID, since_ms=since_ms)) as records:
        async for record in records:
            yield record


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
    return (identity, int(version)) if identity and _NUMBER.fullmatch(version) else None
