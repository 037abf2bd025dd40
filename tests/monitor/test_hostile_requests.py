"""Requests that no honest client sends: each is answered, none with 500, and the monitor goes on."""

import asyncio
import socket

import pytest
from aiohttp.test_utils import TestClient, TestServer

from schemas import headers
from schemas.topics import CLASSIFIED, DEAD_LETTER, RAW, WORKERS
from services.kafka.settings import KafkaSettings
from services.monitor import live
from services.monitor.settings import MonitorSettings
from tests.brokers import produce, until
from tests.monitor.conftest import TOKEN, Monitor
from tests.monitor.documents import classified, dead_letter

HOST = b"Host: localhost\r\n"
TOKEN_HEADER = f"Authorization: Bearer {TOKEN}\r\n".encode()


def get(path: bytes, headers: bytes = HOST) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\n" + headers + b"Connection: close\r\n\r\n"


def redrive(body: bytes, headers: bytes = TOKEN_HEADER) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST /api/v1/dead-letters/redrive HTTP/1.1\r\n" + HOST + headers + length + b"\r\n" + body


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(get(b"/api/v1/where?id=%ff%fe"), 200, id="an id that is no UTF-8"),
        pytest.param(get(b"/api/v1/where?id=%ed%a0%80"), 200, id="half a pair of surrogates"),
        pytest.param(get(b"/api/v1/where?id=%00%0d%0a"), 200, id="an id of control characters"),
        pytest.param(get(b"/api/v1/where?id=a&id=b"), 200, id="two ids: the first"),
        pytest.param(get(b"/api/v1/where?id=" + b"x" * 7000), 400, id="a huge id"),
        pytest.param(get(b"/api/v1/where?id=" + b"x" * 100_000), 400, id="a line that is too long"),
        pytest.param(get(b"/api/v1/where?id=a&since=" + b"9" * 5000 + b"d"), 400, id="a time of 5,000 digits"),
        pytest.param(get(b"/api/v1/where?id=a&since=0001-01-01T00:00:00%2B23:59"), 200, id="before the first year"),
        pytest.param(get(b"/api/v1/where?id=a&since=9999-12-31T23:59:59-23:59"), 200, id="after the last year"),
        pytest.param(get(b"/page/..%2f..%2fapi.py"), 404, id="a way out of the folder"),
        pytest.param(get(b"/%ff"), 404, id="a path that is no UTF-8"),
        pytest.param(get(b"/healthz", b"Host: \xff\xfe\r\n"), 403, id="a host that is no text"),
        pytest.param(get(b"/healthz", HOST + b"X: y\r\n" * 2000), 400, id="very many headers"),
        pytest.param(get(b"http://evil.example/healthz"), 403, id="another host in the first line"),
        pytest.param(redrive(b"{}", b"Authorization: Bearer \xff\xfe\r\n"), 401, id="a token that is no text"),
        pytest.param(redrive(b"{}", TOKEN_HEADER[:-4] + b"\r\n"), 401, id="most of the token"),
        pytest.param(redrive(b"{}", b"Authorization: Bearer\r\n"), 401, id="no token"),
        pytest.param(redrive(b"[" * 100_000), 400, id="a deep body"),
        pytest.param(redrive(b'{"ids":["\\ud800"]}'), 400, id="half a pair of surrogates in JSON"),
        pytest.param(redrive(b'{"ids":["' + b"x" * 2_000_000 + b'"]}'), 413, id="a huge body"),
        pytest.param(redrive(b"none", TOKEN_HEADER + b"Content-Encoding: gzip\r\n"), 400, id="no gzip"),
    ],
)
async def test_it_is_answered(monitor: Monitor, request_bytes: bytes, status: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", monitor.client.port)
    async with asyncio.timeout(10):
        writer.write(request_bytes)
        first = await reader.readline()
    writer.transport.abort()

    assert first.split()[1] == b"%d" % status, first
    assert (await monitor.get("/healthz"))[0] == 200


BYTES = b"\xff\xfe\x00\xed\xa0\x80"
"""No UTF-8, in two ways, and a NUL."""


async def test_keys_and_headers_of_any_bytes_are_shown_and_searched(monitor: Monitor) -> None:
    servers, topic = monitor.kafka.bootstrap_servers, monitor.kafka.topic
    _, value, told = classified("doc-1", origin="x/0/1")
    spoilt = [(name, BYTES) for name in (headers.ORIGIN, headers.TAGS, headers.CE_ID, headers.DLT_MESSAGE)]
    await produce(servers, topic(CLASSIFIED), [(BYTES, value, spoilt), (None, value, []), (BYTES, BYTES, told)])
    all_spoilt = [(name, BYTES) for name, _ in dead_letter("bad-1", topic(RAW))[2]]
    await produce(servers, topic(DEAD_LETTER), [(BYTES, BYTES, all_spoilt), (BYTES, None, []), (None, BYTES, spoilt)])
    await produce(servers, topic(RAW), [(BYTES, BYTES, spoilt), (b"", b"", []), (b"doc-1", b"text", spoilt)])
    await produce(servers, topic(WORKERS), [(BYTES, BYTES, spoilt), (b"w", b"{}", spoilt)])
    await monitor.look()

    documents = (await monitor.get("/api/v1/documents"))[1]["documents"]
    letters = (await monitor.get("/api/v1/dead-letters"))[1]["letters"]
    opened = [
        await monitor.get(f"/api/v1/{kind}/{each['position']}")
        for kind, rows in (("documents", documents), ("dead-letters", letters))
        for each in rows
    ]
    searched = await monitor.get("/api/v1/where", params={"id": "doc-1"})

    assert [each["id"] for each in documents] == ["doc-1", "doc-1"]
    assert len(letters) == 3
    assert [status for status, _ in opened] == [200] * 5
    assert (await monitor.get("/api/v1/overview"))[0] == 200
    assert searched[0] == 200
    assert [each["verdict"] for each in searched[1]["stops"]] == ["waiting"]


async def listener(port: int | None, *, is_slow: bool = False) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Ask for the stream; of what is not read hardly anything is taken from a slow one's line."""
    asking = socket.socket()
    if is_slow:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    asking.setblocking(False)
    await asyncio.get_running_loop().sock_connect(asking, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=asking, limit=1024)
    writer.write(get(b"/api/v1/stream", HOST))
    return reader, writer


async def test_a_listener_that_takes_nothing_is_let_go(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SLOW_S", 0.3)
    monkeypatch.setattr(monitor.server._live, "_made", lambda: b"x" * 16 * 2**20)
    _, writer = await listener(monitor.client.port, is_slow=True)

    async def has_come() -> bool:
        return monitor.server._live._listeners == 1

    async def has_gone() -> bool:
        return monitor.server._live._listeners == 0

    await until(has_come, within_s=5)
    await until(has_gone, within_s=5)
    writer.transport.abort()


async def test_a_server_that_stops_waits_for_no_slow_listener(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = Monitor(settings, MonitorSettings())
    monkeypatch.setattr(monitor.server._live, "_made", lambda: b"x" * 16 * 2**20)
    async with TestClient(TestServer(monitor.server.app())) as monitor.client:
        _, writer = await listener(monitor.client.port, is_slow=True)

        async def is_writing() -> bool:
            return len(monitor.server._live._writing) == 1

        await until(is_writing, within_s=5)
        async with asyncio.timeout(3):
            await monitor.client.server.close()
    writer.transport.abort()


async def test_500_listeners_are_told_and_others_are_answered(monitor: Monitor) -> None:
    await monitor.look()
    listeners = await asyncio.gather(*(listener(monitor.client.port) for _ in range(500)))
    for reader, _ in listeners:
        async with asyncio.timeout(30):
            await reader.readuntil(b"event: overview")
    async with asyncio.timeout(5):
        status, _ = await monitor.get("/api/v1/overview")
    for _, writer in listeners:
        writer.transport.abort()

    assert status == 200
