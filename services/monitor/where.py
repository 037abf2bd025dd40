"""A document's id -> every record of it that is kept, in order of time, and what still stands before it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import orjson
from rich.table import Table
from rich.text import Text

from schemas import headers
from schemas.topics import CLASSIFIED, CLEAN, DEAD_LETTER, ENRICHED, RAW, Topic
from services.core.printable import plain
from services.core.rejections import Rejected
from services.dead_letters.letters import letter_of, rfc3339
from services.kafka import codec
from services.kafka.cluster import Cluster, Look, Partition
from services.kafka.partitioning import partition_of
from services.kafka.reader import Ends, read
from services.kafka.records import Record, header
from services.kafka.settings import KafkaSettings
from services.monitor.journey import Journey

CLIENT_ID: Final = "tagwire-where"
TOPICS_AT_ONCE: Final = 4
BREATH: Final = 1000
"""Records after which others have their turn: a fetch may bring very many, and a monitor answers meanwhile."""


class WhereError(Exception):
    """There is nothing to show; the message says what was searched."""


class Verdict(StrEnum):
    """What became of a document, by one of its records."""

    RECEIVED = "received"
    """A group of ours has read it."""
    WAITING = "waiting"
    """A group of ours is still to read it."""
    CLEAN = "clean"
    ENRICHED = "enriched"
    CLASSIFIED = "classified"
    ROUTED = "routed"
    DEAD = "dead letter"


OUTPUTS: Final = {CLEAN: Verdict.CLEAN, ENRICHED: Verdict.ENRICHED, CLASSIFIED: Verdict.CLASSIFIED}


@dataclass(frozen=True, slots=True)
class Stop:
    """A record of the document, on its way."""

    at_ms: int
    topic: str
    partition: int
    offset: int
    verdict: Verdict
    message: str
    origin: str | None
    """Position of the raw record that it came from. None: it is one, or nobody has noted it."""

    @property
    def position(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


async def where(
    kafka: KafkaSettings,
    journey: Journey,
    document_id: str,
    *,
    since_ms: int = 0,
    most: int | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> list[Stop]:
    """
    Return the records of a document, the oldest first; of more than `most` the last ones.

    First where its id would put them, and dead letters wherever they are; in the other partitions only what was not
    found there. Raises WhereError when there is none, and `services.kafka.reader.ReadError`. Cancelled, or when it
    fails, it has ended what it began.
    """
    async with Cluster(kafka) as cluster:
        look = await cluster.look()
    search = _Search(kafka, journey, look, document_id, since_ms, most, on_progress)
    stops = await search.run({topic: search.likely(topic) for topic in journey.topics.values()})
    found = {stop.verdict for stop in stops}
    missing = [] if Verdict.RECEIVED in found else [RAW]
    if not found & {Verdict.CLASSIFIED, Verdict.DEAD}:
        missing += [CLEAN, ENRICHED, CLASSIFIED]
    stops += await search.run({topic: search.unlikely(topic) for topic in missing})
    if not stops:
        names = ", ".join(sorted({partition.topic for partition in look.ends} & set(journey.topics)))
        since = f", since {rfc3339(since_ms)}" if since_ms else ""
        raise WhereError(f"no record of '{plain(document_id)}' is kept in {names or 'any topic: none is there'}{since}")
    way = sorted(_judged(stops, look, journey), key=lambda stop: (stop.at_ms, stop.topic, stop.partition, stop.offset))
    return way if most is None else way[-most:]


class _Search:
    def __init__(
        self,
        kafka: KafkaSettings,
        journey: Journey,
        look: Look,
        document_id: str,
        since_ms: int,
        most: int | None,
        on_progress: Callable[[int], None],
    ) -> None:
        self._kafka = kafka
        self._journey = journey
        self._look = look
        self._id = document_id
        self._key = document_id.encode()
        self._since_ms = since_ms
        self._most = most
        self._on_progress = on_progress
        self._seen = 0
        self._turns = asyncio.Semaphore(TOPICS_AT_ONCE)

    def likely(self, topic: Topic) -> Ends:
        """Return the ends of the partitions that the id leads to; of dead letters all, for they keep another's key."""
        ends = self._ends(topic)
        if topic is DEAD_LETTER or not ends:
            return ends
        own = partition_of(self._key, len(ends))
        return {own: ends[own]} if own in ends else {}

    def unlikely(self, topic: Topic) -> Ends:
        likely = self.likely(topic)
        return {number: end for number, end in self._ends(topic).items() if number not in likely}

    async def run(self, wanted: Mapping[Topic, Ends]) -> list[Stop]:
        reading = [asyncio.ensure_future(self._in(topic, ends)) for topic, ends in wanted.items() if any(ends.values())]
        try:
            found = await asyncio.gather(*reading)
        finally:
            # When one fails, the others would go on for nobody.
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)
        return [stop for stops in found for stop in stops]

    def _ends(self, topic: Topic) -> Ends:
        name = self._kafka.topic(topic)
        return {
            partition.number: each.end
            for partition, each in self._look.ends.items()
            if partition.topic == name and each.end is not None
        }

    async def _in(self, topic: Topic, ends: Ends) -> Iterable[Stop]:
        stops: deque[Stop] = deque(maxlen=self._most)
        async with self._turns:
            records = read(self._kafka, topic, ends, client_id=CLIENT_ID, since_ms=self._since_ms)
            async with aclosing(records):
                async for record in records:
                    self._seen += 1
                    self._on_progress(self._seen)
                    if self._seen % BREATH == 0:
                        await asyncio.sleep(0)
                    if (stop := self._stop(topic, record)) is not None:
                        stops.append(stop)
        return stops

    def _stop(self, topic: Topic, record: Record) -> Stop | None:
        if topic is DEAD_LETTER:
            return self._dead(record)
        if topic is RAW:
            return self._made(record, Verdict.RECEIVED, "") if self._is_raw(record) else None
        if record.key != self._key:
            return None
        verdict = OUTPUTS.get(topic, Verdict.ROUTED)
        tags = (header(record.headers, headers.TAGS) or "no tags").replace(",", ", ")
        return self._made(record, verdict, tags if verdict is Verdict.CLASSIFIED else "")

    def _dead(self, record: Record) -> Stop | None:
        letter = letter_of(record)
        if letter.id != self._id:
            return None
        stop = self._made(record, Verdict.DEAD, f"{letter.reason} in {letter.stage}: {letter.message}")
        return replace(stop, origin=letter.original.origin if letter.original else None)

    def _is_raw(self, record: Record) -> bool:
        """Whether it is a record of the document; only what may be one is decoded, for that takes its time."""
        outer = codec.outer_id(record)
        if outer is not None and self._id != outer and self._key not in (record.value or b""):
            return False
        try:
            return codec.decode_raw(record).id == self._id
        except Rejected:
            return codec.claimed_id(record) == self._id

    @staticmethod
    def _made(record: Record, verdict: Verdict, message: str) -> Stop:
        origin = header(record.headers, headers.ORIGIN)
        return Stop(record.timestamp_ms, record.topic, record.partition, record.offset, verdict, message, origin)


