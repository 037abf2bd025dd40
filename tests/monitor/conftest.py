"""The monitor's server beside a real broker, and a client of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from schemas.topics import EMBEDDED_PARTITIONS, all_topics
from services.core.taxonomy import shipped_routes
from services.dead_letters.letters import Selection
from services.insights.view import View
from services.kafka.admin import create_topics
from services.kafka.latest import Latest
from services.kafka.settings import KafkaSettings
from services.monitor import api
from services.monitor.journey import journey
from services.monitor.recent import Recent
from services.monitor.server import Server
from services.monitor.settings import MonitorSettings
from services.monitor.watch import Watch
from services.monitor.where import Stop
from tests.brokers import create_topic
from tests.monitor.stage import Stage

TOKEN = "a-token-of-enough-characters"


class Monitor:
    """The server over a watch that looks when it is told to, and a client of it."""

    def __init__(self, kafka: KafkaSettings, settings: MonitorSettings) -> None:
        self.kafka = kafka
        self.watch = Watch(kafka, settings, journey(kafka).inputs, groups=[kafka.group("tagwire-clean-route")])
        self.recent = Recent(kafka, settings)
        self.asked: list[tuple[api.RedriveRequest, Selection]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.insights = View(kafka)
        self.server = Server(kafka, settings, journey(kafka), self.watch, self.recent, self.redrive, self.insights)
        self.client: TestClient[Any, Any]

    async def redrive(self, wanted: api.RedriveRequest, chosen: Selection) -> api.RedriveReport:
        self.asked.append((wanted, chosen))
        await self.may_answer.wait()
        return api.RedriveReport(summary=["none"], sent=0, is_dry=wanted.is_dry, candidates=[])

    async def look(self) -> None:
        async with self.watch, Latest(self.kafka) as latest:
            await self.recent.read(await self.watch.look(), latest)

    async def get(self, path: str, **options: Any) -> tuple[int, Any]:
        async with self.client.get(path, **options) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await (answer.json() if is_json else answer.text())

    async def post(self, token: str | None, **body: Any) -> tuple[int, Any]:
        given = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.client.post("/api/v1/dead-letters/redrive", json=body, headers=given) as answer:
            return answer.status, await answer.json()


class EndlessSearch:
    """Stands for one in a large installation."""

    def __init__(self) -> None:
        self.has_begun = asyncio.Event()
        self.has_ended = asyncio.Event()

    async def __call__(self, *_: object, **__: object) -> list[Stop]:
        self.has_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.has_ended.set()
        return []


@pytest.fixture
async def settings(kafka: str, prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)
    await create_topics(settings, all_topics(shipped_routes()), partitions=EMBEDDED_PARTITIONS)
    return settings


@pytest.fixture
async def monitor(settings: KafkaSettings) -> AsyncIterator[Monitor]:
    made = Monitor(settings, MonitorSettings(token=TOKEN, cluster_name="ours"))
    async with TestClient(TestServer(made.server.app())) as client:
        made.client = client
        yield made


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> EndlessSearch:
    search = EndlessSearch()
    monkeypatch.setattr("services.monitor.where_path.where", search)
    return search


@pytest.fixture
async def stage(kafka: str, prefix: str) -> AsyncIterator[Stage]:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)
    await create_topic(kafka, settings.topic("in"), partitions=1)
    async with Watch(settings, MonitorSettings(), {}, groups=[settings.group("g")]) as watch:
        yield Stage(settings, watch)
