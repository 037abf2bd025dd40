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
from bench.systems import SYSTEMS, Running, System, SystemFailed, end, until_ready
from bench.table import NO_BREAK, NOISE, Section, Table, between, failed, figure, spread
from bench.topics import broker, fill, make_topics
from bench.workload import PLUMBING, Workload
from services.kafka.settings import KafkaSettings
from services.worker.settings import usable_cores

START_DOCUMENTS: Final = 100
"""A run of so few, of the same kind, is a start: its cost and these documents are taken off."""
STARTS: Final = 3
"""Their median is taken off."""
BARE: Final = "bare function"
TEXT: Final = """\
The same function of the document's bytes runs in every system, on a backlog, on 4 partitions of the embedded Kafka, with zstd.
For text it parses the envelope, settles white space, counts and hashes words with the standard library; for HTML it is tagwire's own clean step.
Each system has its best settings (below; `bench/peers/` says why) and gives the best guarantee that it has.
CPU time is that of all its processes, the broker's not counted, from the moment when they were loaded until a read-committed reader had every output and each process had joined the group.
What the first {few} documents cost, joining included, is taken off: it is the median of several starts with as few of the same kind.
Plumbing is what is left when the bare function is taken off, which runs without Kafka in one process a core.
Its range is from the least CPU time less the greatest of the bare function to the greatest less the least; where 0 is in it, it is {noise}.
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
    starts: dict[str, list[Run]] = field(default_factory=dict)
    runs: dict[str, list[Run]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    """System -> why. It does not race again."""

    def cpu_us(self, system: System) -> list[float]:
        start_s = median(run.cpu_s for run in self.starts[system.name])
        return [(run.cpu_s - start_s) / (run.documents - START_DOCUMENTS) * 1e6 for run in self.runs[system.name]]


async def measure(
    *,
    systems: Sequence[System] = SYSTEMS,
    workloads: Sequence[Workload] = PLUMBING,
    rounds: Sequence[int] = (3, 2, 2, 2),
    starts: int = STARTS,
    scale: float = 1.0,
) -> list[Results]:
    """Return the results of each workload, whose rounds are given beside it; `scale` makes all of them smaller."""
    results = []
    for workload, times in zip(workloads, rounds, strict=False):
        documents = max(4 * START_DOCUMENTS, round(workload.documents * scale))
        async with broker() as kafka:
            results.append(await _rounds(kafka, systems, workload, documents, times, starts))
    return results


async def _rounds(
    kafka: KafkaSettings, systems: Sequence[System], workload: Workload, documents: int, times: int, starts: int
) -> Results:
    few = kafka.model_copy(update={"topic_prefix": "start."})
    for topics, number in ((few, START_DOCUMENTS), (kafka, documents)):
        await make_topics(topics)
        await fill(topics, workload.values(), number)
    results = Results(workload, documents)
    for number in range(starts):
        await _round(few, systems, results, number, documents=START_DOCUMENTS, into=results.starts)
    for number in range(times):
        bare_us, bare_per_s = await bare(workload, documents)
        results.bare_us.append(bare_us)
        results.bare_per_s.append(bare_per_s)
        await _round(kafka, systems, results, number, documents=documents, into=results.runs)
    return results


async def _round(
    kafka: KafkaSettings,
    systems: Sequence[System],
    results: Results,
    number: int,
    *,
    documents: int,
    into: dict[str, list[Run]],
) -> None:
    # Each round begins with another one, so that nobody always follows the same neighbour.
    for system in (*systems[number:], *systems[:number]):
        if system.name in results.failures:
            continue
        try:
            run = await race(system, kafka, function=results.workload.function, documents=documents)
        except SystemFailed as failure:
            results.failures[system.name] = failure.told(system.name)
        else:
            into.setdefault(system.name, []).append(run)
            sys.stderr.write(f"{results.workload.name}, {documents} documents: {system.name}: {_said(run)}\n")


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
        well = [system for system in systems if system.name not in result.failures]
        charts[f"plumbing-{name.lower().replace(' ', '-')}"] = bars(
            f"{name}: CPU µs a document; the pale part is the bare function",
            {BARE: median(result.bare_us), **{each.name: median(result.cpu_us(each)) for each in well}},
            floor=median(result.bare_us),
        )
    return Section(
        "The same function in every system", TEXT.format(few=START_DOCUMENTS, noise=NOISE, steps=STEPS), tables, charts
    )


def _table(result: Results, systems: Sequence[System]) -> Table:
    workload = f"{result.workload.name}, {result.documents:,} documents"
    table = Table(
        (workload, "guarantee", "CPU µs a document", "of it plumbing", "of bare", "documents/s", "lost", "doubled")
    )
    table.rows.append((BARE, "", spread(result.bare_us), "", "1.00", spread(result.bare_per_s), "", ""))
    for system in systems:
        name = f"{system.name} {system.version}"
        if why := result.failures.get(system.name):
            table.rows.append((name, system.guarantee, *failed(why, len(table.head) - 2)))
            continue
        runs, cpu_us = result.runs[system.name], result.cpu_us(system)
        table.rows.append(
            (
                name,
                system.guarantee,
                spread(cpu_us),
                *_plumbing(cpu_us, result.bare_us),
                spread([run.per_s for run in runs]),
                str(sum(run.count.lost for run in runs)),
                str(sum(run.count.doubled for run in runs)),
            )
        )
    return table


def _plumbing(cpu_us: Sequence[float], bare_us: Sequence[float]) -> tuple[str, str]:
    """Return what is left of a system's CPU time without the bare function, and its speed as a part of bare."""
    least, greatest = min(cpu_us) - max(bare_us), max(cpu_us) - min(bare_us)
    if least <= 0 <= greatest:
        return f"{NOISE} {between(least, greatest)}", ""
    cost_us = median(cpu_us) - median(bare_us)
    return f"{figure(cost_us)}{NO_BREAK}{between(least, greatest)}", figure(median(bare_us) / median(cpu_us), 2)


def _said(run: Run) -> str:
    return f"{run.cpu_s / run.documents * 1e6:.0f} µs, {run.per_s or 0:.0f}/s, {run.count}"
