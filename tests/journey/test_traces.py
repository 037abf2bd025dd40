"""One trace shows the run that failed and, below it, the one that was repaired."""

import os
import sys
from asyncio.subprocess import create_subprocess_exec
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from schemas import headers
from schemas.topics import CLASSIFIED, DEAD_LETTER, RAW
from services.kafka.embedded.ports import free_port
from services.kafka.settings import KafkaSettings
from tests.articles import article
from tests.brokers import produce, read_committed, until
from tests.journey.conftest import worker

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
FEED_SPAN = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE_ID}-{FEED_SPAN}-01".encode()


@pytest.fixture
async def spans(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Any]]:
    """What a collector is sent."""
    received: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        received.extend(span for resource in sent.resource_spans for s in resource.scope_spans for span in s.spans)
        return web.Response(content_type="application/x-protobuf")

    app = web.Application()
    app.add_routes([web.post("/v1/traces", take)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    monkeypatch.setenv("TAGWIRE_WORKER_TRACES", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    yield received
    await runner.cleanup()


async def redrive(settings: KafkaSettings) -> None:
    environment = {
        "TAGWIRE_KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "TAGWIRE_KAFKA_TOPIC_PREFIX": settings.topic_prefix,
    }
    command = (sys.executable, "-m", "services.cli", "dead-letters", "redrive")
    process = await create_subprocess_exec(*command, env={**os.environ, **environment})
    assert await process.wait() == 0


async def test_a_failed_and_a_repaired_run_are_one_trace(
    settings: KafkaSettings, spans: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    key, envelope = article(1)
    await produce(
        settings.bootstrap_servers, settings.topic(RAW), [(key, envelope, [(headers.TRACEPARENT, TRACEPARENT)])]
    )

    async def has(topic: Any) -> bool:
        return len(await read_committed(settings.bootstrap_servers, settings.topic(topic))) == 1

    with monkeypatch.context() as broken:
        broken.setenv("TAGWIRE_WORKER_DOCUMENT_CPU_S", "0.0001")  # so no document can be done in time
        async with worker(settings):
            await until(lambda: has(DEAD_LETTER), within_s=60)
    await redrive(settings)
    async with worker(settings):
        await until(lambda: has(CLASSIFIED), within_s=60)

    failed, repaired = spans
    (document,) = await read_committed(settings.bootstrap_servers, settings.topic(CLASSIFIED))
    carried = dict(document.headers)[headers.TRACEPARENT].decode()
    assert {failed.trace_id.hex(), repaired.trace_id.hex()} == {TRACE_ID}
    assert failed.parent_span_id.hex() == FEED_SPAN
    assert repaired.parent_span_id.hex() == failed.span_id.hex()
    assert carried == f"00-{TRACE_ID}-{repaired.span_id.hex()}-01"
    assert failed.name == f"process {settings.topic(RAW)}"
    assert (failed.status.code, repaired.status.code) == (2, 0)
    assert {a.key: a.value.string_value for a in failed.attributes}["error.type"] == "timeout"


async def test_a_collector_that_is_away_costs_spans_only(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGWIRE_WORKER_TRACES", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    await produce(settings.bootstrap_servers, settings.topic(RAW), [(*article(n), ()) for n in range(20)])

    async def all_out() -> bool:
        return len(await read_committed(settings.bootstrap_servers, settings.topic(CLASSIFIED))) == 20

    async with worker(settings):
        await until(all_out, within_s=60)
