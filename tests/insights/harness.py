"""An installation with processes of `tagwire insights`, which are killed, joined and left by tests."""

import asyncio
import os
import re
import signal
import sys
import time
from asyncio.subprocess import Process, create_subprocess_exec
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp
import pytest
from aiokafka.errors import KafkaError

from schemas.documents import ClassifiedDocument, Model
from schemas.topics import (
    CLASSIFIED,
    EMBEDDED_PARTITIONS,
    FINGERPRINT_BANDS,
    STORY_LINKS,
    TAG_COUNTS,
    Topic,
    all_topics,
)
from services.kafka.admin import create_topics
from services.kafka.settings import KafkaSettings
from tests.brokers import produce, read_committed
from tests.insights.documents import message
from tests.offsets import group_offsets

GROUP: Final = "tagwire-insights"
SESSION_TIMEOUT_MS: Final = 6000
DEADLINE_S: Final = 240.0
ASK_S: Final = 0.2
LOG_TAIL: Final = 4000
IS_LONG: Final = os.environ.get("TAGWIRE_TEST_FAULTS") == "long"
INPUTS: Final = {
    CLASSIFIED: EMBEDDED_PARTITIONS,
    FINGERPRINT_BANDS: EMBEDDED_PARTITIONS,
    STORY_LINKS: 1,
    TAG_COUNTS: EMBEDDED_PARTITIONS,
}
TIMES: Final = pytest.StashKey[dict[str, list[float]]]()


ModelT = TypeVar("ModelT", bound=Model)


class Running:
    """A process of `tagwire insights`."""

    def __init__(self, process: Process, log: Path) -> None:
        self.process = process
        self.log = log
        self.is_doomed = False

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    async def kill(self) -> None:
        self.is_doomed = True
        self.process.kill()
        await self.process.wait()

    async def leave(self) -> None:
        """Ask it to stop, as a deployment does."""
        self.is_doomed = True
        self.process.send_signal(signal.SIGTERM)
        assert await self.process.wait() == 0, self.said[-LOG_TAIL:]

    def freeze(self) -> None:
        self.is_doomed = True
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        await self.process.wait()

    async def ask(self, path: str) -> tuple[int, Any]:
        found = re.search(r'"url":"(http://[^"]+)"', self.said)
        if not found:
            return 0, {}
        async with aiohttp.ClientSession() as http, http.get(found[1] + path) as answer:
            return answer.status, await answer.json()

    async def metric(self, name: str) -> float:
        """Return the sum of a metric's samples."""
        found = re.search(r'"url":"(http://[^"]+)"', self.said)
        assert found
        async with aiohttp.ClientSession() as http, http.get(found[1] + "/metrics") as answer:
            text = await answer.text()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(name + r"[ {]", line))

    async def is_ready(self) -> bool:
        with suppress(aiohttp.ClientError, OSError):
            return (await self.ask("/readyz"))[0] == 200
        return False


class Installation:
    """Topics under a prefix of their own, and the processes that were started on them."""

    def __init__(self, settings: KafkaSettings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.processes: list[Running] = []

    @property
    def stores(self) -> Path:
        """Where the processes keep their tables, each in a folder of its own."""
        return self.folder / "stores"

    async def start(self, module: str = "services.cli", **environment: str) -> Running:
        given = {
            "TAGWIRE_KAFKA_BOOTSTRAP_SERVERS": self.settings.bootstrap_servers,
            "TAGWIRE_KAFKA_TOPIC_PREFIX": self.settings.topic_prefix,
            "TAGWIRE_KAFKA_SESSION_TIMEOUT_MS": str(self.settings.session_timeout_ms),
            "TAGWIRE_INSIGHTS_DATA_FOLDER": str(self.stores),
            "TAGWIRE_INSIGHTS_HTTP_PORT": "0",
        }
        log = self.folder / f"insights-{len(self.processes)}.log"
        with log.open("wb") as output:
            process = await create_subprocess_exec(
                *(sys.executable, "-m", module, "insights"),
                env={**os.environ, **given, **environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.processes.append(started := Running(process, log))
        return started

    async def ready(self, **environment: str) -> Running:
        started = await self.start(**environment)
        await self.until(started.is_ready)
        return started

    async def end(self) -> None:
        await asyncio.gather(*(process.end() for process in self.processes))

    async def publish(self, documents: Iterable[ClassifiedDocument]) -> None:
        await produce(self.settings.bootstrap_servers, self.settings.topic(CLASSIFIED), map(message, documents))

    async def read(self, topic: Topic, model: type[ModelT]) -> list[ModelT]:
        """Return what the topic holds, partition by partition."""
        records = await read_committed(self.settings.bootstrap_servers, self.settings.topic(topic))
        return [model.model_validate_json(record.value or b"") for record in records]

    async def until(self, condition: Callable[[], Awaitable[bool]], *, within_s: float = DEADLINE_S) -> None:
        """Wait for a condition. Raises AssertionError when it does not come, or a process ends that should not."""
        deadline = time.monotonic() + within_s
        while True:
            with suppress(KafkaError, OSError, aiohttp.ClientError):
                if await condition():
                    return
            for process in self.processes:
                if not process.is_doomed and process.process.returncode is not None:
                    raise AssertionError(f"a process ended: {process.said[-LOG_TAIL:]}")
            if time.monotonic() > deadline:
                raise AssertionError("\n".join(["it did not come:", *await self._last_words()]))
            await asyncio.sleep(ASK_S)

    async def until_caught_up(self) -> float:
        """
        Wait until nothing waits in any partition of any topic that insights read; return after how many seconds.

        One look asks what is committed before where partitions end, so it cannot miss what is on its way.
        """
        begun = time.monotonic()
        await self.until(self._is_caught_up)
        return time.monotonic() - begun

    async def _is_caught_up(self) -> bool:
        offsets = await group_offsets(self.settings, [self.settings.group(GROUP)])
        known: dict[str, int] = defaultdict(int)
        for offset in offsets:
            known[offset.topic] += offset.end == offset.committed
        return all(known[self.settings.topic(topic)] == count for topic, count in INPUTS.items())

    async def _last_words(self) -> list[str]:
        words = []
        with suppress(KafkaError, OSError):
            words += [str(offset) for offset in await group_offsets(self.settings, [self.settings.group(GROUP)])]
        for process in self.processes:
            with suppress(aiohttp.ClientError, OSError):
                words.append(str(await process.ask("/healthz")))
            words.append(process.said[-LOG_TAIL:])
        return words


@asynccontextmanager
async def installation(bootstrap: str, prefix: str, folder: Path) -> AsyncIterator[Installation]:
    """Give topics and, in the end, kill every process that is left."""
    settings = KafkaSettings(bootstrap_servers=bootstrap, topic_prefix=prefix, session_timeout_ms=SESSION_TIMEOUT_MS)
    await create_topics(settings, all_topics([]), partitions=EMBEDDED_PARTITIONS)
    running = Installation(settings, folder)
    try:
        yield running
    finally:
        await running.end()
