"""documents.classified, or one tag's topic -> records as they come, chosen by their headers alone."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from rich.text import Text

from schemas import headers
from schemas.documents import ClassifiedDocument
from schemas.topics import CLASSIFIED, tag_topic
from services.core.rejections import Rejected
from services.kafka import codec
from services.kafka.admin import missing_topics
from services.kafka.reader import read
from services.kafka.records import Record, header
from services.kafka.settings import KafkaSettings
from services.subscriber.render import document_lines, plain


class TailError(Exception):
    """There is nothing to read; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a record's headers must say; an empty field asks nothing."""

    tags: frozenset[str] = frozenset()
    """At least one of them."""
    language: str | None = None
    source: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """Name and exact value, all of them."""

    def passes(self, record: Record) -> bool:
        wanted = (
            *self.headers,
            *([(headers.LANGUAGE, self.language)] if self.language else []),
            *([(headers.CE_SOURCE, self.source)] if self.source else []),
        )
        if any(header(record.headers, name) != value for name, value in wanted):
            return False
        return not self.tags or not self.tags.isdisjoint((header(record.headers, headers.TAGS) or "").split(","))


async def tail(settings: KafkaSettings, chosen: Filter, *, from_start: bool) -> AsyncGenerator[Record]:
    """
    Yield the records that pass, for ever.

    A single tag with a topic of its own is read from there: nothing else crosses the network. Raises TailError when
    the topic is missing.
    """
    topic = await _topic(settings, chosen)
    async with aclosing(read(settings, topic, from_start=from_start, client_id="tagwire-tail")) as records:
        async for record in records:
            if chosen.passes(record):
                yield record


async def show(
    settings: KafkaSettings, chosen: Filter, *, from_start: bool, limit: int | None, as_json: bool
) -> AsyncIterator[bytes | Text]:
    """Yield what to print of the records that pass: their JSON, or lines for a terminal; end after `limit` records."""
    async with aclosing(tail(settings, chosen, from_start=from_start)) as records:
        shown = 0
        async for record in records:
            if as_json:
                yield record.value or b"null"
            else:
                for line in _lines(record):
                    yield line
            shown += 1
            if shown == limit:
                return


def _lines(record: Record) -> Iterable[Text]:
    try:
        return document_lines(codec.decode(record, ClassifiedDocument))
    except Rejected as rejected:  # a foreign record in the topic
        return [Text(plain(f"{record.origin}  {rejected.message}"), style="red")]


async def _topic(settings: KafkaSettings, chosen: Filter) -> str:
    candidates = [*(tag_topic(tag) for tag in chosen.tags if len(chosen.tags) == 1), CLASSIFIED]
    missing = await missing_topics(settings, candidates)
    for name in map(settings.topic, candidates):
        if name not in missing:
            return name
    raise TailError(f"missing on {settings.bootstrap_servers}: {name}: run `tagwire topics create`")
