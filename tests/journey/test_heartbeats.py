"""Workers as they tell of themselves, and as the monitor tells of them: started, joined by another, stopped, killed."""

import asyncio
import time
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from schemas.topics import CLASSIFIED, EMBEDDED_PARTITIONS, RAW, WORKERS, Topic, all_topics
from schemas.workers import LaneState, WorkerHeartbeat
from services.core.clean import PIPELINE_VERSION
from services.core.taxonomy import load_taxonomy, shipped_routes
from services.kafka.admin import create_topics, missing_topics
from services.kafka.settings import KafkaSettings
from services.monitor import heartbeats
from services.monitor.api import WorkerRow
from services.monitor.settings import MonitorSettings
from services.monitor.status import overview
from services.worker.flow import JOURNEY
from services.worker.settings import WorkerSettings
from services.worker.worker import work
from tests.articles import article
from tests.brokers import produce, read_committed, until
from tests.journey.conftest import worker

GROUP = "tagwire-clean-route"
WITHIN_S = 60
STOP_S = 3.5


async def told(settings: KafkaSettings) -> dict[str, WorkerHeartbeat | None]:
    """Return what each worker has said last, as any reader of the topic sees it; None: a tombstone."""
    records = await read_committed(settings.bootstrap_servers, settings.topic(WORKERS))
    return {
        (record.key or b"").decode(): WorkerHeartbeat.model_validate_json(record.value) if record.value else None
        for record in records
    }


async def running(settings: KafkaSettings) -> dict[str, list[int]]:
    """Return worker -> the partitions that run in it, as it says."""
    return {
        name: [lane.partition for lane in each.partitions if lane.state is LaneState.RUNNING]
        for name, each in (await told(settings)).items()
        if each is not None
    }


async def have(settings: KafkaSettings, *partitions: int) -> bool:
    return sorted(map(len, (await running(settings)).values())) == sorted(partitions)


async def workers(settings: KafkaSettings) -> list[WorkerRow]:
    own = MonitorSettings(groups=settings.group(GROUP).replace(".", r"\."), interval_s=0.1)
    return (await overview(settings, own, looks=1)).workers


async def test_a_worker_says_who_it_is_and_what_it_has_until_it_stops(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGWIRE_WORKER_HTTP_PORT", "0")
    monkeypatch.setenv("TAGWIRE_WORKER_CHILDREN", "1")
    monkeypatch.setenv("TAGWIRE_WORKER_HEARTBEAT_S", "1")
    await produce(settings.bootstrap_servers, settings.topic(RAW), [(*article(n), ()) for n in range(5)])
    await produce(settings.bootstrap_servers, settings.topic(RAW), [(b"empty", b"", ())])
    async with worker(settings) as first:

        async def has_counted() -> bool:
            return [(each.documents, each.dead_letters) for each in (await told(settings)).values() if each] == [(5, 1)]

        await until(lambda: have(settings, 4), within_s=WITHIN_S)
        await until(has_counted, within_s=WITHIN_S)
        ((name, alone),) = (await told(settings)).items()
        (row,) = await workers(settings)
        async with worker(settings) as second:
            await until(lambda: have(settings, 2, 2), within_s=WITHIN_S)
            shared, both = await running(settings), await workers(settings)
        left = await told(settings)
        await until(lambda: have(settings, 4), within_s=WITHIN_S)
    stopped = await told(settings)

    assert alone is not None
    assert (alone.id, alone.pid, alone.group) == (name, first.pid, settings.group(GROUP))
    assert alone.reads == settings.topic(RAW)
    assert alone.stages == ("clean", "enrich", "classify", "route")
    assert (alone.children, alone.interval_s) == (1, 1.0)
    assert alone.taxonomy_version == load_taxonomy().version
    assert alone.pipeline_version == PIPELINE_VERSION
    assert alone.http_address is not None
    assert alone.http_address.startswith("http://127.0.0.1:")
    assert row.heartbeat is not None
    assert (row.client_id, row.is_member, row.heartbeat.pid) == (name, True, first.pid)
    assert row.partitions == {settings.topic(RAW): [0, 1, 2, 3]}
    assert row.heartbeat.states == {"running": [0, 1, 2, 3]}
    assert sorted(number for numbers in shared.values() for number in numbers) == [0, 1, 2, 3]
    assert {each.client_id for each in both} == set(shared)
    assert {each.heartbeat.pid for each in both if each.heartbeat} == {first.pid, second.pid}
    assert [other for other in left if left[other] is None] == [other for other in left if other != name]
    assert set(stopped.values()) == {None}
    assert await workers(settings) == []


async def test_a_killed_worker_is_silent_and_then_forgotten(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGWIRE_WORKER_HEARTBEAT_S", "1")
    async with worker(settings) as process:
        await until(lambda: have(settings, 4), within_s=WITHIN_S)
        process.kill()
        await process.wait()

    async def is_silent_and_gone_from_its_group() -> bool:
        return [(row.is_member, row.heartbeat and row.heartbeat.is_silent) for row in await workers(settings)] == [
            (False, True)
        ]

    await until(is_silent_and_gone_from_its_group, within_s=WITHIN_S)
    (row,) = await workers(settings)
    monkeypatch.setattr(heartbeats, "FORGOTTEN_S", 1.0)

    assert row.partitions == {}
    assert row.heartbeat is not None
    assert row.heartbeat.pid == process.pid
    assert row.heartbeat.why.endswith("no member of its group: killed, or cut off from Kafka")
    assert await workers(settings) == []


async def test_without_heartbeats_a_worker_is_known_from_its_group(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGWIRE_WORKER_HEARTBEAT_S", "0")
    async with worker(settings):

        async def is_member() -> bool:
            return [row.partitions for row in await workers(settings)] == [{settings.topic(RAW): [0, 1, 2, 3]}]

        await until(is_member, within_s=WITHIN_S)
        (row,) = await workers(settings)

    assert row.heartbeat is None
    assert await told(settings) == {}


@pytest.mark.parametrize(
    ("topics", "complaint"),
    [
        pytest.param((), "topic_missing", id="an older installation"),
        pytest.param((replace(WORKERS, max_message_bytes=10),), "heartbeat_failed", id="nobody may write there"),
    ],
)
async def test_who_cannot_say_that_he_is_there_works_all_the_same(
    kafka: str, prefix: str, topics: tuple[Topic, ...], complaint: str
) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix, session_timeout_ms=6000)
    others = [topic for topic in all_topics(shipped_routes()) if topic != WORKERS]
    await create_topics(settings, [*others, *topics], partitions=EMBEDDED_PARTITIONS)
    await produce(settings.bootstrap_servers, settings.topic(RAW), [(*article(n), ()) for n in range(20)])
    stop = asyncio.Event()

    async def is_done() -> bool:
        return len(await read_committed(settings.bootstrap_servers, settings.topic(CLASSIFIED))) == 20

    with capture_logs() as said:
        own = WorkerSettings(children=1, heartbeat_s=1, http_port=None)
        working = asyncio.create_task(work(settings, own, JOURNEY, stop=stop))
        await until(is_done, within_s=WITHIN_S)
        await asyncio.sleep(2.5)  # some more tries
        began = time.monotonic()
        stop.set()
        await working
        took_s = time.monotonic() - began

    assert [line["event"] for line in said if line["log_level"] == "warning"] == [complaint]
    assert took_s < STOP_S
    assert await missing_topics(settings, others) == []
    assert (await missing_topics(settings, [WORKERS]) == []) is bool(topics)
