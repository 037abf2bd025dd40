"""`/healthz`, `/readyz` and `/metrics`, beside the paths that show what insights say."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from services.insights.app import Insights
from services.insights.progress import Progress
from services.insights.settings import InsightSettings
from services.telemetry import openapi
from services.telemetry.http import guard, health_answer, json_answer, metrics_answer, served
from services.telemetry.insight_metrics import REGISTRY
from services.telemetry.openapi import Route


@asynccontextmanager
async def health_server(
    settings: InsightSettings, insights: Insights, progress: Progress, more: Sequence[Route] = ()
) -> AsyncIterator[None]:
    """Serve these, `more` and its description while the context lasts."""
    described = openapi.document(more, title="tagwire insights", description="Times are seconds since 1970, in UTC.")

    async def answer_healthz(_: web.Request) -> web.Response:
        return health_answer(healthz(insights, progress))

    async def answer_readyz(_: web.Request) -> web.Response:
        return health_answer(readyz(insights))

    async def answer_metrics(request: web.Request) -> web.Response:
        return metrics_answer(request, REGISTRY)

    async def answer_openapi(_: web.Request) -> web.Response:
        return json_answer(described)

    app = web.Application(middlewares=[guard(settings.http_host, name="process of insights")])
    app.add_routes(
        [
            web.get("/healthz", answer_healthz),
            web.get("/readyz", answer_readyz),
            web.get("/metrics", answer_metrics),
            web.get("/api/openapi.json", answer_openapi),
            *(web.route(each.method, each.path, each.handler) for each in more),
        ]
    )
    async with served(app, settings.http_host, settings.http_port):
        yield


def healthz(insights: Insights, progress: Progress) -> tuple[bool, dict[str, Any]]:
    """Return whether the work goes on, and what to show. Nothing to do is no problem, and no partition is none."""
    problems = progress.problems()
    shown = {
        "status": "problem" if problems else "ok",
        "problems": problems,
        "is_ready": insights.is_ready,
        "lag": {
            f"{partition.topic}/{partition.number}": standing.lag for partition, standing in progress.partitions.items()
        },
    }
    return not problems, shown


def readyz(insights: Insights) -> tuple[bool, dict[str, Any]]:
    """Return whether this process has joined its group and its tables are whole, and which partitions are its."""
    shown = {
        "status": "ready" if insights.is_ready else "recovering",
        "recovery_s": insights.recovery_s,
        "partitions": {agent.name: sorted(insights.assigned(agent)) for agent in insights.agents},
    }
    return insights.is_ready, shown
