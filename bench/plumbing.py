"""The same function in every system: what each adds to it, in CPU time, and how fast it is on a backlog."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from bench.charts import bars
from bench.environments import ROOT
from bench.race import STEPS, Run, race
from bench.systems import SYSTEMS, Running, System, end, until_ready
from bench.table import Section, Table, figure, spread
from bench.topics import broker, fill, make_topics
from bench.workload import PLUMBING, TEXT_5_KB, Workload
from services.kafka.settings import KafkaSettings
from services.worker.settings import usable_cores

START_DOCUMENTS: Final = 100
"""A run of so few costs what a run costs that is no document's: it is taken off."""
BARE: Final = "bare function"
TEXT: Final = """\
The same function of the document's bytes runs in every system, on a backlog, on 4 partitions of the embedded Kafka, with zstd.
For text it parses the envelope, settles white space, counts and hashes words with the standard library; for HTML it is tagwire's own clean step.
Each system has its best settings (below; `bench/peers/` says why) and gives the best guarantee that it has.
CPU time is that of all its processes, the broker's not counted, from the moment when they were loaded until a read-committed reader had every output; a start with few documents is taken off.
Plumbing is what is left when the bare function is taken off, which runs without Kafka in one process a core.
Rounds are interleaved; a cell is the median, with the least and the greatest.
Documents/s are those after the first tenth; the cell is empty where outputs came in fewer than {steps} steps.
Lost and doubled are counted by key by the read-committed reader."""  # noqa: E501  # one sentence a line


@dataclass(slots=True)
class Results:
    """Of one workload."""

    workload: Workload
    documents: int
    bare_us: list[float] = field(default_factory=list)
    """CPU µs a document, of each round."""
    bare_per_s: list[float] = field(default_factory=list)
    start_s: dict[str, float] = field(default_factory=dict)
    runs: dict[str, list[Run]] = field(default_factory=dict)

    def cpu_us(self, system: System) -> list[float]:
        start_s = self.start_s[system.name]
        return [max(0.0, run.cpu_s - start_s) / run.documents * 1e6 for run in self.runs[system.name]]


async def measure(
    *,
    systems: Sequence[System] = SYSTEMS,
    workloads: Sequence[Workload] = PLUMBING,
    rounds: Sequence[int] = (3, 2, 2, 2),
    scale: float = 1.0,
) -> list[Results]:
    """Return the results of each workload, whose rounds are given beside it; `scale` makes all of them smaller."""
    starts: dict[str, float] = {}
    results = []
    for workload, times in zip(workloads, rounds, strict=False):
        documents = max(START_DOCUMENTS, round(workload.documents * scale))
        async with broker() as kafka:
            if not starts:
                starts = await _starts(kafka, systems)
            results.append(await _rounds(kafka, systems, workload, documents, times, starts))
    return results


async def _starts(kafka: KafkaSettings, systems: Sequence[System]) -> dict[str, float]:
    few = kafka.model_copy(update={"topic_prefix": "start."})
    await make_topics(few)
    await fill(few, TEXT_5_KB.values(), START_DOCUMENTS)
    return {
        system.name: (await race(system, few, function=TEXT_5_KB.function, documents=START_DOCUMENTS)).cpu_s
        for system in systems
    }


async def _rounds(
    kafka: KafkaSettings,
    systems: Sequence[System],
    workload: Workload,
    documents: int,
    times: int,
    starts: dict[str, float],
) -> Results:
    await make_topics(kafka)
    await fill(kafka, workload.values(), documents)
    results = Results(workload, documents, start_s=starts, runs={system.name: [] for system in systems})
    for number in range(times):
        bare_us, bare_per_s = await bare(workload, documents)
        results.bare_us.append(bare_us)
        results.bare_per_s.append(bare_per_s)
        # Each round begins with another one, so that nobody always follows the same neighbour.
        for system in (*systems[number:], *systems[:number]):
            run = await race(system, kafka, function=workload.function, documents=documents)
            results.runs[system.name].append(run)
            sys.stderr.write(f"{workload.name}, round {number + 1}: {system.name}: {_said(run)}\n")
    return results


async def bare(workload: Workload, documents: int) -> tuple[float, float]:
    """Return the CPU µs a document of the function alone, and documents a second on all cores."""
    share = documents // usable_cores()
    command = (sys.executable, "-m", "bench.peers.bare", workload.name, str(share))
    processes = [
        await create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, cwd=ROOT) for _ in range(usable_cores())
    ]
    try:
        for process in processes:
            await until_ready(process)
        Running(processes).go()
        figures = [json.loads(await process.stdout.readline()) for process in processes if process.stdout]
    finally:
        await asyncio.gather(*map(end, processes))
    cpu_us = sum(cpu_s for cpu_s, _ in figures) / (share * len(figures)) * 1e6
    return cpu_us, share * len(figures) / max(wall_s for _, wall_s in figures)


def section(results: Sequence[Results], systems: Sequence[System] = SYSTEMS) -> Section:
    tables, charts = [Table(("", "settings"), [(system.name, system.settings) for system in systems])], {}
    for result in results:
        tables.append(_table(result, systems))
        name = result.workload.name
        charts[f"plumbing-{name.lower().replace(' ', '-')}"] = bars(
            f"{name}: CPU µs a document; the pale part is the bare function",
            {BARE: median(result.bare_us), **{each.name: median(result.cpu_us(each)) for each in systems}},
            floor=median(result.bare_us),
        )
    return Section("The same function in every system", TEXT.format(steps=STEPS), tables, charts)


def _table(result: Results, systems: Sequence[System]) -> Table:
    name = f"{result.workload.name}, {result.documents:,} documents"
    table = Table(
        (name, "guarantee", "CPU µs a document", "of it plumbing", "of bare", "documents/s", "lost", "doubled")
    )
    bare_us = median(result.bare_us)
    table.rows.append((BARE, "", spread(result.bare_us), "", "1.000", spread(result.bare_per_s), "", ""))
    for system in systems:
        runs, cpu_us = result.runs[system.name], result.cpu_us(system)
        table.rows.append(
            (
                f"{system.name} {system.version}",
                system.guarantee,
                spread(cpu_us),
                figure(median(cpu_us) - bare_us),
                figure(bare_us / median(cpu_us), 3),
                spread([run.per_s for run in runs]),
                str(sum(run.count.lost for run in runs)),
                str(sum(run.count.doubled for run in runs)),
            )
        )
    return table


def _said(run: Run) -> str:
    return f"{run.cpu_s / run.documents * 1e6:.0f} µs, {run.per_s or 0:.0f}/s, {run.count}"
