"""documents.classified, or one tag's topic -> records as they come, chosen by their headers alone."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from rich.text import Text

from schemas import headers
from schemas.documents import ClassifiedDocument
from schemas.topics import CLASSIFIED, Topic, tag_topic
from services.core.printable import plain
from services.core.rejections import Rejected
from services.kafka import codec
from services.kafka.admin import missing_topics
from services.kafka.reader import Link, follow
from services.kafka.records import Record, header
from services.kafka.settings import KafkaSettings
from services.subscriber.render import document_lines


class TailError(Exception):
    """There is nothing to read; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a record's headers must say; an empty field asks nothing."""

    tags: frozenset[str] = frozenset()
    """At least one of them."""
    language: str | None = None
    """In whatever case, as BCP 47 has it."""
    source: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """Name and exact value, all of them."""

    def passes(self, record: Record) -> bool:
        wanted = (*self.headers, *([(headers.CE_SOURCE, self.source)] if self.source else []))
        if any(header(record.headers, name) != value for name, value in wanted):
            return False
        if self.language and (header(record.headers, headers.LANGUAGE) or "").lower() != self.language.lower():
            return False
        return not self.tags or not self.tags.isdisjoint((header(record.headers, headers.TAGS) or "").split(","))

    def __str__(self) -> str:
        """Return what passes, in words."""
        wishes = (
            *([f"tag {' or '.join(sorted(self.tags))}"] if self.tags else []),
            *([f"language {self.language}"] if self.language else []),
            *([f"source {self.source}"] if self.source else []),
            *(f"{name}={value}" for name, value in self.headers),
        )
        return f"documents with {', '.join(wishes)}" if wishes else "documents"


async def show(
    settings: KafkaSettings,
    chosen: Filter,
    *,
    from_start: bool,
    limit: int | None,
    as_json: bool,
    note: Callable[[str], None],
    patience_s: float,
) -> AsyncGenerator[bytes | Text]:
    """
    Yield what to print of the records that pass: their JSON, or lines for a terminal; end after `limit` records.

    `note` is told when Kafka does not answer, and what is waited for, unless a record passes within `patience_s`.
    Raises TailError when the topic is missing.
    """
    topic = await _topic(settings, chosen)
    loop, shown = asyncio.get_running_loop(), 0
    since = "from the start" if from_start else "from now on"
    sentence = f"Waiting for {chosen} in {settings.topic(topic)} at {settings.bootstrap_servers}, {since}."
    waiting: asyncio.TimerHandle | None = None

    def on_link(link: Link) -> None:
        nonlocal waiting
        match link:
            case Link.READY:
                waiting = loop.call_later(patience_s, note, sentence)
            case Link.LOST:
                note(f"Kafka at {settings.bootstrap_servers} does not answer; this goes on when it does.")
            case Link.BACK:
                note(f"Kafka at {settings.bootstrap_servers} answers again.")

    try:
        async with aclosing(_passing(settings, topic, chosen, from_start=from_start, on_link=on_link)) as records:
            async for record in records:
                if waiting is not None and patience_s > 0:
                    waiting.cancel()
                for line in [record.value or b"null"] if as_json else _lines(record):
                    yield line
                shown += 1
                if shown == limit:
                    return
    finally:
        if waiting is not None:
            waiting.cancel()


async def _passing(
    settings: KafkaSettings, topic: Topic, chosen: Filter, *, from_start: bool, on_link: Callable[[Link], None]
) -> AsyncGenerator[Record]:
    """Yield the records that pass, for ever."""
    found = follow(settings, topic, from_start=from_start, client_id="tagwire-tail", on_link=on_link)
    async with aclosing(found) as records:
        async for record in records:
            if chosen.passes(record):
                yield record


def _lines(record: Record) -> Iterable[Text]:
    try:
        return document_lines(codec.decode(record, ClassifiedDocument))
    except Rejected as rejected:  # a foreign record in the topic
        return [Text(plain(f"{record.origin}  {rejected.message}"), style="red")]


async def _topic(settings: KafkaSettings, chosen: Filter) -> Topic:
    """Return where to read: a single tag's own topic, if it has one, for then nothing else crosses the network."""
    candidates = [*(tag_topic(tag) for tag in chosen.tags if len(chosen.tags) == 1), CLASSIFIED]
    missing = await missing_topics(settings, candidates)
    for topic in candidates:
        if settings.topic(topic) not in missing:
            return topic
    name = settings.topic(CLASSIFIED)
    raise TailError(f"missing on {settings.bootstrap_servers}: {name}: run `tagwire topics create`")
