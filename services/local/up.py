"""A whole installation on this machine: broker, topics, workers, monitor, insights; it lives as long as its owner."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from schemas.topics import EMBEDDED_PARTITIONS, all_topics
from services.core.taxonomy import shipped_routes
from services.insights.settings import GROUP, InsightSettings
from services.kafka.admin import create_topics
from services.kafka.embedded import leash
from services.kafka.embedded.broker import EmbeddedKafka, EmbeddedSettings, embedded_kafka
from services.kafka.embedded.ports import free_port
from services.kafka.offsets import until_group_works
from services.kafka.settings import KafkaSettings
from services.monitor.settings import MonitorSettings
from services.worker.flow import JOURNEY
from services.worker.worker import group_name

START_S: Final = 60.0
MONITOR_MANNERS: Final = {"TAGWIRE_MONITOR_INTERVAL_S": "2", "TAGWIRE_MONITOR_SAMPLES": "6"}
"""On one machine a look takes milliseconds, and somebody is looking on; a slow document is no stall for all that."""
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
    monitor: Process | None = None
    monitor_url: str | None = None
    """Where the monitor answers. None: it was not asked for."""
    insights: Process | None = None

    async def while_up(self, doing: Coroutine[Any, Any, None]) -> None:
        """Await it; raise UpError or BrokerError at once when a part ends meanwhile."""
        task = asyncio.ensure_future(doing)
        died = asyncio.ensure_future(self.broker.died())
        exits = {asyncio.ensure_future(worker.wait()): "A worker" for worker in self.workers}
        if self.monitor is not None:
            exits[asyncio.ensure_future(self.monitor.wait())] = "The monitor"
        if self.insights is not None:
            exits[asyncio.ensure_future(self.insights.wait())] = "The process of insights"
        try:
            await asyncio.wait({task, died, *exits}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if died.done() and (problem := died.result()):
                raise problem
            ended = next(name for waiting, name in exits.items() if waiting.done())
            raise UpError(f"{ended} has ended by itself; what it said last stands above.")
        finally:
            for waiting in (task, died, *exits):
                waiting.cancel()
            await asyncio.gather(task, died, *exits, return_exceptions=True)


@asynccontextmanager
async def installation(
    broker_settings: EmbeddedSettings,
    *,
    workers: int,
    report: Callable[[str], None],
    log_level: str = "warning",
    monitor: MonitorSettings | None = None,
    insights: InsightSettings | None = None,
) -> AsyncIterator[Installation]:
    """
    Give a running installation, and end it in order: services first, then the broker.

    `report` is told what takes long; `log_level` is the services', who log to our standard error; `monitor` and
    `insights` say where they are to answer, if they are wanted at all, and where a port is in use another is taken.
    Raises UpError or `services.kafka.embedded.errors.BrokerError` when a part does not start.
    """
    async with AsyncExitStack() as parts:
        report("Starting Kafka")
        broker = await parts.enter_async_context(embedded_kafka(broker_settings, report))
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers, security_protocol="PLAINTEXT")
        await create_topics(kafka, all_topics(shipped_routes()), partitions=EMBEDDED_PARTITIONS)
        report(f"Starting {workers} worker{'s' if workers > 1 else ''}")
        started = [await parts.enter_async_context(_service(kafka, "worker", log_level)) for _ in range(workers)]
        running = Installation(kafka, broker, started)
        if monitor is not None:
            address = (monitor.http_host, free_port(monitor.http_port))
            process = await parts.enter_async_context(_monitor(kafka, log_level, address))
            running = replace(running, monitor=process, monitor_url=f"http://{address[0]}:{address[1]}")
        groups = {kafka.group(group_name(JOURNEY)): workers}
        if insights is not None:
            process = await parts.enter_async_context(_insights(kafka, log_level, insights, broker.data_folder))
            running = replace(running, insights=process)
            groups[kafka.group(GROUP)] = 1
        for group, members in groups.items():
            try:
                async with asyncio.timeout(START_S):
                    await running.while_up(until_group_works(kafka, group, members=members))
            except TimeoutError:
                raise UpError(f"Group {group} has not come to work within {START_S:g} s.") from None
        yield running


def _environment(kafka: KafkaSettings, more: Mapping[str, str]) -> dict[str, str]:
    """Return ours, but with the embedded broker's address and manners instead of a cluster's; a port serves one."""
    own = {
        "TAGWIRE_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "TAGWIRE_KAFKA_SECURITY_PROTOCOL": kafka.security_protocol,
        **more,
    }
    return {name: value for name, value in os.environ.items() if name != "TAGWIRE_WORKER_HTTP_PORT"} | own


def _monitor(kafka: KafkaSettings, log_level: str, address: tuple[str, int]) -> AbstractAsyncContextManager[Process]:
    own = {"TAGWIRE_MONITOR_HTTP_HOST": address[0], "TAGWIRE_MONITOR_HTTP_PORT": str(address[1])}
    return _service(kafka, "monitor", log_level, {**_unless_set(MONITOR_MANNERS), **own})


def _insights(
    kafka: KafkaSettings, log_level: str, settings: InsightSettings, data_folder: Path
) -> AbstractAsyncContextManager[Process]:
    own = {
        "TAGWIRE_INSIGHTS_HTTP_HOST": settings.http_host,
        "TAGWIRE_INSIGHTS_HTTP_PORT": str(free_port(settings.http_port)),
        # Beside what they are a copy of, so that they go with it.
        "TAGWIRE_INSIGHTS_DATA_FOLDER": str(data_folder / "insights"),
    }
    return _service(kafka, "insights", log_level, own)


def _unless_set(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: os.environ.get(name, value) for name, value in variables.items()}


@asynccontextmanager
async def _service(
    kafka: KafkaSettings, name: str, log_level: str, more: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Process]:
    """A service in a process of its own, on a leash: Ctrl-C is for us, who end it in order."""
    # -P: a folder that happens to hold a package of our name is not to be imported from.
    command = (sys.executable, "-P", "-m", "services.cli", name, "--log-level", log_level)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", leash.__file__, str(WORKER_GRACE_S), *command),
        stdin=PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env=_environment(kafka, more),
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
    tried |= {"lag --watch": "see how far the worker is", "status": "see whether all is well"}
    tried |= {"trends": "see what bursts"} if running.insights else {}
    return "\n".join(
        [
            "tagwire is up:",
            f"  Kafka    {address}",
            *([f"  monitor  {running.monitor_url}"] if running.monitor_url else []),
            f"  data     {running.broker.data_folder}",
            "",
            "In another terminal:",
            *([f"  export TAGWIRE_KAFKA_BOOTSTRAP_SERVERS={address}"] if address != default else []),
            *(f"  {program} {arguments:<19} {what}" for arguments, what in tried.items()),
            "",
            "Ctrl-C ends all.",
        ]
    )
