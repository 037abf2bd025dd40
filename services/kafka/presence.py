"""A record that says that somebody is there: written again and again under one key, and a tombstone at the end."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer

from schemas.topics import Topic
from services.kafka import client
from services.kafka.admin import missing_topics
from services.kafka.settings import KafkaSettings

log = structlog.get_logger()

CHECK_S: Final = 0.5
"""How often it is looked whether there is something new to say; and no more is said than that."""
ANSWER_S: Final = 10.0
"""For one record, and for a connection. aiokafka itself would wait for 40 s."""
MISSING_S: Final = 60.0
"""Until a topic that was missing is looked for again."""
LAST_WORD_S: Final = 1.0
"""For the tombstone, and again for the producer's end: both while the lanes stop, which may take as long."""


class Presence:
    """
    `begin` it, and `end` it: it works in the background, and whatever happens to it hinders nobody.

    What fails is said once and tried again. It has a producer of its own, idempotent and outside any transaction.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topic: Topic,
        key: str,
        *,
        told: Callable[[], bytes],
        state: Callable[[], object],
        interval_s: float,
    ) -> None:
        """`told` returns the value to write; when what `state` returns has changed, it is written before its time."""
        self._settings = settings
        self._topic = topic
        self._key = key
        self._told = told
        self._state = state
        self._interval_s = interval_s
        self._clock = asyncio.get_running_loop().time
        self._producer: AIOKafkaProducer | None = None
        self._may_be_heard = False
        """Something was sent, be it that nobody knows whether it arrived."""
        self._dropping: asyncio.Future[None] | None = None
        self._complaint: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._end_by = 0.0

    def begin(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"presence {self._key}")

    def end(self) -> None:
        """Begin to end: write the tombstone. `ended` waits for it."""
        if self._ending is None:
            self._end_by = self._clock() + client.STOP_TIMEOUT_S
            self._ending = asyncio.create_task(self._end())
            self._ending.add_done_callback(client.look_at)

    async def ended(self) -> None:
        """Return when all is closed, and no later than any client's end may take."""
        self.end()
        assert self._ending is not None
        await asyncio.wait({self._ending}, timeout=max(0.0, self._end_by - self._clock()))

    async def _run(self) -> None:
        while True:
            pause_s = self._interval_s
            try:
                async with asyncio.timeout(ANSWER_S):
                    missing = await missing_topics(self._settings, [self._topic])
                if missing:
                    # To write to it might create it, and not as it should be.
                    self._complain("topic_missing", hint="tagwire topics create")
                    pause_s = MISSING_S
                else:
                    await self._write_for_ever()
            except Exception as error:  # noqa: BLE001  # a heartbeat is not worth a document
                self._complain("heartbeat_failed", error=repr(error))
            await self._drop()
            await asyncio.sleep(pause_s)

    async def _write_for_ever(self) -> None:
        self._producer = client.producer(self._settings, client_id=self._key)
        async with asyncio.timeout(ANSWER_S):
            await self._producer.start()
        while True:
            state, due_at = self._state(), self._clock() + self._interval_s
            self._may_be_heard = True
            async with asyncio.timeout(ANSWER_S):
                await self._write(self._told())
            if self._complaint is not None:
                self._complaint = None
                log.info("heartbeat_restored", topic=self._settings.topic(self._topic))
            await asyncio.sleep(CHECK_S)
            while self._state() == state and (left_s := due_at - self._clock()) > 0:  # noqa: ASYNC110  # nothing tells
                await asyncio.sleep(min(CHECK_S, left_s))

    async def _write(self, value: bytes | None) -> None:
        assert self._producer is not None
        await self._producer.send_and_wait(self._settings.topic(self._topic), value, key=self._key.encode())

    def _complain(self, event: str, **why: Any) -> None:
        """Say it, unless it was the last thing that was said."""
        if self._complaint != event:
            self._complaint = event
            log.warning(event, topic=self._settings.topic(self._topic), **why)

    async def _drop(self) -> None:
        """After an error a producer is not used again: an idempotent one may have a gap in what it has sent."""
        if self._producer is not None:
            self._dropping = asyncio.ensure_future(client.stop(self._producer))
            self._producer = None
            self._may_be_heard = False
            await asyncio.wait({self._dropping})
            client.look_at(self._dropping)

    async def _end(self) -> None:
        if self._task is not None:
            await client.end(self._task)
        if self._dropping is not None:
            await asyncio.wait({self._dropping})
        if self._producer is None:
            return
        try:
            if self._may_be_heard:
                async with asyncio.timeout(LAST_WORD_S):
                    await self._write(None)
        except Exception as error:  # noqa: BLE001  # it is found silent instead
            log.debug("tombstone_failed", error=repr(error))
        finally:
            await client.stop(self._producer, within_s=LAST_WORD_S)
