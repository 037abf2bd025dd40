"""A system on a filled topic -> what it cost, how fast it was, and whether every document came out once."""

import asyncio
import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bench.measure import cpu_s
from bench.systems import System, job_on, running
from bench.topics import Count, Outputs
from schemas.topics import CLASSIFIED, RAW
from services.kafka.settings import KafkaSettings

SAMPLE_S: Final = 0.05
STILL_S: Final = 0.7
"""Nothing new for so long: then what is there is counted."""
GIVE_UP_S: Final = 30.0
"""Nothing new for so long: then what is missing is lost."""
RAMP: Final = 0.1
"""The part of the documents after which the speed is taken, for by then all processes have their partitions."""

_runs = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Sample:
    at_s: float
    visible: int
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Run:
    """How a system did. Everything from the moment on when its processes were loaded; joining the group is in it."""

    documents: int
    cpu_s: float
    """Of all its processes, until the last output could be read."""
    per_s: float
    """Documents a second after the first tenth."""
    count: Count


async def race(
    system: System,
    kafka: KafkaSettings,
    *,
    function: str,
    documents: int,
    instances: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Run:
    """Have a system work through the raw topic of these settings, which holds so many documents."""
    group = f"bench-{system.script}-{next(_runs)}"
    job = job_on(kafka.bootstrap_servers, kafka.topic(RAW), kafka.topic(CLASSIFIED), group=group, function=function)
    async with Outputs(kafka) as outputs, running(system, job, instances=instances, environment=environment) as started:
        before_s = cpu_s(started.pids)
        began = time.perf_counter()
        started.go()
        samples = [Sample(0.0, 0, 0.0)]
        while True:
            await asyncio.sleep(SAMPLE_S)
            visible = await outputs.visible()
            now = Sample(time.perf_counter() - began, visible, cpu_s(started.pids) - before_s)
            if visible > samples[-1].visible:
                samples.append(now)
            still_s = now.at_s - samples[-1].at_s
            if still_s > STILL_S and samples[-1].visible >= documents:
                count = await outputs.count(documents)
                if not count.lost:
                    break
            started.require()
            if still_s > GIVE_UP_S:
                count = await outputs.count(documents)
                break
    last = samples[-1]
    first = next(sample for sample in samples if sample.visible >= RAMP * documents or sample is last)
    took_s = last.at_s - first.at_s
    per_s = (last.visible - first.visible) / took_s if took_s else documents / last.at_s
    return Run(documents, last.cpu_s, per_s, count)
