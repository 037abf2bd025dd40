"""documents.dead-letter -> Letters; and which of them an operator means."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from schemas import headers as names
from schemas.dead_letters import Reason
from schemas.topics import DEAD_LETTER
from services.core.rejections import Rejected
from services.dead_letters.fingerprint import fingerprint
from services.kafka import codec
from services.kafka.reader import Ends, ends, read
from services.kafka.records import Headers, Record, header
from services.kafka.settings import KafkaSettings

CLIENT_ID: Final = "tagwire-dead-letters"
UNKNOWN: Final = "unknown"
"""Reason and stage of a record that somebody else has put there without them."""

_ADDED: Final = ("kafka_dlt-", "dlq-")
_TRACE: Final = frozenset({names.TRACEPARENT, names.TRACESTATE})
"""What the names of the headers begin with that a dead letter has beyond its document's own."""
_DIGITS: Final = re.compile(r"\d{1,19}", re.ASCII)
_AGO: Final = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_LAST_MS: Final = 253_402_214_400_000
_UNIT_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


class DeadLetterError(Exception):
    """What was asked for cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, its headers read. Whatever a header lacks or garbles is None, or `unknown`."""

    record: Record
    id: str | None
    """Of the document, as far as it can be known."""
    reason: str
    """A code of `Reason`, unless a newer release or another program wrote it."""
    stage: str
    message: str
    exception: str | None
    stacktrace: str | None
    replays: int
    """How often it was put back before it died this time."""
    original: Record | None
    """The record that died, as it stood in its topic. None: the letter does not say where."""
    group: str | None
    fingerprint: str

    @property
    def position(self) -> str:
        return self.record.origin

    @property
    def name(self) -> str:
        """What to call it by: the document's id, or where the letter stands."""
        return self.id or self.position


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters are meant; an empty field asks nothing."""

    reasons: frozenset[Reason] = frozenset()
    ids: frozenset[str] = frozenset()
    fingerprints: frozenset[str] = frozenset()
    since_ms: int | None = None
    """Died at this time or later."""
    until_ms: int | None = None
    """Died before this time."""

    def includes(self, letter: Letter) -> bool:
        died_ms = letter.record.timestamp_ms
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.ids or letter.name in self.ids)
            and (not self.fingerprints or letter.fingerprint in self.fingerprints)
            and (self.since_ms is None or died_ms >= self.since_ms)
            and (self.until_ms is None or died_ms < self.until_ms)
        )


async def read_letters(settings: KafkaSettings, until: Ends | None = None) -> AsyncGenerator[Letter]:
    """Yield every letter that is there now, or that was there at `until`. Raises `services.kafka.reader.ReadError`."""
    until = await ends(settings, DEAD_LETTER, client_id=CLIENT_ID) if until is None else until
    async with aclosing(read(settings, DEAD_LETTER, until, client_id=CLIENT_ID)) as records:
        async for record in records:
            yield letter_of(record)


def letter_of(record: Record) -> Letter:
    """Read a record of the dead-letter topic. Never raises: other programs may write there, too."""

    def text(name: str) -> str | None:
        return header(record.headers, name)

    reason, stage, message = text(names.DLQ_REASON), text(names.DLQ_STAGE), text(names.DLT_MESSAGE)
    exception, stacktrace = text(names.DLT_EXCEPTION), text(names.DLT_STACKTRACE)
    cause = {"reason": reason or UNKNOWN, "stage": stage or UNKNOWN, "message": message or ""}
    return Letter(
        record=record,
        id=_id(record),
        **cause,
        exception=exception,
        stacktrace=stacktrace,
        replays=replays(record.headers),
        original=_original(record),
        group=text(names.DLT_GROUP),
        fingerprint=fingerprint(**cause, exception=exception, stacktrace=stacktrace),
    )


def replays(headers: Headers) -> int:
    """Return the replay count that the headers carry; 0 without one."""
    return _number(header(headers, names.DLQ_REPLAY_COUNT)) or 0


def own_headers(headers: Headers) -> Headers:
    """Return the document's own headers, without those that a dead letter adds."""
    return tuple(pair for pair in headers if not pair[0].startswith(_ADDED))


def content_digest(record: Record) -> bytes:
    """
    Return the same bytes for a document's record, its dead letters, and what was put back of it.

    Key, value and own headers go unchanged from one to the next; so no marker is needed to know them again. Those of
    its trace do not count: a worker that sends spans gives each run its own.
    """
    digest = sha256()
    own = [part for name, value in own_headers(record.headers) if name not in _TRACE for part in (name.encode(), value)]
    for part in (record.key or b"", record.value, *own):
        # The length keeps ("ab", "c") apart from ("a", "bc"), and null from empty.
        digest.update(b"-" if part is None else b"%d:" % len(part))
        digest.update(part or b"")
    return digest.digest()[:16]


def reasons(texts: list[str]) -> frozenset[Reason]:
    """Return the reasons of these codes. Raises ValueError with the possible ones."""
    if wrong := [text for text in texts if text not in set(Reason)]:
        raise ValueError(f"--reason {wrong[0]}: expected one of {', '.join(Reason)}")
    return frozenset(Reason(text) for text in texts)


def moment(text: str, *, now_ms: int) -> int:
    """Return the time, in ms since 1970, of RFC 3339 text or of `2h`, that long ago. Raises ValueError."""
    if ago := _AGO.fullmatch(text):
        return max(0, now_ms - int(ago[1]) * _UNIT_MS[ago[2]])
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ValueError(f"'{text}' is no time: give 2026-01-31T08:00:00Z, or 30m, 2h, 3d for so long ago")
    return max(0, int(time.timestamp() * 1000))


def rfc3339(time_ms: int) -> str:
    """Return the time as text; what lies outside the years 1970 to 9999 is moved to the nearer end."""
    time = datetime.fromtimestamp(min(max(time_ms, 0), _LAST_MS) / 1000, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _id(record: Record) -> str | None:
    claimed = codec.claimed_id(record)
    if claimed is not None or not record.value:
        return claimed
    try:  # a bare body without key: the worker derived an id from it
        return codec.decode_raw(record).id
    except Rejected:
        return None


def _original(record: Record) -> Record | None:
    topic = header(record.headers, names.DLT_TOPIC)
    partition = _number(header(record.headers, names.DLT_PARTITION))
    offset = _number(header(record.headers, names.DLT_OFFSET))
    timestamp_ms = _number(header(record.headers, names.DLT_TIMESTAMP))
    if topic is None or partition is None or offset is None:
        return None
    return Record(
        topic,
        partition,
        offset,
        record.timestamp_ms if timestamp_ms is None else timestamp_ms,
        record.key,
        record.value,
        own_headers(record.headers),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and _DIGITS.fullmatch(text) else None
