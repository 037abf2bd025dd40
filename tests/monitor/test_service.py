"""The whole monitor on brokers of its own: what it puts back, and what it does while Kafka is away."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from schemas.topics import DEAD_LETTER, RAW, all_topics
from services.core.taxonomy import shipped_routes
from services.kafka.admin import create_topics
from services.kafka.embedded.broker import EmbeddedKafka, EmbeddedSettings
from services.kafka.settings import KafkaSettings
from services.monitor.service import monitor
from services.monitor.settings import MonitorSettings
from services.worker.settings import WorkerSettings
from tests.articles import article
from tests.brokers import produce, read_committed, until
from tests.monitor.documents import dead_letter

TOKEN = "a-token-of-enough-characters"


class Asked:
    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        async with self._http.get(self._url + path) as answer:
            return answer.status, await answer.json()

    async def redrive(self, **body: Any) -> tuple[int, dict[str, Any]]:
        given = {"Authorization": f"Bearer {TOKEN}"}
        async with self._http.post(f"{self._url}/api/v1/dead-letters/redrive", json=body, headers=given) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def running(kafka: KafkaSettings) -> AsyncIterator[Asked]:
    stop = asyncio.Event()
    own = MonitorSettings(http_port=0, interval_s=0.2, token=TOKEN)
    with capture_logs() as said:
        task = asyncio.ensure_future(monitor(kafka, own, WorkerSettings(children=1), stop=stop))
        try:
            while not (urls := [line["url"] for line in said if line["event"] == "http_served"]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            async with aiohttp.ClientSession() as http:
                yield Asked(http, re.sub(r"/$", "", urls[0]))
        finally:
            stop.set()
            await task


async def test_what_passes_is_put_back_when_it_is_asked_for_and_only_then(kafka: str, prefix: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)
    await create_topics(settings, all_topics(shipped_routes()), partitions=2)
    key, text = article(1)
    _, _, told = dead_letter(key.decode(), settings.topic(RAW))
    await produce(kafka, settings.topic(DEAD_LETTER), [(key, text, told)])

    async with running(settings) as asked:

        async def is_seen() -> bool:
            status, shown = await asked.get("/api/v1/dead-letters")
            return status == 200 and shown["kept"] == 1

        await until(is_seen, within_s=30)
        dry = await asked.redrive(ids=[key.decode()])
        before = await read_committed(kafka, settings.topic(RAW))
        sent = await asked.redrive(ids=[key.decode()], is_dry=False)

    after = await read_committed(kafka, settings.topic(RAW))
    assert dry[0] == sent[0] == 200
    assert (dry[1]["summary"], dry[1]["sent"]) == (["1 of 1 would now pass"], 0)
    assert dry[1]["candidates"][0]["fate"] == "passes"
    assert before == []
    assert sent[1]["sent"] == 1
    assert [record.value for record in after] == [text]


async def test_a_kafka_that_goes_away_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.monitor.watch.LATE_S", 1.0)
    broker = EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path / "broker", port=0))
    await broker.start()
    try:
        async with running(KafkaSettings(bootstrap_servers=broker.bootstrap_servers)) as asked:

            async def answers(path: str, expected: int) -> bool:
                return (await asked.get(path))[0] == expected

            await until(lambda: answers("/readyz", 200), within_s=30)
            assert broker.java_pid is not None
            os.kill(broker.java_pid, signal.SIGKILL)
            await until(lambda: answers("/healthz", 503), within_s=60)
            # What was seen last is still shown, and said to be old.
            status, overview = await asked.get("/api/v1/overview")
            await broker.start()
            await until(lambda: answers("/healthz", 200), within_s=60)
    finally:
        await broker.stop()

    assert status == 200
    assert overview["problem"]
    assert overview["is_well"] is False
