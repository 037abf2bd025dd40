"""The worker: documents.raw -> documents.classified and the tags' topics, lane by lane, until it is told to stop."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from typing import Any, Final

import structlog

from services.core.taxonomy import shipped_routes
from services.kafka.admin import missing_topics
from services.kafka.lane import LaneLimits
from services.kafka.lanes import Lanes
from services.kafka.records import Record
from services.kafka.settings import KafkaSettings
from services.telemetry.metrics import BUILD
from services.worker.children import pool_limits
from services.worker.counting import count, show_from_the_beginning
from services.worker.flow import Stage
from services.worker.health import health_server
from services.worker.heartbeat import identity, presence
from services.worker.pool import WALL_PER_CPU, Pool
from services.worker.settings import WorkerSettings
from services.worker.transform import Outcome, Plan, Process

log = structlog.get_logger()


STALLED_S: Final = 60.0
TOLD_CHARACTERS: Final = 200
"""Of an id that a record claims, in the log."""


class WorkerError(Exception):
    """The worker cannot start; the message says what is missing and how to get it."""


def group_name(stages: Sequence[Stage]) -> str:
    """Return the consumer group of a run of stages, without the installation's prefix."""
    return f"tagwire-{stages[0].name}-{stages[-1].name}"


async def work(
    kafka: KafkaSettings, settings: WorkerSettings, stages: tuple[Stage, ...], *, stop: asyncio.Event
) -> None:
    """
    Work until `stop` is set, then finish or abort what is under way within a bound and leave the group.

    Raises WorkerError when a topic is missing, `aiokafka.errors.KafkaError` when the cluster cannot be reached, and
    `services.worker.pool.PoolError` when child processes do not start.
    """
    if not __debug__:
        raise WorkerError("run without -O and PYTHONOPTIMIZE: aiokafka guards its transactions with assert")
    plan = Plan(stages, kafka.group(group_name(stages)), settings.publish)
    me = identity(plan.group)
    async with AsyncExitStack() as parts:

        async def start() -> None:
            log.info("worker_starting", reads=kafka.topic(plan.reads), bootstrap_servers=kafka.bootstrap_servers)
            await _check_topics(kafka, plan)
            pool = await parts.enter_async_context(Pool(plan, pool_limits(settings)))
            process: Process = partial(_process, pool)
            if settings.traces:
                process = await _traced(process, plan.group, parts)
            lanes = Lanes(
                kafka,
                kafka.topic(plan.reads),
                group=plan.group,
                transform=process,
                on_committed=count,
                limits=_lane_limits(settings),
                client_id=me.id,
            )
            # Before it takes any partition: its port may be in use.
            address = await parts.enter_async_context(health_server(settings, lanes, pool))
            heartbeats = presence(kafka, settings, me, plan, lanes, pool, address=address)
            if heartbeats is not None:
                parts.push_async_callback(heartbeats.ended)
            await parts.enter_async_context(lanes)
            show_from_the_beginning()
            if heartbeats is not None:
                heartbeats.begin()
                parts.callback(heartbeats.end)  # while the lanes end: it costs no time of its own
            BUILD.info({"version": version("tagwire"), "taxonomy_version": pool.taxonomy_version})
            log.info("worker_started", worker=me.id, group=plan.group, taxonomy_version=pool.taxonomy_version)
            await asyncio.gather(lanes.watch(), pool.broken())

        await _until(stop, start())
    log.info("worker_stopped", group=plan.group)


async def _until(stop: asyncio.Event, doing: Coroutine[Any, Any, None]) -> None:
    """Run until it raises or `stop` is set, whichever is first; it is cancelled then, also while it starts."""
    task, stopped = asyncio.ensure_future(doing), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        task.cancel()
        stopped.cancel()
        await asyncio.wait({task})


async def _process(pool: Pool, records: Sequence[Record]) -> list[Outcome]:
    outcomes = await pool.process(records)
    for record, outcome in zip(records, outcomes, strict=True):
        if outcome.reason is not None:
            say = log.error if outcome.is_bug else log.warning
            told = {
                "reason": outcome.reason,
                "message": outcome.message,
                "document_id": (outcome.document_id or "")[:TOLD_CHARACTERS],
            }
            say("record_rejected", **told, origin=record.origin)
    return outcomes


async def _traced(process: Process, group: str, parts: AsyncExitStack) -> Process:
    try:
        from services.worker.traces import otlp_tracer, traced  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise WorkerError(
            f"TAGWIRE_WORKER_TRACES needs OpenTelemetry: pip install 'tagwire[traces]' ({error})"
        ) from error
    tracer = await parts.enter_async_context(otlp_tracer(version("tagwire")))
    return traced(process, tracer, group=group)


async def _check_topics(kafka: KafkaSettings, plan: Plan) -> None:
    if missing := await missing_topics(kafka, plan.topics(shipped_routes())):
        raise WorkerError(f"missing on {kafka.bootstrap_servers}: {', '.join(missing)}: run `tagwire topics create`")


def _lane_limits(settings: WorkerSettings) -> LaneLimits:
    # A slice takes about a second, and more only by a document that is given up after its limits, at the latest.
    slowest_s = STALLED_S + 2 * WALL_PER_CPU * settings.document_cpu_s
    return LaneLimits(
        batch_records=settings.batch_records, in_flight_bytes=settings.in_flight_mb * 2**20, stalled_s=slowest_s
    )
