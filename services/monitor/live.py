"""The overview again and again: server-sent events for a page that stays open."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from aiohttp import web

from services.monitor.api import Overview
from services.monitor.recent import Recent
from services.monitor.watch import STARTING, Watch
from services.telemetry.openapi import Failure, Route

POLL_S: Final = 0.2
"""No look is shorter than this by much, and nobody reads faster."""
REPEAT_S: Final = 15.0
"""Where nothing changes it is said again: so a listener that has gone is noticed, and a look that is late is told."""
MOST: Final = 512
"""Listeners at once. One more is refused, and asks for the overview by itself."""
SLOW_S: Final = 10.0
"""A listener that takes nothing for so long is let go, and may come back: or it would keep its place for ever."""
FRESH_S: Final = 1.0
"""For so long what one listener was told is told to the others, too: an overview of many groups is work."""


class Live:
    """Tells its listeners of each look, until it is closed."""

    def __init__(self, watch: Watch, recent: Recent, overview: Callable[[], Overview]) -> None:
        """`overview` is asked only once there was a look."""
        self._watch = watch
        self._recent = recent
        self._overview = overview
        self._listeners = 0
        self._is_closed = False
        self._writing: set[asyncio.Transport] = set()
        self._last: tuple[tuple[object, ...], float, bytes] | None = None
        """What was told last: of which state, when, and as what."""

    @property
    def route(self) -> Route:
        told = "The overview after each look, as server-sent events: `overview`, or `failure` before the first look."
        return Route("GET", "/api/v1/stream", self._stream, told, media_type="text/event-stream")

    async def close(self, _: web.Application) -> None:
        """End all streams: a server that stops waits for its answers."""
        self._is_closed = True
        for transport in self._writing:  # it may be waiting for somebody who takes nothing
            transport.abort()

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self._listeners >= MOST:
            raise web.HTTPServiceUnavailable(text=f"{MOST} listen already")
        # A proxy that gathers answers before it passes them on would make it anything but live.
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        answer = web.StreamResponse(headers=headers)
        await answer.prepare(request)
        self._listeners += 1
        try:
            await self._tell(answer, request)
        except (ConnectionError, TimeoutError):
            # The listener has gone, or takes nothing: what it was still to get is not waited for.
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._listeners -= 1
        return answer

    async def _tell(self, answer: web.StreamResponse, request: web.Request) -> None:
        told: object = None
        told_at = 0.0
        while not self._is_closed:
            state = self._state()
            if state != told or time.monotonic() - told_at >= REPEAT_S:
                told, told_at = state, time.monotonic()
                await self._write(answer, request, self._event(state))
            await asyncio.sleep(POLL_S)

    def _state(self) -> tuple[object, ...]:
        snapshot = self._watch.snapshot
        return (
            snapshot.looks if snapshot else 0,
            self._watch.failures,
            self._recent.changes,
            self._recent.heartbeats.changes,
        )

    async def _write(self, answer: web.StreamResponse, request: web.Request, event: bytes) -> None:
        if (transport := request.transport) is None:
            raise ConnectionResetError
        self._writing.add(transport)
        try:
            async with asyncio.timeout(SLOW_S):
                await answer.write(event)
        finally:
            self._writing.discard(transport)

    def _event(self, state: tuple[object, ...]) -> bytes:
        now_s = time.monotonic()
        if self._last is None or self._last[0] != state or now_s - self._last[1] > FRESH_S:
            self._last = (state, now_s, self._made())
        return self._last[2]

    def _made(self) -> bytes:
        # JSON has no line break outside its texts, and escapes those within; thus it is one line.
        if self._watch.snapshot is None:
            failure = Failure(error=self._watch.failure or STARTING)
            return f"event: failure\ndata: {failure.model_dump_json()}\n\n".encode()
        return f"event: overview\ndata: {self._overview().model_dump_json()}\n\n".encode()
