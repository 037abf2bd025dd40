"""`/healthz` and `/readyz` of lanes on a real broker: nothing to do is well, no progress is not."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from structlog.testing import capture_logs

from schemas.workers import LaneState
from services.kafka import lane, lanes
from services.kafka.embedded.broker import EmbeddedKafka, EmbeddedSettings
from services.kafka.lane import LaneLimits
from services.kafka.lanes import Lanes
from services.kafka.pipeline import Transform
from services.kafka.records import Output, Record
from services.kafka.settings import KafkaSettings
from services.worker.health import health_server
from services.worker.pool import Pool
from services.worker.settings import WorkerSettings
from tests.brokers import create_topic, produce, until

DEADLINE_S = 60
Ask = Callable[[str], Awaitable[tuple[int, dict[str, Any]]]]


@dataclass(frozen=True)
class Done:
    outputs: tuple[Output, ...] = ()
    is_bug: bool = False


@dataclass(frozen=True)
class NoChildren:
    """What the health page shows of a pool."""

    taxonomy_version: str = "abc"
    restarts: int = 3


async def works(records: Sequence[Record]) -> list[Done]:
    return [Done() for _ in records]


async def fails(records: Sequence[Record]) -> list[Done]:
    return [Done(is_bug=True) for _ in records]


@pytest.fixture
async def settings(kafka: str, prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix, session_timeout_ms=6000)
    await create_topic(kafka, settings.topic("in"), partitions=2)
    return settings


def member(settings: KafkaSettings, transform: Transform = works, stalled_s: float = 60.0) -> Lanes:
    limits = LaneLimits(batch_records=1000, in_flight_bytes=2**20, stalled_s=stalled_s)
    return Lanes(settings, settings.topic("in"), group=settings.group("g"), transform=transform, limits=limits)


@asynccontextmanager
async def served(of: Lanes) -> AsyncIterator[Ask]:
    """The endpoints of lanes that need not have been entered yet."""
    settings = WorkerSettings(http_port=0)
    with capture_logs() as said:
        async with health_server(settings, of, cast(Pool, NoChildren())), aiohttp.ClientSession() as http:
            found = re.search(r"http://[^/]+", next(line["url"] for line in said if line["event"] == "http_served"))
            assert found

            async def ask(path: str) -> tuple[int, dict[str, Any]]:
                async with http.get(found[0] + path) as answer:
                    return answer.status, await answer.json()

            yield ask


async def until_answer(ask: Ask, path: str, status: int) -> dict[str, Any]:
    """Wait for a status, and return what comes with it."""
    told: dict[str, Any] = {}

    async def is_so() -> bool:
        nonlocal told
        answer, told = await ask(path)
        return answer == status

    await until(is_so, within_s=DEADLINE_S)
    return told


async def test_idle_is_well_and_ready(settings: KafkaSettings) -> None:
    running = member(settings)
    async with served(running) as ask:
        assert await ask("/readyz") == (503, {"status": "joining", "lanes": {}})

        async with running:
            await until_answer(ask, "/readyz", 200)
            await until(lambda: all_running(running), within_s=DEADLINE_S)
            ready, well = await ask("/readyz"), await ask("/healthz")

    assert ready == (200, {"status": "ready", "lanes": {"0": "running", "1": "running"}})
    assert well == (
        200,
        {
            "status": "ok",
            "problems": {},
            "lanes": {"0": "running", "1": "running"},
            "taxonomy_version": "abc",
            "child_restarts": 3,
        },
    )


async def test_a_spare_without_partitions_is_well_and_ready(settings: KafkaSettings) -> None:
    members = [member(settings) for _ in range(3)]
    async with members[0], members[1], members[2]:

        async def is_shared() -> bool:
            return all(each.has_joined for each in members) and sum(len(each.states) for each in members) == 2

        await until(is_shared, within_s=DEADLINE_S)
        (spare,) = [each for each in members if not each.states]
        async with served(spare) as ask:
            assert [(await ask(path))[0] for path in ("/readyz", "/healthz")] == [200, 200]


async def test_an_open_breaker_is_a_problem_of_its_partition(settings: KafkaSettings) -> None:
    await produce(settings.bootstrap_servers, settings.topic("in"), [(b"one key", b"%d" % n, ()) for n in range(150)])
    running = member(settings, fails)
    async with served(running) as ask, running:
        told = await until_answer(ask, "/healthz", 503)
        ready = await ask("/readyz")

    assert told["status"] == "problem"
    assert [problem for problem in told["problems"].values() if "breaker" in problem]
    assert len(told["problems"]) == 1
    assert sorted(told["lanes"].values()) == ["breaker_open", "running"]
    assert ready[0] == 200


async def test_work_without_progress_is_a_problem(settings: KafkaSettings) -> None:
    await produce(settings.bootstrap_servers, settings.topic("in"), [(b"one key", b"", ())])

    async def stands_still(records: Sequence[Record]) -> list[Done]:
        await asyncio.sleep(3600)
        return []

    running = member(settings, stands_still, stalled_s=1.0)
    async with served(running) as ask, running:
        told = await until_answer(ask, "/healthz", 503)

    assert [problem for problem in told["problems"].values() if "nothing committed" in problem]


async def test_work_whose_commits_fail_again_and_again_is_a_problem(settings: KafkaSettings) -> None:
    """It polls and processes all the time, and that is no progress."""
    await produce(settings.bootstrap_servers, settings.topic("in"), [(b"one key", b"", ())])

    async def writes_to_a_topic_that_is_not_there(records: Sequence[Record]) -> list[Done]:
        return [Done((Output("no such/topic", b"key", b""),)) for _ in records]

    running = member(settings, writes_to_a_topic_that_is_not_there, stalled_s=3.0)
    async with served(running) as ask, running:
        told = await until_answer(ask, "/healthz", 503)
        await asyncio.sleep(3)
        assert (await ask("/healthz"))[0] == 503

    assert [problem for problem in told["problems"].values() if "nothing committed" in problem]


async def test_while_the_breaker_is_open_few_are_tried_and_it_stays_a_problem(settings: KafkaSettings) -> None:
    await produce(settings.bootstrap_servers, settings.topic("in"), [(b"one key", b"%d" % n, ()) for n in range(600)])
    tried: list[int] = []
    states: set[LaneState] = set()

    async def fails_all(records: Sequence[Record]) -> list[Done]:
        tried.append(len(records))
        states.update(running.states.values())
        return await fails(records)

    running = member(settings, fails_all)
    async with served(running) as ask, running:
        await until_answer(ask, "/healthz", 503)
        before = len(tried)

        async def has_probed() -> bool:
            return len(tried) >= before + 2

        states.clear()
        await until(has_probed, within_s=DEADLINE_S)

    assert tried[before:] == [20] * len(tried[before:])
    assert LaneState.BREAKER_OPEN in states


async def test_a_broker_that_is_away_is_a_problem_until_it_is_back(
    tmp_path: Path, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "SILENT_S", 1.0)
    broker = EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path / "broker", port=0))
    await broker.start()
    try:
        settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers, topic_prefix=prefix)
        await create_topic(settings.bootstrap_servers, settings.topic("in"), partitions=2)
        running = member(settings)
        async with served(running) as ask, running:
            await until(lambda: all_running(running), within_s=DEADLINE_S)
            await until_answer(ask, "/healthz", 200)
            assert broker.java_pid is not None
            os.kill(broker.java_pid, signal.SIGKILL)

            told = await until_answer(ask, "/healthz", 503)
            await broker.start()
            await until_answer(ask, "/healthz", 200)
    finally:
        await broker.stop()

    assert [problem for problem in told["problems"].values() if "not answered" in problem]


async def test_who_stays_outside_of_the_group_is_a_problem(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "OUTSIDE_S", 0.2)
    running = member(settings)
    async with served(running) as ask:
        told = await until_answer(ask, "/healthz", 503)
        async with running:
            await until_answer(ask, "/healthz", 200)

    assert list(told["problems"]) == ["group"]


async def test_no_port_no_server(settings: KafkaSettings) -> None:
    with capture_logs() as said:
        async with health_server(WorkerSettings(http_port=None), member(settings), cast(Pool, NoChildren())):
            pass

    assert said == []


async def all_running(running: Lanes) -> bool:
    return len(running.states) == 2 and set(running.states.values()) == {LaneState.RUNNING}
