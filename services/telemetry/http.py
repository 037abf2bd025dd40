"""What every service answers over HTTP alike: metrics, JSON, and how the server is started and ended."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

log = structlog.get_logger()


LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


def guard(host: str, *, name: str) -> Middleware:
    """
    Return a middleware that refuses strangers whom a browser on this machine might bring, and says failures in JSON.

    `host` is the address that is served, `name` what calls itself so: `monitor`.
    """

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
        # Another site's name may be made to lead here, and its page would then read us (DNS rebinding).
        if host in LOCAL and asked not in LOCAL:
            return _failure(403, f"this {name} answers to localhost only, not to {asked}")
        try:
            return await handler(request)
        except web.HTTPException as error:
            if isinstance(request.match_info.http_exception, web.HTTPException):
                return _failure(error.status, f"{error.reason}: {request.method} {request.path}")
            return _failure(error.status, error.text or error.reason)

    return guarded


@asynccontextmanager
async def served(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve while the context lasts, and give the address: `http://host:port`. Raises OSError for a port in use."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound_host, bound_port = runner.addresses[0][:2]
        shown = f"[{bound_host}]" if ":" in bound_host else bound_host
        url = f"http://{shown}:{bound_port}"
        log.info("http_served", url=url)
        yield url
    finally:
        await runner.cleanup()


def metrics_answer(request: web.Request, registry: Collector) -> web.Response:
    """Return the metrics in the format that was asked for: Prometheus' text, or OpenMetrics."""
    try:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    except (TypeError, ValueError):  # a version that is none
        encode, content_type = choose_encoder("")
    return web.Response(body=encode(registry), headers={"Content-Type": content_type})


def json_answer(shown: Any, *, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(shown, option=orjson.OPT_NON_STR_KEYS), status=status, content_type="application/json"
    )


def _failure(status: int, sentence: str) -> web.Response:
    # It may quote bytes of a header that are no text.
    return json_answer({"error": sentence.encode(errors="replace").decode()}, status=status)


def health_answer(verdict: tuple[bool, dict[str, Any]]) -> web.Response:
    """Return 200 when all is well, else 503; and what there is to show."""
    is_well, shown = verdict
    return json_answer(shown, status=200 if is_well else 503)
