"""A system on a filled topic -> what it cost, how fast it was, and whether every document came out once."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import KafkaError

from bench.measure import cpu_s
from bench.systems import System, SystemFailed, job_on, running
from bench.topics import Count, Outputs
from schemas.topics import CLASSIFIED, RAW
from services.kafka.offsets import until_group_works
from services.kafka.settings import KafkaSettings

SAMPLE_S: Final = 0.05
STILL_S: Final = 0.7
"""Nothing new for so long: then what is there is counted."""
GIVE_UP_S: Final = 30.0
"""Nothing new for so long: then what is missing is lost."""
RAMP: Final = 0.1
"""The part of the documents after which the speed is taken, for by then all processes have their partitions."""
STEPS: Final = 10
"""In so many steps at least outputs must have come for a speed to be taken from them."""

_runs = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Sample:
    at_s: float
    visible: int
    """Offsets, as `Outputs.visible` has them."""


@dataclass(frozen=True, slots=True)
class Run:
    """How a system did. Everything from the moment on when its processes were loaded; joining the group is in it."""

    documents: int
    cpu_s: float
    """Of all its processes, until the last output could be read and each process had joined the group."""
    per_s: float | None
    """Documents a second after the first tenth. None: they came in too few steps to say."""
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
    """
    Have a system work through the raw topic of these settings, which holds so many documents.

    Raises SystemFailed when it does not start, ends in the middle or never has all its processes in its group.
    """
    group = f"bench-{system.script}-{next(_runs)}"
    job = job_on(kafka.bootstrap_servers, kafka.topic(RAW), kafka.topic(CLASSIFIED), group=group, function=function)
    async with Outputs(kafka) as outputs, running(system, job, instances=instances, environment=environment) as started:
        before_s = cost_s = cpu_s(started.pids)
        began = time.perf_counter()
        started.go()
        samples = [Sample(0.0, 0)]
        async with _joining(kafka, system.group(group), members=len(started.pids)) as joined:
            while True:
                # A process may join when others have done all the work; that it has joined is part of the cost.
                is_joined = joined.done()
                await asyncio.sleep(SAMPLE_S)
                now = Sample(time.perf_counter() - began, await outputs.visible())
                is_more = now.visible > samples[-1].visible
                if is_more:
                    samples.append(now)
                if is_more or not is_joined:
                    cost_s = cpu_s(started.pids)
                still_s = now.at_s - samples[-1].at_s
                if is_joined and still_s > STILL_S and samples[-1].visible >= documents:
                    count = await outputs.count(documents)
                    if not count.lost:
                        break
                started.require()
                if still_s > GIVE_UP_S:
                    if not is_joined:
                        raise SystemFailed(f"its group never had {len(started.pids)} members")
                    count = await outputs.count(documents)
                    break
    return Run(documents, cost_s - before_s, speed(samples, documents - count.lost), count)


def speed(samples: Sequence[Sample], documents: int) -> float | None:
    """
    Return documents a second after the first tenth, of what came out in all; None when that was too few steps.

    The samples say which part had been done by when, not how many: the ends of transactions and what came twice have
    offsets, too.
    """
    last = samples[-1]
    taken = [sample for sample in samples if sample.visible >= RAMP * last.visible]
    if len(taken) <= STEPS:
        return None
    return documents * (1 - taken[0].visible / last.visible) / (last.at_s - taken[0].at_s)


@asynccontextmanager
async def _joining(kafka: KafkaSettings, group: str | None, *, members: int) -> AsyncIterator[asyncio.Task[None]]:
    """Give a task that is done when the group has all its members; without a group it is done at once."""
    task = asyncio.create_task(_until_joined(kafka, group, members))
    try:
        yield task
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _until_joined(kafka: KafkaSettings, group: str | None, members: int) -> None:
    while group:
        try:
            await until_group_works(kafka, group, members=members)
        except KafkaError as error:  # a broker that has just started has no coordinator yet
            if not error.retriable:
                raise
            await asyncio.sleep(SAMPLE_S)
        else:
            return
