"""A few looks at a cluster -> an overview of it, without a monitor that runs."""

import time
from contextlib import aclosing

from services.kafka.latest import Latest
from services.kafka.settings import KafkaSettings
from services.monitor import views
from services.monitor.api import Overview
from services.monitor.journey import journey
from services.monitor.recent import Recent
from services.monitor.settings import MonitorSettings
from services.monitor.watch import Watch


async def overview(kafka: KafkaSettings, settings: MonitorSettings, *, looks: int) -> Overview:
    """Return what so many looks have shown. Raises KafkaError."""
    shown = journey(kafka)
    settings = settings.model_copy(update={"documents": 0})
    recent = Recent(kafka, settings)
    async with Watch(kafka, settings, shown.inputs) as watch, aclosing(watch.looks()) as seen:
        async for snapshot in seen:
            if snapshot.looks == looks:
                break
        async with Latest(kafka) as latest:
            await recent.read(snapshot, latest)
    now_s = time.time()
    letters = views.dead_letter_count(recent.letters, most=settings.dead_letters, now_ms=now_s * 1000)
    return views.overview(
        snapshot,
        shown,
        letters,
        recent.heartbeats,
        cluster=settings.cluster_name,
        interval_s=settings.interval_s,
        problem=None,
        now_s=now_s,
    )
