"""The monitor: a watch, what came last, what insights say, and the server of it all, until it is told to stop."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

import structlog

from services.dead_letters.letters import Selection
from services.dead_letters.redrive import Rules, redrive
from services.dead_letters.redriving import candidate_fields, summary
from services.insights.view import View
from services.kafka.settings import KafkaSettings
from services.monitor import api
from services.monitor.journey import journey
from services.monitor.recent import Recent
from services.monitor.server import Server
from services.monitor.settings import MonitorSettings
from services.monitor.watch import Watch
from services.telemetry.http import served
from services.worker.settings import WorkerSettings

log = structlog.get_logger()

INSIGHTS_CLIENT_ID: Final = "tagwire-monitor-insights"


async def monitor(
    kafka: KafkaSettings, settings: MonitorSettings, worker: WorkerSettings, *, stop: asyncio.Event
) -> None:
    """
    Watch and serve until `stop` is set. A cluster that is away is waited for, and said so.

    `worker` has the limits with which dead letters are tried. Raises OSError when the port is in use.
    """
    shown = journey(kafka)
    watch = Watch(kafka, settings, shown.inputs)
    recent = Recent(kafka, settings)

    async def put_back(wanted: api.RedriveRequest, chosen: Selection) -> api.RedriveReport:
        rules = Rules(is_forced=wanted.send_all, is_dry=wanted.is_dry)
        report = await redrive(kafka, worker, chosen, rules)
        log.info("redriven", sent=report.sent, is_dry=report.is_dry, letters=len(report.candidates))
        return api.RedriveReport(
            summary=list(summary(report, rules)),
            sent=report.sent,
            is_dry=report.is_dry,
            candidates=[api.CandidateRow(**candidate_fields(each)) for each in report.candidates],
        )

    insights = View(kafka)
    server = Server(kafka, settings, shown, watch, recent, put_back, insights)
    async with AsyncExitStack() as parts:
        await parts.enter_async_context(served(server.app(), settings.http_host, settings.http_port))
        log.info("monitor_started", bootstrap_servers=kafka.bootstrap_servers, interval_s=settings.interval_s)
        running = (watch.run(), recent.run(watch), insights.run(client_id=INSIGHTS_CLIENT_ID), stop.wait())
        doing = [asyncio.ensure_future(each) for each in running]
        try:
            await asyncio.wait(doing, return_when=asyncio.FIRST_COMPLETED)
            for task in doing:
                if task.done():
                    task.result()
        finally:
            for task in doing:
                task.cancel()
            await asyncio.gather(*doing, return_exceptions=True)
    log.info("monitor_stopped")
