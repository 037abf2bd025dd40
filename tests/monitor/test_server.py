"""The monitor over HTTP, beside a real broker: what it serves is what there is, and what it describes."""

import asyncio
import json
import math
import re
from typing import Any

import jsonschema
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from aiokafka.errors import TopicAlreadyExistsError, TopicAuthorizationFailedError
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from schemas import headers
from schemas.documents import ClassifiedDocument
from schemas.topics import CLASSIFIED, DEAD_LETTER, RAW, WORKERS
from services.dead_letters.letters import Selection
from services.insights.view import State
from services.kafka.admin import admin
from services.kafka.latest import Latest
from services.kafka.settings import KafkaSettings
from services.monitor.settings import MonitorSettings
from services.telemetry.lag_metrics import FAMILIES
from tests.brokers import create_topic, produce, until
from tests.heartbeats import heartbeat, message
from tests.insights.records import assigned, bursting, record
from tests.monitor.conftest import TOKEN, Monitor
from tests.monitor.documents import classified, dead_letter


@pytest.fixture
async def filled(monitor: Monitor) -> Monitor:
    """Three raw documents that nobody reads, a classified one and a dead letter; and one look at them."""
    servers, topic = monitor.kafka.bootstrap_servers, monitor.kafka.topic
    await produce(servers, topic(RAW), [(b"id-%d" % n, b"text", ()) for n in range(3)])
    await produce(servers, topic(CLASSIFIED), [classified("doc-1", origin=f"{topic(RAW)}/0/17")])
    await produce(servers, topic(DEAD_LETTER), [dead_letter("bad-1", topic(RAW))])
    await monitor.look()
    return monitor


async def test_before_the_first_look_it_is_alive_and_not_ready(monitor: Monitor) -> None:
    assert (await monitor.get("/healthz"))[0] == 200
    assert (await monitor.get("/readyz"))[0] == 503
    assert await monitor.get("/burrow/admin") == (200, "GOOD")
    assert await monitor.get("/burrow/admin/ready") == (503, "STARTING")
    assert await monitor.get("/api/v1/overview") == (503, {"error": "the cluster has not been looked at yet"})
    assert 'kafka_lag_exporter_up{cluster_name="ours"} 0\n' in (await monitor.get("/metrics"))[1]


async def test_a_look_that_is_too_old_is_a_problem(filled: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await filled.get("/healthz"))[0] == 200

    monkeypatch.setattr("services.monitor.watch.LATE_S", -1.0)
    monkeypatch.setattr("services.monitor.watch.LATE_LOOKS", 0)
    filled.watch.failure = "Kafka does not answer"
    status, told = await filled.get("/healthz")

    assert status == 503
    assert re.fullmatch(r"the last look was \d+ s ago: Kafka does not answer", told["problem"])


async def test_every_answer_is_as_its_description_says(filled: Monitor) -> None:
    _, described = await filled.get("/api/openapi.json")
    topic = filled.kafka.topic
    (document,) = (await filled.get("/api/v1/documents"))[1]["documents"]
    (letter,) = (await filled.get("/api/v1/dead-letters"))[1]["letters"]
    places = {"group": filled.kafka.group("tagwire-clean-route"), "cluster": "ours", "id": "doc-1"}
    places |= {"tag": "libya", "document_id": "doc-1"}
    for said in (bursting("libya"), assigned("doc-1", "doc-1")):
        filled.insights.kept.take(*record(said))
    filled.insights._state = State.READY
    checked = 0

    for path, operations in described["paths"].items():
        if "get" not in operations or path == "/api/v1/stream":  # which has no end
            continue
        position = letter["position"] if "dead-letters/" in path else document["position"]
        name, partition, offset = position.split("/")
        places |= {
            "file": "app.js",
            "topic": name if "{offset}" in path else topic(RAW),
            "partition": partition,
            "offset": offset,
        }
        parameters = operations["get"].get("parameters", ())
        query = {
            each["name"]: places[each["name"]] for each in parameters if each["in"] == "query" and each["required"]
        }
        status, told = await filled.get(path.format(**places), params=query)
        (media_type, content), *_ = operations["get"]["responses"]["200"]["content"].items()

        assert status == 200, (path, told)
        assert isinstance(told, str) == media_type.startswith("text/"), path
        if "$ref" in content["schema"]:
            checked += 1
            jsonschema.validate(told, {**content["schema"], "components": described["components"]})
    assert checked == 14


