"""A whole installation on this machine: embedded broker, topics, workers; it lives as long as its owner."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from schemas.topics import EMBEDDED_PARTITIONS, all_topics
from services.core.taxonomy import shipped_routes
from services.kafka.admin import create_topics
from services.kafka.embedded import leash
from services.kafka.embedded.broker import EmbeddedKafka, EmbeddedSettings, embedded_kafka
from services.kafka.offsets import until_group_works
from services.kafka.settings import KafkaSettings
from services.worker.flow import JOURNEY
from services.worker.worker import group_name

WORKER_START_S: Final = 60.0
WORKER_GRACE_S: Final = 30.0
"""From SIGTERM to SIGKILL: a worker finishes or aborts its transactions well within."""


class UpError(Exception):
    """A part of the installation does not run; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What runs, and a way to do something for as long as it does."""

    kafka: KafkaSettings
    broker: EmbeddedKafka
    workers: list[Process]

    async def while_up(self, doing: Coroutine[Any, Any, None]) -> None:
        """Await it; raise UpError or BrokerError at once when a part ends meanwhile."""
        task = asyncio.ensure_future(doing)
        died = asyncio.ensure_future(self.broker.died())
        exits = [asyncio.ensure_future(worker.wait()) for worker in self.workers]
        try:
            await asyncio.wait({task, died, *exits}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if died.done() and (problem := died.result()):
                raise problem
            raise UpError("A worker has ended by itself; what it said last stands above.")
        finally:
            for waiting in (task, died, *exits):
                waiting.cancel()
            await asyncio.gather(task, died, *exits, return_exceptions=True)


@asynccontextmanager
async def installation(
    broker_settings: EmbeddedSettings, *, workers: int, report: Callable[[str], None], log_level: str = "warning"
) -> AsyncIterator[Installation]:
    """
    Give a running installation, and end it in order: workers first, then the broker.

    `report` is told what takes long; `log_level` is the workers', who log to our standard error.
    Raises UpError or `services.kafka.embedded.errors.BrokerError` when a part does not start.
    """
    async with AsyncExitStack() as parts:
        report("Starting Kafka")
        broker = await parts.enter_async_context(embedded_kafka(broker_settings, report))
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers, security_protocol="PLAINTEXT")
        await create_topics(kafka, all_topics(shipped_routes()), partitions=EMBEDDED_PARTITIONS)
        report(f"Starting {workers} worker{'s' if workers > 1 else ''}")
        started = [await parts.enter_async_context(_worker(kafka, log_level)) for _ in range(workers)]
        running = Installation(kafka, broker, started)
        group = kafka.group(group_name(JOURNEY))
        try:
            async with asyncio.timeout(WORKER_START_S):
                await running.while_up(until_group_works(kafka, group, members=workers))
        except TimeoutError:
            raise UpError(f"The workers have not joined group {group} within {WORKER_START_S:g} s.") from None
        yield running


def _environment(kafka: KafkaSettings) -> dict[str, str]:
    """Return ours, but with the embedded broker's address and manners instead of a cluster's; a port serves one."""
    own = {
        "TAGWIRE_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "TAGWIRE_KAFKA_SECURITY_PROTOCOL": kafka.security_protocol,
    }
    return {name: value for name, value in os.environ.items() if name != "TAGWIRE_WORKER_HTTP_PORT"} | own


@asynccontextmanager
async def _worker(kafka: KafkaSettings, log_level: str) -> AsyncIterator[Process]:
    """A worker in a process of its own, on a leash: Ctrl-C is for us, who end it in order."""
    # -P: a folder that happens to hold a package of our name is not to be imported from.
    command = (sys.executable, "-P", "-m", "services.cli", "worker", "--log-level", log_level)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", leash.__file__, str(WORKER_GRACE_S), *command),
        stdin=PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env=_environment(kafka),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()  # which is the leash's sign
        await process.wait()


def announce(running: Installation, program: str) -> str:
    """Return what a user may do next with this program, and its address where tagwire would not find it by itself."""
    address = running.broker.bootstrap_servers
    default = KafkaSettings.model_fields["bootstrap_servers"].default
    tried = {"publish FILE…": "send documents: files or folders", "tail --from-start": "see them tagged"}
    tried |= {"lag": "see how far the worker is"}
    return "\n".join(
        [
            "tagwire is up:",
            f"  Kafka  {address}",
            f"  data   {running.broker.data_folder}",
            "",
            "In another terminal:",
            *([f"  export TAGWIRE_KAFKA_BOOTSTRAP_SERVERS={address}"] if address != default else []),
            *(f"  {program} {arguments:<19} {what}" for arguments, what in tried.items()),
            "",
            "Ctrl-C ends all.",
        ]
    )
