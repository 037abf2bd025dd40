"""Insights' topics -> what is kept of them in memory: read once to their end, or followed for as long as one likes."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing, suppress
from enum import StrEnum
from typing import Final

import structlog

from schemas.topics import Topic
from services.insights.kept import TOPICS, Kept
from services.kafka.admin import missing_topics
from services.kafka.errors import CLUSTER_ERRORS, explained
from services.kafka.reader import Link, follow, read, spans
from services.kafka.settings import KafkaSettings

log = structlog.get_logger()

AGAIN_S: Final = 10.0
"""From one try to the next while the topics are missing or Kafka is away."""
FORGET_S: Final = 60.0
PATIENCE_S: Final = 5.0
"""So long who asks first is kept waiting while the topics are read."""
MOST_ONCE: Final = 2_000_000
"""Documents of stories that a command reads at once: it ends soon."""

ABSENT: Final = "insights have not run here: {missing} {is_or_are} missing: run `tagwire topics create`"
SILENT: Final = "insights have said nothing yet: `tagwire insights` does not run, or nothing has come that it counts"
LOST: Final = "Kafka does not answer"
READING: Final = "insights' topics are still being read"


class NoInsightsError(Exception):
    """There is nothing that insights could have said; the message says why."""


class State(StrEnum):
    ABSENT = "absent"
    """Their topics are missing: insights have never run here."""
    READING = "reading"
    """What the topics hold is being read, for the first time."""
    SILENT = "silent"
    """They hold nothing."""
    READY = "ready"


class View:
    """
    What insights say, for as long as `run` runs.

    `kept` is always whole: what is read anew, after Kafka was away, takes its place only once it is read to its end.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._topics = {kafka.topic(topic): topic for topic in TOPICS}
        self.kept = Kept()
        self._state = State.READING
        self._problem: str | None = READING
        self._asked = asyncio.Event()
        self._told = asyncio.Event()

    @property
    def state(self) -> State:
        return State.SILENT if self._state is State.READY and not self.changes else self._state

    @property
    def problem(self) -> str | None:
        """Why nothing is shown, or what is shown may be old. None: all is well."""
        return self._problem or (SILENT if self.state is State.SILENT else None)

    @property
    def changes(self) -> int:
        """Rises with all that is taken in."""
        return self.kept.taken

    async def wanted(self) -> None:
        """Tell that somebody wants to know, and wait a moment for what is still being read for the first time."""
        self._asked.set()
        if self._problem is READING:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await self._told.wait()

    async def run_when_asked(self, *, client_id: str) -> None:
        """Wait until somebody wants to know, and follow the topics from then on."""
        await self._asked.wait()
        await self.run(client_id=client_id)

    async def run(self, *, client_id: str) -> None:
        """Follow the topics for ever. Those that are missing are waited for, and a cluster that is away."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_always(client_id))
            tasks.create_task(self._forget_always())

    async def _follow_always(self, client_id: str) -> None:
        while True:
            try:
                if missing := await missing_topics(self._kafka, TOPICS):
                    self._state, self._problem = State.ABSENT, absent(missing)
                    self._told.set()
                else:
                    await self._follow(client_id)
            # The name of a header may be no UTF-8; aiokafka stops at that.
            except (*CLUSTER_ERRORS, UnicodeDecodeError) as error:
                problem = explained(error) or repr(error)
                if problem != self._problem:
                    log.warning("insights_not_followed", error=problem)
                self._problem = problem
                self._told.set()
            await asyncio.sleep(AGAIN_S)

    async def _follow(self, client_id: str) -> None:
        fresh = Kept()
        if self._state is State.ABSENT:
            self._state, self._problem = State.READING, READING

        def on_link(link: Link) -> None:
            if link is Link.CAUGHT_UP:
                self.kept, self._state, self._problem = fresh, State.READY, None
                self._told.set()
            elif link is Link.LOST:
                self._problem = LOST
            elif link is Link.BACK:
                self._problem = None if self._state is State.READY else READING

        records = follow(self._kafka, *TOPICS, from_start=True, client_id=client_id, on_link=on_link)
        async with aclosing(records):
            async for record in records:
                fresh.take(self._topics[record.topic], record)

    async def _forget_always(self) -> None:
        while True:
            await asyncio.sleep(FORGET_S)
            self.kept.forget(int(time.time() * 1000))


async def read_once(kafka: KafkaSettings, *, client_id: str) -> Kept:
    """
    Return what the topics hold now.

    Raises NoInsightsError when they are missing or empty, `services.kafka.reader.ReadError` when Kafka falls silent.
    """
    held = await spans(kafka, TOPICS, client_id=client_id)
    names = {name for name, _ in held}
    if missing := [kafka.topic(topic) for topic in TOPICS if kafka.topic(topic) not in names]:
        raise NoInsightsError(absent(missing))
    if not any(span.first < span.end for span in held.values()):
        raise NoInsightsError(SILENT)
    kept = Kept(most_documents=MOST_ONCE)

    async def take_all(topic: Topic) -> None:
        until = {number: span.end for (name, number), span in held.items() if name == kafka.topic(topic)}
        async with aclosing(read(kafka, topic, until, client_id=client_id)) as records:
            async for record in records:
                kept.take(topic, record)

    await asyncio.gather(*map(take_all, TOPICS))
    return kept


def absent(missing: Sequence[str]) -> str:
    """Return the sentence for topics that are missing."""
    return ABSENT.format(missing=", ".join(sorted(missing)), is_or_are="is" if len(missing) == 1 else "are")
