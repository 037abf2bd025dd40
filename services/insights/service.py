"""Insights: the agents on Faust, the server that shows them, until it is told to stop."""

import asyncio
import time
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

import structlog

from schemas.topics import (
    CLASSIFIED,
    DEAD_LETTER,
    FINGERPRINT_BANDS,
    INSIGHT_TABLES,
    INSIGHT_TOPICS,
    PAIRS_CHANGELOG,
    STORIES_CHANGELOG,
    STORY_LINKS,
    TAG_COUNTS,
    TRENDS_CHANGELOG,
    Topic,
)
from services.insights import api
from services.insights.app import Insights, running
from services.insights.folder import own_folder
from services.insights.forward import Forward
from services.insights.health import health_server
from services.insights.pairs import Pairs
from services.insights.progress import Progress
from services.insights.pulse import Pulse
from services.insights.settings import GROUP, InsightSettings
from services.insights.stories import TellStories
from services.insights.tables import Table
from services.insights.trends import Trends
from services.insights.view import View
from services.insights.work import Agent
from services.kafka.admin import cluster_id, partition_counts
from services.kafka.settings import KafkaSettings

log = structlog.get_logger()

TICK_S: Final = 1.0
VIEW_CLIENT_ID: Final = "tagwire-insights-api"
FROZEN_SHARE: Final = 0.5
"""Of the session timeout: a process that stood still for so long may have lost its partitions without knowing it."""
USED: Final = (CLASSIFIED, DEAD_LETTER, *INSIGHT_TOPICS, *INSIGHT_TABLES)
TABLES: Final[Mapping[Topic, Topic]] = {
    FINGERPRINT_BANDS: PAIRS_CHANGELOG,
    STORY_LINKS: STORIES_CHANGELOG,
    TAG_COUNTS: TRENDS_CHANGELOG,
}
"""What an agent reads -> the changelog of its table."""

AGENTS: Final = (Forward.name, Pairs.name, TellStories.name, Trends.name)


class InsightsError(Exception):
    """Insights cannot start, or not go on; the message says why and what to do."""


async def insights(
    kafka: KafkaSettings, settings: InsightSettings, *, stop: asyncio.Event, agents: Collection[str] = AGENTS
) -> None:
    """
    Work and serve until `stop` is set; `agents` are the names of those that run, all but for measurements.

    Raises InsightsError when a topic is missing, or the work cannot go on: then nothing of what is in hand is
    committed, and a process that starts again does it again. Raises OSError when the port is in use.
    """
    partitions = await _partitions(kafka)
    async with AsyncExitStack() as parts:
        folder = parts.enter_context(own_folder(settings.data_folder, await cluster_id(kafka), kafka.group(GROUP)))
        pulse = parts.enter_context(Pulse(kafka.session_timeout_ms / 1000 * FROZEN_SHARE))
        work = Insights(kafka, settings, folder, pulse)
        progress = Progress(kafka, work, stall_s=settings.stall_s)
        view = View(kafka)
        await parts.enter_async_context(health_server(settings, work, progress, api.routes(view)))
        log.info("insights_starting", bootstrap_servers=kafka.bootstrap_servers, folder=str(folder))
        started = [_agent(name, kafka, settings, work, partitions) for name in agents]
        failing = await parts.enter_async_context(running(work, started))
        # Nobody may ever ask here, and to follow all that is said has its price.
        showing = view.run_when_asked(client_id=VIEW_CLIENT_ID)
        others = (progress.watch(), _ticks(work, pulse, progress), showing, stop.wait())
        await _until_first_ends([failing, *map(asyncio.ensure_future, others)])
    log.info("insights_stopped")


def _agent(
    name: str, kafka: KafkaSettings, settings: InsightSettings, work: Insights, partitions: Mapping[str, int]
) -> Agent:
    counts, bands = partitions[TAG_COUNTS.name], partitions[FINGERPRINT_BANDS.name]

    def table(source: Topic) -> Table:
        return Table(work.app, name, kafka.topic(TABLES[source]), partitions=partitions[source.name])

    match name:
        case Forward.name:
            return Forward(kafka, settings, count_partitions=counts, band_partitions=bands)
        case Pairs.name:
            return Pairs(kafka, settings, table(FINGERPRINT_BANDS))
        case TellStories.name:
            return TellStories(kafka, settings, table(STORY_LINKS), count_partitions=counts)
        case Trends.name:
            return Trends(kafka, settings, table(TAG_COUNTS), now_ms=lambda: time.time_ns() // 1_000_000)
    raise ValueError(f"{name}: expected one of {', '.join(AGENTS)}")


async def _until_first_ends(doing: "list[asyncio.Future[Any]]") -> None:
    """Wait for one of these, and end the others. Raises InsightsError when it failed."""
    try:
        await asyncio.wait(doing, return_when=asyncio.FIRST_COMPLETED)
        for task in doing:
            if task.done():
                _check(task)
    finally:
        for task in doing:
            task.cancel()
        await asyncio.gather(*doing, return_exceptions=True)


def _check(task: "asyncio.Future[Any]") -> None:
    error = task.exception()
    if error is None:
        return
    log.error("insights_failed", exc_info=error)
    raise InsightsError(
        f"insights cannot go on: {type(error).__name__}: {error}. Nothing is lost: what was in hand comes again when "
        f"they start again."
    ) from error


async def _partitions(kafka: KafkaSettings) -> Mapping[str, int]:
    """Return how many partitions each topic has. Raises InsightsError where one is missing, or a table does not fit."""
    found = await partition_counts(kafka, USED)
    if missing := [kafka.topic(topic) for topic in USED if topic.name not in found]:
        raise InsightsError(f"missing on {kafka.bootstrap_servers}: {', '.join(missing)}: run `tagwire topics create`")
    for source, table in TABLES.items():
        if found[source.name] != found[table.name]:
            raise InsightsError(
                f"{kafka.topic(table)} has {found[table.name]} partitions, expected {found[source.name]} as "
                f"{kafka.topic(source)} has: a table is read back partition by partition"
            )
    return found


async def _ticks(work: Insights, pulse: Pulse, progress: Progress) -> None:
    """
    Let time pass for the agents, once they have done what waited for them: before, silence means nothing, and a burst
    would end whose documents are still to be read. Raises StoodStillError when time passed without us.
    """
    while True:
        await asyncio.sleep(TICK_S)
        pulse.check()
        if progress.has_caught_up:
            await work.tick()
