"""`tagwire lag`, `status`, `where` and `monitor` as a user runs them."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import orjson

from schemas.topics import RAW
from services.kafka.admin import create_topics
from services.kafka.embedded.broker import EmbeddedKafka, EmbeddedSettings
from services.kafka.settings import KafkaSettings
from tests.articles import article
from tests.brokers import produce, until
from tests.journey.conftest import settings as settings  # noqa: PLC0414  # a fixture
from tests.journey.conftest import worker

GROUP = "tagwire-clean-route"


@asynccontextmanager
async def tagwire(settings: KafkaSettings, *arguments: str, **more: str) -> AsyncIterator[Process]:
    environment = {
        "TAGWIRE_KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "TAGWIRE_KAFKA_TOPIC_PREFIX": settings.topic_prefix,
        "TAGWIRE_MONITOR_GROUPS": re.escape(settings.topic_prefix) + ".*",
        **more,
    }
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", *arguments), stdout=PIPE, stderr=PIPE, env={**os.environ, **environment}
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def ran(settings: KafkaSettings, *arguments: str) -> tuple[int | None, list[dict[str, object]], str]:
    """Return the status, the JSON Lines and the standard error of a command that ends by itself."""
    async with tagwire(settings, *arguments) as process, asyncio.timeout(60):
        said, complained = await process.communicate()
    return process.returncode, [orjson.loads(line) for line in said.splitlines()], complained.decode()


async def test_lag_before_any_worker_and_after_one(settings: KafkaSettings) -> None:
    await produce(settings.bootstrap_servers, settings.topic(RAW), [(*article(n), ()) for n in range(8)])

    _, before, _ = await ran(settings, "lag")
    status, _, _ = await ran(settings, "status", "--for", "0.2")
    async with worker(settings):

        async def is_drained() -> bool:
            _, rows, _ = await ran(settings, "lag", "--group", settings.group(GROUP))
            return all(row["committed"] is not None and row["lag"] == 0 for row in rows)

        await until(is_drained, within_s=60)
        _, after, _ = await ran(settings, "lag")
        well, (overview,), _ = await ran(settings, "status", "--for", "1")
        _, way, _ = await ran(settings, "where", article(3)[0].decode())

    assert {row["group"] for row in before} == {settings.group(GROUP)}
    assert sum(int(str(row["lag"])) for row in before) == 8
    assert {row["status"] for row in before if row["lag"]} == {"STOP"}
    assert {row["status"] for row in after} == {"OK"}
    assert (status, well) == (1, 0)
    assert overview["is_well"] is True
    assert [stop["verdict"] for stop in way][:2] == ["received", "classified"]


async def test_lag_watches_until_it_is_told_to_stop(settings: KafkaSettings) -> None:
    async with tagwire(settings, "lag", "--watch", "--every", "0.2") as process, asyncio.timeout(60):
        assert process.stdout is not None
        times = {orjson.loads(await process.stdout.readline())["at"] for _ in range(12)}
        process.send_signal(signal.SIGINT)
        await process.communicate()

    assert len(times) == 3  # four partitions each time
    assert process.returncode == 0


async def test_a_group_that_is_not_there_is_named(settings: KafkaSettings) -> None:
    assert await ran(settings, "lag", "--group", "mistyped") == (1, [], "tagwire: no such consumer group: mistyped\n")


async def test_who_watches_lag_sees_kafka_go_and_come_back(tmp_path: Path) -> None:
    broker = EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path / "broker", port=0))
    await broker.start()
    try:
        settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        await create_topics(settings, [RAW], partitions=1)
        watching = tagwire(settings, "lag", "--watch", "--every", "0.2", TAGWIRE_MONITOR_GROUPS="")
        async with watching as process, asyncio.timeout(60):
            assert process.stdout is not None
            assert process.stderr is not None
            await process.stdout.readline()
            assert broker.java_pid is not None
            os.kill(broker.java_pid, signal.SIGKILL)
            said = (await process.stderr.readline()).decode()
            await broker.start()
            back = datetime.now(UTC)
            while datetime.fromisoformat(orjson.loads(await process.stdout.readline())["at"]) < back:
                pass
    finally:
        await broker.stop()

    assert said.endswith("Trying again.\n")


async def test_an_id_that_is_nowhere_is_status_1(settings: KafkaSettings) -> None:
    status, lines, complained = await ran(settings, "where", "no-such")

    assert (status, lines) == (1, [])
    assert complained.startswith("tagwire: no record of 'no-such' is kept in ")


async def test_the_monitor_serves_until_it_is_told_to_stop(settings: KafkaSettings) -> None:
    async with tagwire(settings, "monitor", "--port", "0") as process, asyncio.timeout(60):
        assert process.stderr is not None
        said = (await process.stderr.readline()).decode()
        found = re.search(r"http://[\d.:]+", said)
        assert found, said
        async with aiohttp.ClientSession() as http:

            async def is_ready() -> bool:
                async with http.get(f"{found[0]}/readyz") as answer:
                    return answer.status == 200

            await until(is_ready, within_s=30)
            async with http.get(f"{found[0]}/api/v1/groups") as answer:
                groups = (await answer.json())["groups"]
        process.send_signal(signal.SIGTERM)
        await process.communicate()

    assert [group["name"] for group in groups] == [settings.group(GROUP)]
    assert process.returncode == 0


async def test_a_monitor_waits_for_a_cluster_that_is_away_and_says_so(settings: KafkaSettings) -> None:
    away = settings.model_copy(update={"bootstrap_servers": "127.0.0.1:1"})
    async with tagwire(away, "monitor", "--port", "0") as process, asyncio.timeout(60):
        assert process.stderr is not None
        found = re.search(r"http://[\d.:]+", (await process.stderr.readline()).decode())
        assert found
        async with aiohttp.ClientSession() as http:

            async def says_so() -> bool:
                async with http.get(f"{found[0]}/readyz") as answer:
                    told = await answer.json()
                return answer.status == 503 and "does not answer" in (told["problem"] or "")

            await until(says_so, within_s=30)
            async with http.get(f"{found[0]}/healthz") as answer:
                assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        await process.communicate()

    assert process.returncode == 0


async def test_wrong_settings_are_named(settings: KafkaSettings) -> None:
    async with tagwire(settings, "monitor", TAGWIRE_MONITOR_GROUPS="(", TAGWIRE_MONITOR_TOKEN="short") as process:
        _, complained = await process.communicate()

    assert process.returncode == 2
    assert "TAGWIRE_MONITOR_GROUPS: no regular expression" in complained.decode()
    assert "TAGWIRE_MONITOR_TOKEN: expected 16 characters" in complained.decode()