async def test_every_path_is_described_and_no_other(monitor: Monitor) -> None:
    _, described = await monitor.get("/api/openapi.json")
    served = {
        (route.method.lower(), route.resource.canonical)
        for route in monitor.server.app().router.routes()
        if route.resource is not None and route.method != "HEAD"
    }

    assert {(method, path) for path, each in described["paths"].items() for method in each} == served
    assert described["paths"]["/api/v1/dead-letters/redrive"]["post"]["security"] == [{"token": []}]


async def test_the_overview_has_the_journey_and_what_is_wrong(filled: Monitor) -> None:
    _, told = await filled.get("/api/v1/overview")

    assert told["is_well"] is False
    (group,) = told["groups"]
    assert (group["status"], group["lag"], group["state"]) == ("STOP", 3, "Missing")
    assert group["stages"] == ["clean", "enrich", "classify", "route"]
    assert re.search(r"documents\.raw \d( \(and \d more\))?: the group has no members", group["why"])
    assert group["lag_seconds"] is not None
    names = [row["name"].removeprefix(filled.kafka.topic_prefix) for row in told["topics"]]
    assert (names[0], names[-1]) == ("documents.raw", "documents.dead-letter")
    assert told["topics"][0]["held"] == 3
    assert told["topics"][0]["read_by"] == [group["name"]]
    assert (told["dead_letters"]["kept"], told["dead_letters"]["last_hour"]) == (1, 1)


async def test_the_overview_has_workers_by_what_they_say_and_the_stream_tells_of_a_change(filled: Monitor) -> None:
    servers, topic = filled.kafka.bootstrap_servers, filled.kafka.topic(WORKERS)
    here = heartbeat(group=filled.kafka.group("tagwire-clean-route"), reads=filled.kafka.topic(RAW))
    await produce(servers, topic, [message(here)])
    before = filled.recent.heartbeats.changes
    await filled.look()
    (row,) = (await filled.get("/api/v1/overview"))[1]["workers"]
    await produce(servers, topic, [message(here.model_copy(update={"documents": 18}))])
    await filled.look()
    same = filled.recent.heartbeats.changes
    await produce(servers, topic, [(here.id.encode(), None, ())])
    await filled.look()

    assert (row["is_member"], row["partitions"]) == (False, {filled.kafka.topic(RAW): [0, 2]})
    assert row["heartbeat"]["states"] == {"running": [0], "breaker_open": [2]}
    assert row["heartbeat"]["age_s"] < 30
    assert (same, filled.recent.heartbeats.changes) == (before + 1, before + 2)
    assert (await filled.get("/api/v1/overview"))[1]["workers"] == []