def _judged(stops: Sequence[Stop], look: Look, journey: Journey) -> Iterator[Stop]:
    """Say of a record that a group of ours is to read whether it has, and of a raw one what came of it."""
    outcomes = {stop.origin for stop in stops if stop.origin}
    for stop in stops:
        readers = [name for name, group in journey.groups.items() if group.reads == stop.topic and name in look.groups]
        waiting = [name for name in readers if _waits(name, stop, look)]
        is_raw = stop.verdict is Verdict.RECEIVED
        if waiting and not (is_raw and stop.position in outcomes):
            message = "; ".join(_told(name, stop, look) for name in waiting)
            yield replace(
                stop, verdict=Verdict.WAITING, message=f"{stop.message}; {message}" if stop.message else message
            )
        elif is_raw and not readers and stop.position not in outcomes:
            yield replace(stop, verdict=Verdict.WAITING, message="no worker has begun to read this topic")
        elif is_raw and stop.position not in outcomes:
            yield replace(stop, message="it was read, and nothing that became of it is kept")
        else:
            yield stop


def _waits(group: str, stop: Stop, look: Look) -> bool:
    before = _before(group, stop, look)
    return before is None or before >= 0


def _before(group: str, stop: Stop, look: Look) -> int | None:
    """Return how many offsets a group has to read first; None when it has not begun."""
    committed = look.groups[group].committed.get(Partition(stop.topic, stop.partition))
    return None if committed is None else stop.offset - committed


def _told(group: str, stop: Stop, look: Look) -> str:
    before = _before(group, stop, look)
    return f"{group} has not begun" if before is None else f"{group} has {before} offsets to read before it"


def stop_table(stops: Iterable[Stop]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("time (UTC)", "topic"):
        table.add_column(name, no_wrap=True)
    for name in ("partition", "offset"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("")
    for stop in stops:
        style = "bold red" if stop.verdict is Verdict.DEAD else "yellow" if stop.verdict is Verdict.WAITING else "green"
        table.add_row(
            rfc3339(stop.at_ms)[:-1].replace("T", " "),
            stop.topic,
            str(stop.partition),
            str(stop.offset),
            Text(stop.verdict, style=style),
            Text(plain(stop.message), style="dim"),
        )
    return table


def stop_line(stop: Stop) -> bytes:
    """Return a record of the document as JSON."""
    return orjson.dumps(
        {
            "time": rfc3339(stop.at_ms),
            "topic": stop.topic,
            "partition": stop.partition,
            "offset": stop.offset,
            "verdict": stop.verdict,
            "message": stop.message,
            "origin": stop.origin,
        }
    )
