"""`/healthz` and `/readyz`: whether the work goes on, not only whether the process runs; and `/metrics`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import structlog
from aiohttp import web
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from services.kafka.lanes import Lanes
from services.worker.pool import Pool
from services.worker.settings import WorkerSettings

log = structlog.get_logger()


@asynccontextmanager
async def health_server(settings: WorkerSettings, lanes: Lanes, pool: Pool) -> AsyncIterator[None]:
    """Serve while the context lasts, if a port is set."""
    if settings.http_port is None:
        yield
        return

    async def answer_healthz(_: web.Request) -> web.Response:
        return _answer(healthz(lanes, pool))

    async def answer_readyz(_: web.Request) -> web.Response:
        return _answer(readyz(lanes))

    async def answer_metrics(request: web.Request) -> web.Response:
        try:
            encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        except (TypeError, ValueError):  # a version that is none
            encode, content_type = choose_encoder("")
        return web.Response(body=encode(REGISTRY), headers={"Content-Type": content_type})

    app = web.Application()
    app.add_routes(
        [web.get("/healthz", answer_healthz), web.get("/readyz", answer_readyz), web.get("/metrics", answer_metrics)]
    )
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.http_host, settings.http_port)
        await site.start()
        host, port = runner.addresses[0][:2]
        log.info("health_served", url=f"http://{host}:{port}/healthz")
        yield
    finally:
        await runner.cleanup()


def healthz(lanes: Lanes, pool: Pool) -> tuple[bool, dict[str, Any]]:
    """
    Return whether the work goes on, and what to show.

    A lane with work and no progress, an open breaker and a silent Kafka are problems; nothing to do is none.
    """
    problems = lanes.problems()
    shown = {
        "status": "problem" if problems else "ok",
        "problems": problems,
        "lanes": lanes.states,
        "taxonomy_version": pool.taxonomy_version,
        "child_restarts": pool.restarts,
    }
    return not problems, shown


def readyz(lanes: Lanes) -> tuple[bool, dict[str, Any]]:
    """Return whether the worker is a member of its group, and the state of each lane that it was given."""
    return lanes.has_joined, {"status": "ready" if lanes.has_joined else "joining", "lanes": lanes.states}


def _answer(verdict: tuple[bool, dict[str, Any]]) -> web.Response:
    is_well, shown = verdict
    body = orjson.dumps(shown, option=orjson.OPT_NON_STR_KEYS)
    return web.Response(body=body, status=200 if is_well else 503, content_type="application/json")