async def test_heartbeats_that_cannot_be_read_are_told_once_and_hinder_nothing(
    filled: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await produce(filled.kafka.bootstrap_servers, filled.kafka.topic(WORKERS), [message(heartbeat())])

    async def refuse(*_: Any) -> None:
        raise TopicAuthorizationFailedError(filled.kafka.topic(WORKERS))

    monkeypatch.setattr(filled.recent.heartbeats, "_new", refuse)
    with capture_logs() as said:
        await filled.look()
        await filled.look()

    assert [line["event"] for line in said] == ["heartbeats_not_read"]
    assert (await filled.get("/api/v1/overview"))[0] == 200


async def test_insights_that_have_not_run_are_no_fault_of_the_monitor(filled: Monitor) -> None:
    filled.insights._state, filled.insights._problem = State.ABSENT, "insights have not run here"

    _, overview = await filled.get("/api/v1/overview")

    assert overview["insights"] == {"state": "absent", "changes": 0, "problem": "insights have not run here"}
    assert await filled.get("/api/v1/trends") == (503, {"error": "insights have not run here"})
    assert (await filled.get("/healthz"))[0] == 200


async def test_a_group_has_its_partitions_its_history_and_a_sentence_each(filled: Monitor) -> None:
    await filled.look()
    group = filled.kafka.group("tagwire-clean-route")

    _, detail = await filled.get(f"/api/v1/groups/{group}")
    _, history = await filled.get(f"/api/v1/groups/{group}/history")

    assert sum(row["lag"] for row in detail["partitions"]) == 3
    assert {row["status"] for row in detail["partitions"]} == {"STOP", "EMPTY"}
    assert all(row["why"] for row in detail["partitions"])
    assert [point["lag"] for point in history["points"]] == [3, 3]


async def test_the_latest_documents_can_be_read_whole(filled: Monitor) -> None:
    (row,) = (await filled.get("/api/v1/documents"))[1]["documents"]
    status, whole = await filled.get(f"/api/v1/documents/{row['position']}")

    assert status == 200
    assert ClassifiedDocument.model_validate(whole).id == row["id"] == "doc-1"
    assert row["origin"] == f"{filled.kafka.topic(RAW)}/0/17"
    assert (await filled.get("/api/v1/documents/documents.classified/9/9"))[0] == 404


async def test_the_latest_dead_letters_are_told_by_cause_and_can_be_read(filled: Monitor) -> None:
    _, told = await filled.get("/api/v1/dead-letters")
    _, letter = await filled.get(f"/api/v1/dead-letters/{told['letters'][0]['position']}")

    (cause,) = told["causes"]
    assert (cause["count"], cause["reason"]) == (1, "no_text")
    assert letter["id"] == "bad-1"
    assert letter["body_start"] == "<p></p>"
    assert [headers.DLQ_REASON, "no_text"] in letter["headers"]


async def test_what_is_new_is_given_once(filled: Monitor) -> None:
    async with filled.watch, Latest(filled.kafka) as latest:
        snapshot = await filled.watch.look()
        for _ in range(3):
            await filled.recent.read(snapshot, latest)

    # The fixture's own connection has read it before, as one has that was lost.
    assert len(filled.recent.documents) == 1


async def test_the_stream_tells_of_each_look_and_of_what_came_last(monitor: Monitor) -> None:
    servers, topic = monitor.kafka.bootstrap_servers, monitor.kafka.topic
    async with monitor.client.get("/api/v1/stream") as stream:
        first = await event(stream)
        await monitor.look()
        second = await event(stream)
        await produce(servers, topic(CLASSIFIED), [classified("doc-1", origin=f"{topic(RAW)}/0/17")])
        await monitor.look()
        third = await event(stream)
        while third[1]["changes"] == second[1]["changes"]:
            third = await event(stream)
    _, overview = await monitor.get("/api/v1/overview")

    assert first == ("failure", {"error": "the cluster has not been looked at yet"})
    assert (second[0], third[0]) == ("overview", "overview")
    assert third[1]["at_s"] > second[1]["at_s"]
    assert {**third[1], "age_s": 0} == {**overview, "age_s": 0}
    assert third[1]["is_writable"] is True


async def test_what_stood_in_a_topic_that_was_made_anew_is_gone(filled: Monitor) -> None:
    """Else its position would lead to another document."""
    servers, topics = filled.kafka.bootstrap_servers, [filled.kafka.topic(each) for each in (CLASSIFIED, DEAD_LETTER)]
    before = filled.recent.changes
    async with admin(filled.kafka) as connection:
        await connection.delete_topics(topics)

    async def is_gone() -> bool:
        await filled.look()
        return not filled.recent.documents and not filled.recent.letters

    await until(is_gone, within_s=20)
    assert filled.recent.changes > before
    for topic in topics:
        await until_created(servers, topic)
    await produce(servers, topics[0], [classified("doc-2", origin="x/0/18")])
    await produce(servers, topics[1], [dead_letter("bad-2", filled.kafka.topic(RAW))])
    await filled.look()

    assert [each["id"] for each in (await filled.get("/api/v1/documents"))[1]["documents"]] == ["doc-2"]
    assert [each["id"] for each in (await filled.get("/api/v1/dead-letters"))[1]["letters"]] == ["bad-2"]


async def until_created(servers: str, topic: str) -> None:
    """A deletion takes a while, during which the name is taken."""

    async def is_created() -> bool:
        try:
            await create_topic(servers, topic, partitions=1)
        except TopicAlreadyExistsError:
            return False
        return True

    await until(is_created, within_s=20)


async def test_a_server_that_stops_ends_its_streams(settings: KafkaSettings) -> None:
    monitor = Monitor(settings, MonitorSettings())
    async with TestClient(TestServer(monitor.server.app())) as client, client.get("/api/v1/stream") as stream:
        await event(stream)
        async with asyncio.timeout(5):
            await client.server.close()


async def event(stream: ClientResponse) -> tuple[str, Any]:
    """Return the next server-sent event: its name and its data."""
    name = (await stream.content.readline()).decode().removeprefix("event: ").strip()
    data = (await stream.content.readline()).decode().removeprefix("data: ")
    assert await stream.content.readline() == b"\n"
    return name, json.loads(data)


async def test_metrics_have_the_names_that_dashboards_know(filled: Monitor) -> None:
    _, text = await filled.get("/metrics")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    labels = {family.name: tuple(family.labels) for family in FAMILIES}

    # The client's parser takes the end off a counter's name.
    assert {name for name in families if not name.startswith("process_")} == {
        f.name.removesuffix("_total") if f.type == "counter" else f.name for f in FAMILIES
    }
    for name, family in families.items():
        if name.startswith("process_"):
            continue
        for sample in family.samples:
            assert set(sample.labels) == set(labels.get(name) or labels[f"{name}_total"])
            assert math.isfinite(sample.value), name
    (status,) = families["burrow_kafka_consumer_status"].samples
    assert (status.labels["cluster"], status.value) == ("ours", 3)
    (sum_lag,) = families["kafka_consumergroup_group_sum_lag"].samples
    assert sum_lag.value == 3
    (ours,) = families["tagwire_group_status"].samples
    assert (ours.labels["status"], ours.value) == ("STOP", 1)


async def test_burrow_names_and_shapes(filled: Monitor) -> None:
    group, raw = filled.kafka.group("tagwire-clean-route"), filled.kafka.topic(RAW)
    base = "/v3/kafka/ours"

    assert (await filled.get("/v3/kafka"))[1]["clusters"] == ["ours"]
    assert group in (await filled.get(f"{base}/consumer"))[1]["consumers"]
    assert raw in (await filled.get(f"{base}/topic"))[1]["topics"]
    assert sum((await filled.get(f"{base}/topic/{raw}"))[1]["offsets"]) == 3
    assert (await filled.get(f"{base}/topic/{raw}/consumers"))[1]["consumers"] == [group]
    _, bad = await filled.get(f"{base}/consumer/{group}/status")
    _, whole = await filled.get(f"{base}/consumer/{group}/lag")
    status = whole["status"]
    assert (whole["error"], whole["message"]) == (False, "consumer status returned")
    assert (status["cluster"], status["group"], status["status"]) == ("ours", group, "ERR")
    assert (status["totallag"], status["partition_count"], len(status["partitions"])) == (3, 4, 4)
    assert {each["status"] for each in bad["status"]["partitions"]} == {"STOP"}
    assert set(status["maxlag"]) == {
        "topic", "partition", "owner", "client_id", "status", "start", "end", "current_lag", "complete",
    }  # fmt: skip
    code, missing = await filled.get(f"{base}/consumer/nobody/status")
    assert (code, missing["status"]["status"]) == (404, "NOTFOUND")
    code, missing = await filled.get("/v3/kafka/theirs/consumer")
    assert (code, missing["error"], missing["message"]) == (404, True, "cluster not found")


@pytest.mark.parametrize("path", ["/api/v1/groups/nobody", "/api/v1/topics/nothing", "/nothing"])
async def test_what_is_not_there_is_said_in_a_sentence(filled: Monitor, path: str) -> None:
    status, told = await filled.get(path)

    assert status == 404
    assert list(told) == ["error"]


async def test_another_sites_name_is_refused(filled: Monitor) -> None:
    status, _ = await filled.get("/api/v1/overview", headers={"Host": "evil.example:8070"})
    own, _ = await filled.get("/api/v1/overview", headers={"Host": "localhost"})

    assert (status, own) == (403, 200)


async def test_who_has_no_token_changes_nothing(monitor: Monitor, settings: KafkaSettings) -> None:
    assert (await monitor.post(None, ids=["x"]))[0] == 401
    assert (await monitor.post("another-token-of-that-length", ids=["x"]))[0] == 401
    without = Monitor(settings, MonitorSettings())
    async with TestClient(TestServer(without.server.app())) as without.client:
        assert (await without.post("", ids=["x"]))[0] == 403
        assert (await without.post(TOKEN, ids=["x"]))[0] == 403
    assert not monitor.asked + without.asked


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param({}, "expected ids", id="all at once"),
        pytest.param({"ids": 7}, "ids", id="no list"),
        pytest.param({"reasons": ["nonsense"]}, "nonsense", id="no reason"),
        pytest.param({"ids": ["x"], "is_dri": True}, "is_dri", id="a slip"),
    ],
)
async def test_a_wrong_redrive_is_refused_by_name(monitor: Monitor, body: dict[str, Any], named: str) -> None:
    status, told = await monitor.post(TOKEN, **body)

    assert status == 400
    assert named in told["error"]


async def test_a_redrive_is_dry_unless_told_otherwise_and_alone(monitor: Monitor) -> None:
    monitor.may_answer.clear()
    first = asyncio.ensure_future(monitor.post(TOKEN, ids=["x"]))
    while not monitor.asked:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    second = await monitor.post(TOKEN, ids=["y"])
    monitor.may_answer.set()

    assert (await first)[0] == 200
    assert second[0] == 409
    ((wanted, chosen),) = monitor.asked
    assert wanted.is_dry
    assert chosen == Selection(ids=frozenset({"x"}))
