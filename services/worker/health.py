"""`/healthz` and `/readyz`: whether the work goes on, not only whether the process runs; and `/metrics`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from prometheus_client import REGISTRY

from services.kafka.lanes import Lanes
from services.telemetry.http import health_answer, metrics_answer, served
from services.worker.pool import Pool
from services.worker.settings import WorkerSettings


@asynccontextmanager
async def health_server(settings: WorkerSettings, lanes: Lanes, pool: Pool) -> AsyncIterator[str | None]:
    """Serve while the context lasts, if a port is set, and give the address: `http://host:port`."""
    if settings.http_port is None:
        yield None
        return

    async def answer_healthz(_: web.Request) -> web.Response:
        return health_answer(healthz(lanes, pool))

    async def answer_readyz(_: web.Request) -> web.Response:
        return health_answer(readyz(lanes))

    async def answer_metrics(request: web.Request) -> web.Response:
        return metrics_answer(request, REGISTRY)

    app = web.Application()
    app.add_routes(
        [web.get("/healthz", answer_healthz), web.get("/readyz", answer_readyz), web.get("/metrics", answer_metrics)]
    )
    async with served(app, settings.http_host, settings.http_port) as address:
        yield address


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
