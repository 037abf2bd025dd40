"""The worker: documents.raw -> documents.classified and the tags' topics, lane by lane, until it is told to stop."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from schemas.dead_letters import Reason
from services.kafka.admin import compare_topics
from services.kafka.lane import LaneLimits
from services.kafka.lanes import Lanes
from services.kafka.records import Output, Record
from services.kafka.settings import KafkaSettings
from services.worker.flow import Resources, Stage, load_resources
from services.worker.settings import WorkerSettings
from services.worker.transform import Outcome, Plan, transform

log = structlog.get_logger()


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

    Raises WorkerError when a topic is missing, `aiokafka.errors.KafkaError` when the cluster cannot be reached.
    """
    plan = Plan(stages, kafka.group(group_name(stages)), settings.publish)
    # One thread: the steps hold the interpreter's lock, and the event loop gets its turns for heartbeats.
    with ThreadPoolExecutor(1, thread_name_prefix="steps") as steps:
        loop = asyncio.get_running_loop()
        resources = await loop.run_in_executor(steps, load_resources)
        await _check_topics(kafka, plan, resources)

        is_over = threading.Event()

        async def process(records: Sequence[Record]) -> Sequence[Output]:
            return await loop.run_in_executor(steps, _process, records, plan, resources, is_over)

        limits = LaneLimits(batch_records=settings.batch_records)
        async with Lanes(kafka, kafka.topic(plan.reads), group=plan.group, transform=process, limits=limits) as lanes:
            log.info("worker_started", group=plan.group, taxonomy_version=resources.taxonomy.version)
            watch = asyncio.create_task(lanes.watch())
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait({watch, stopped}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if watch.done():
                watch.result()
            watch.cancel()
        is_over.set()
    log.info("worker_stopped", group=plan.group)


def _process(records: Sequence[Record], plan: Plan, resources: Resources, is_over: threading.Event) -> list[Output]:
    outputs: list[Output] = []
    for record in records:
        if is_over.is_set():  # no lane waits for this batch any more
            break
        outcome = transform(record, plan, resources)
        if outcome.reason is not None:
            _tell(record, outcome)
        outputs += outcome.outputs
    return outputs


def _tell(record: Record, outcome: Outcome) -> None:
    say = log.error if outcome.reason is Reason.STEP_FAILED else log.warning
    say(
        "record_rejected",
        reason=outcome.reason,
        message=outcome.message,
        document_id=outcome.document_id,
        origin=record.origin,
    )


async def _check_topics(kafka: KafkaSettings, plan: Plan, resources: Resources) -> None:
    topics = plan.topics(resources.taxonomy.routed)
    missing = [report.name for report in await compare_topics(kafka, topics) if not report.exists]
    if missing:
        raise WorkerError(f"missing on {kafka.bootstrap_servers}: {', '.join(missing)}: run `tagwire topics create`")
