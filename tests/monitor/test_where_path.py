"""Where a document is, over HTTP: read from a real broker, one search at a time, and only while it is waited for."""

import asyncio
import time
from typing import Any

import jsonschema
import pytest
from aiohttp.test_utils import TestClient, TestServer

from schemas.documents import MAX_ID_LENGTH
from schemas.topics import CLASSIFIED, DEAD_LETTER, RAW, tag_topic
from services.kafka.embedded.ports import free_port
from services.kafka.settings import KafkaSettings
from services.monitor.settings import MonitorSettings
from tests.monitor.conftest import EndlessSearch, Monitor
from tests.monitor.documents import whole_way

PATH = "/api/v1/where"


async def asked(monitor: Monitor, **query: str) -> tuple[int, Any]:
    """Ask, and hold the answer against its description, whatever its status."""
    status, told = await monitor.get(PATH, params=query)
    _, described = await monitor.get("/api/openapi.json")
    content = described["paths"][PATH]["get"]["responses"][str(status)]["content"]["application/json"]
    jsonschema.validate(told, {**content["schema"], "components": described["components"]})
    return status, told


async def test_each_record_of_a_document_is_told_in_order(monitor: Monitor) -> None:
    partition = await whole_way(monitor.kafka, "doc-1")
    topic = monitor.kafka.topic

    status, told = await asked(monitor, id="doc-1")

    assert status == 200
    assert [(stop["topic"], stop["partition"], stop["offset"], stop["verdict"]) for stop in told["stops"]] == [
        (topic(RAW), partition, 0, "received"),
        (topic(DEAD_LETTER), partition, 0, "dead letter"),
        (topic(RAW), partition, 1, "received"),
        (topic(CLASSIFIED), partition, 0, "classified"),
        (topic(tag_topic("libya")), partition, 0, "routed"),
    ]
    assert told["stops"][1]["message"] == "no_text in clean: page of 7 characters holds no article text"
    assert told["stops"][1]["origin"] == told["stops"][0]["position"]
    assert all(abs(time.time() - stop["at_s"]) < 60 for stop in told["stops"])
    assert told["summary"] == "5 records of 'doc-1' are kept, the oldest first"
    assert told["is_more"] is False


async def test_it_needs_no_look_of_the_monitor(monitor: Monitor) -> None:
    assert (await monitor.get("/api/v1/overview"))[0] == 503
    assert (await asked(monitor, id="doc-1"))[0] == 200


@pytest.mark.parametrize(
    "document_id", ["no such", "<img src=x onerror=alert(1)>", "\u202e\x00é🙂/../%2f", "a&since=x+y"]
)
async def test_an_id_that_nobody_has_seen_is_an_empty_list_and_where_it_looked(
    monitor: Monitor, document_id: str
) -> None:
    status, told = await asked(monitor, id=document_id)

    assert (status, told["id"], told["stops"]) == (200, document_id, [])
    assert told["summary"].startswith("no record of '")
    assert monitor.kafka.topic(RAW) in told["summary"]
    assert monitor.kafka.topic(DEAD_LETTER) in told["summary"]


async def test_what_is_before_the_time_is_left_out(monitor: Monitor) -> None:
    await whole_way(monitor.kafka, "doc-1")

    _, lately = await asked(monitor, id="doc-1", since="1h")
    _, later = await asked(monitor, id="doc-1", since="2999-01-01T00:00:00Z")

    assert len(lately["stops"]) == 5
    assert later["stops"] == []
    assert later["summary"].endswith(", since 2999-01-01T00:00:00.000Z")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        pytest.param({}, "id: required, but missing", id="none"),
        pytest.param({"id": ""}, "id: String should have at least 1 character", id="empty"),
        pytest.param({"id": "x" * (MAX_ID_LENGTH + 1)}, f"at most {MAX_ID_LENGTH} characters", id="too long"),
        pytest.param({"id": "x", "since": "lately"}, "since: 'lately' is no time", id="no time"),
        pytest.param({"id": "x", "sinse": "1h"}, "sinse", id="a slip"),
    ],
)
async def test_a_wrong_question_is_refused_by_name(monitor: Monitor, query: dict[str, str], named: str) -> None:
    status, told = await asked(monitor, **query)

    assert status == 400
    assert named in told["error"]


async def test_a_cluster_that_is_away_is_said_so() -> None:
    away = Monitor(KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port(0)}"), MonitorSettings())
    async with TestClient(TestServer(away.server.app())) as away.client:
        status, told = await asked(away, id="doc-1")

    assert status == 503
    assert told["error"].startswith("Kafka does not answer at 127.0.0.1:")


async def test_a_second_search_waits_a_moment_and_is_refused(
    monitor: Monitor, endless: EndlessSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.monitor.where_path.TURN_S", 0.1)
    first = asyncio.ensure_future(monitor.get(PATH, params={"id": "doc-1"}))
    await endless.has_begun.wait()

    second = await asked(monitor, id="doc-2")

    assert second == (409, {"error": "another search is under way: only one at a time reads Kafka"})
    assert not first.done()
    first.cancel()


async def test_who_leaves_ends_the_search_and_makes_room(monitor: Monitor, endless: EndlessSearch) -> None:
    left = asyncio.ensure_future(monitor.get(PATH, params={"id": "doc-1"}))
    await endless.has_begun.wait()
    left.cancel()
    async with asyncio.timeout(5):
        await endless.has_ended.wait()
    endless.has_begun.clear()
    next_one = asyncio.ensure_future(monitor.get(PATH, params={"id": "doc-1"}))
    async with asyncio.timeout(5):
        await endless.has_begun.wait()
    next_one.cancel()


async def test_a_search_that_takes_too_long_is_ended(
    monitor: Monitor, endless: EndlessSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.monitor.where_path.LONGEST_S", 0.3)

    status, told = await asked(monitor, id="doc-1")

    assert status == 504
    assert told["error"] == "the search took longer than 0.3 s and was ended: give a time (since) to search less"
    assert endless.has_ended.is_set()


async def test_a_server_that_stops_ends_the_search(settings: KafkaSettings, endless: EndlessSearch) -> None:
    monitor = Monitor(settings, MonitorSettings())
    async with TestClient(TestServer(monitor.server.app())) as monitor.client:
        waiting = asyncio.ensure_future(monitor.get(PATH, params={"id": "doc-1"}))
        await endless.has_begun.wait()
        async with asyncio.timeout(5):
            await monitor.client.server.close()
        status, told = await waiting

    assert (status, told) == (503, {"error": "the monitor stops"})


async def test_a_document_of_very_many_records_is_cut_and_said_so(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.monitor.where_path.MOST_STOPS", 3)
    await whole_way(monitor.kafka, "doc-1")

    _, told = await asked(monitor, id="doc-1")

    assert [stop["verdict"] for stop in told["stops"]] == ["received", "classified", "routed"]
    assert told["is_more"] is True
    assert told["summary"] == "the last 3 records of 'doc-1' that are kept; there may be earlier ones"
