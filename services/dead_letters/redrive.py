"""
Letters -> back to the topics they came from, once each, and only where the current code would not let them die again.

The plan is made before anything is sent. A dead letter stays in its topic, so what must not be sent again is known by
its content: key, value and own headers go unchanged from a record to its letter, to what is put back, and to the next
letter, and the replay count only rises.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from schemas import headers as names
from schemas.topics import DEAD_LETTER
from services.dead_letters.candidates import Candidate, Fate, bodies, find_candidates
from services.dead_letters.judging import mark_overtaken, mark_put_back, try_current_code
from services.dead_letters.letters import CLIENT_ID, Selection, own_headers
from services.kafka.publisher import Publisher
from services.kafka.reader import Ends, ends
from services.kafka.records import Headers, Output, Record
from services.kafka.settings import KafkaSettings
from services.worker.settings import WorkerSettings

SENT_REGARDLESS: Final = frozenset({Fate.PASSES, Fate.DIES, Fate.OVERTAKEN})


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
    run finds it and sends the rest. Raises `services.kafka.reader.ReadError` when a topic is missing.
    """
    until = await ends(kafka, DEAD_LETTER, client_id=CLIENT_ID)
    report = Report(await find_candidates(kafka, chosen, until, rules.max_replays), is_dry=rules.is_dry)
    await mark_put_back(kafka, report.candidates)
    await try_current_code(kafka, worker, report.candidates, until, on_progress)
    await mark_overtaken(kafka, report.of(Fate.PASSES))
    if not rules.is_dry:
        fates = SENT_REGARDLESS if rules.is_forced else {Fate.PASSES}
        report.sent = await _send(kafka, report.of(*fates), until, rules.rate, on_progress)
    return report


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
        aclosing(bodies(kafka, candidates, until)) as letters,
    ):
        async for candidate, letter in letters:
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
