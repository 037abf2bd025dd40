"""`/api/v1/where`: where a document is, read from Kafka while somebody waits for it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from aiohttp import web
from pydantic import ValidationError

from services.core.printable import plain
from services.dead_letters.letters import moment
from services.kafka.client import end, look_at
from services.kafka.errors import CLUSTER_ERRORS, explained
from services.kafka.reader import ReadError
from services.kafka.settings import KafkaSettings
from services.kafka.validation import explanation
from services.monitor.api import StopRow, Where, WhereRequest
from services.monitor.journey import Journey
from services.monitor.where import Stop, WhereError, where
from services.telemetry.openapi import Route

LONGEST_S: Final = 60.0
"""Proxies and people give up after a minute. `tagwire where` has no such limit, and `since` makes it short."""
TURN_S: Final = 3.0
"""Who asks anew has just left an earlier search of his own, and that takes a moment to end."""
LOOK_S: Final = 0.2
"""From one look to the next at whether somebody still waits."""
MOST_STOPS: Final = 500
"""Of one document. A producer that gives all of its documents the same id has more, and nobody reads them."""

BUSY: Final = "another search is under way: only one at a time reads Kafka"
TOO_LONG: Final = "the search took longer than {limit_s:g} s and was ended: give a time (since) to search less"

Result = TypeVar("Result")


class WherePath:
    """Answers one search at a time, for as long as it is waited for, and until it is closed."""

    def __init__(self, kafka: KafkaSettings, journey: Journey) -> None:
        self._kafka = kafka
        self._journey = journey
        self._turn = asyncio.Lock()
        self._is_closed = False

    @property
    def route(self) -> Route:
        return Route(
            "GET",
            "/api/v1/where",
            self._where,
            "Each record of a document that is kept: the only answer that is read from Kafka when it is asked for.",
            Where,
            asks=WhereRequest,
            failures={
                400: "The id or the time is not as it should be.",
                409: "Another search is under way.",
                503: "Kafka does not answer.",
                504: f"It took longer than {LONGEST_S:g} s.",
            },
        )

    async def close(self, _: web.Application) -> None:
        """End the search: a server that stops waits for its answers."""
        self._is_closed = True

    async def _where(self, request: web.Request) -> web.Response:
        try:
            wanted = WhereRequest.model_validate(dict(request.query))
            since_ms = moment(wanted.since, now_ms=int(time.time() * 1000)) if wanted.since else 0
        except ValidationError as error:
            raise web.HTTPBadRequest(text=explanation(error)) from None
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"since: {error}") from None
        began_at = time.monotonic()
        async with self._in_turn():
            searching = where(self._kafka, self._journey, wanted.id, since_ms=since_ms, most=MOST_STOPS)
            try:
                stops = await self._while_waited_for(request, searching)
                summary = _summary(wanted.id, stops)
            except WhereError as error:
                stops, summary = [], str(error)
            except (*CLUSTER_ERRORS, ReadError) as error:
                raise web.HTTPServiceUnavailable(text=explained(error) or "Kafka does not answer") from None
        found = Where(
            id=wanted.id,
            summary=summary,
            took_s=time.monotonic() - began_at,
            is_more=len(stops) >= MOST_STOPS,
            stops=[_row(stop) for stop in stops],
        )
        return web.Response(text=found.model_dump_json(), content_type="application/json")

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(TURN_S):
                await self._turn.acquire()
        except TimeoutError:
            raise web.HTTPConflict(text=BUSY) from None
        try:
            yield
        finally:
            self._turn.release()

    async def _while_waited_for(self, request: web.Request, doing: Awaitable[Result]) -> Result:
        """Return what it does. When nobody waits for that any more, or it takes too long, it is ended at once."""
        task = asyncio.ensure_future(doing)
        task.add_done_callback(look_at)
        began_at = time.monotonic()
        try:
            while not (await asyncio.wait({task}, timeout=LOOK_S))[0]:
                # aiohttp tells a handler of a caller that has gone only by cancelling it, and then all of them alike:
                # a redrive must not end half done.
                if request.transport is None or request.transport.is_closing():
                    raise web.HTTPServiceUnavailable(text="nobody waits for the answer")
                if self._is_closed:
                    raise web.HTTPServiceUnavailable(text="the monitor stops")
                if time.monotonic() - began_at > LONGEST_S:
                    raise web.HTTPGatewayTimeout(text=TOO_LONG.format(limit_s=LONGEST_S))
            return task.result()
        finally:
            await end(task)


def _summary(document_id: str, stops: list[Stop]) -> str:
    many = "1 record" if len(stops) == 1 else f"{len(stops)} records"
    if len(stops) >= MOST_STOPS:
        return f"the last {many} of '{plain(document_id)}' that are kept; there may be earlier ones"
    return f"{many} of '{plain(document_id)}' {'is' if len(stops) == 1 else 'are'} kept, the oldest first"


def _row(stop: Stop) -> StopRow:
    return StopRow(
        at_s=stop.at_ms / 1000,
        topic=stop.topic,
        partition=stop.partition,
        offset=stop.offset,
        position=stop.position,
        verdict=stop.verdict,
        message=stop.message,
        origin=stop.origin,
    )
