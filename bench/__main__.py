"""`make bench`: every measurement, then docs/benchmarks.md with its charts. `--quick` is a trial."""

import argparse
import asyncio
import logging
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Final

from bench import growth, latency, memory, metrics, plumbing, whole_job
from bench.environments import ROOT, versions
from bench.latency import LOADS
from bench.measure import machine
from bench.systems import SYSTEMS, TAGWIRE
from bench.table import Section
from bench.workload import PLUMBING, WHOLE_JOB_PAGES, WHOLE_JOB_TEXT
from services.kafka.embedded.jars import KAFKA_VERSION

PAGE: Final = ROOT / "docs" / "benchmarks.md"
CHARTS: Final = "benchmarks"
WRITTEN_BELOW: Final = "<!-- What follows is written by `make bench`. -->"
SCRIPTS: Final = tuple(system.script for system in SYSTEMS)
PARTS: Final = ("plumbing", "whole-job", "latency", "memory", "growth", "metrics")
MEMORY_DOCUMENTS: Final = 30_000
QUICK: Final = 0.04
"""The part of the documents that a trial takes."""
FALLBACK_PER_S: Final = 400.0
"""What latency is measured against when the whole job has not been measured."""


def main() -> None:
    options = parsed(sys.argv[1:])
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics have no leader yet; it tries again
    began, commit = time.monotonic(), _commit()
    command = f"python -m bench {' '.join(sys.argv[1:])}".strip()
    sections = asyncio.run(
        measure(
            options.parts or PARTS,
            options.systems or SCRIPTS,
            scale=options.scale or (QUICK if options.quick else 1.0),
            is_trial=bool(options.quick),
        )
    )
    page = written(sections, command=command, commit=commit, minutes=(time.monotonic() - began) / 60)
    if options.write:
        write(page, sections)
    sys.stdout.write(page)


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options; what would put a part of the figures on the page ends the process with a usage error."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, epilog="Progress is on stderr, the page on stdout, at the end."
    )
    parser.add_argument("--quick", action="store_true", default=None, help="few documents, one round, three minutes")
    parser.add_argument("--scale", type=_scale, help="this part of the documents")
    parser.add_argument("--parts", type=_some_of(PARTS), help=f"by commas, of {', '.join(PARTS)}")
    parser.add_argument("--systems", type=_some_of(SCRIPTS), help=f"in the first table, of {', '.join(SCRIPTS)}")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md and its charts, all of it")
    options = parser.parse_args(arguments)
    partly = [f"--{name}" for name in ("quick", "scale", "parts", "systems") if getattr(options, name) is not None]
    if options.write and partly:
        parser.error(f"--write writes the whole page, so it goes without {', '.join(partly)}")
    return options


def _scale(text: str) -> float:
    if not 0 < float(text) <= 1:
        raise argparse.ArgumentTypeError(f"{text}: expected more than 0, at most 1")
    return float(text)


def _some_of(names: Sequence[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        if unknown := [name for name in text.split(",") if name not in names]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: expected some of {', '.join(names)}")
        return text.split(",")

    return parse


async def measure(parts: Sequence[str], scripts: Sequence[str], *, scale: float, is_trial: bool) -> list[Section]:
    systems = [system for system in SYSTEMS if system.script in scripts]
    if "plumbing" in parts:
        for system in systems:
            system.python()  # makes its environment, before anything is measured
    sections: list[Section] = []
    throughput_per_s = FALLBACK_PER_S
    if "plumbing" in parts:
        workloads = (PLUMBING[0], PLUMBING[-1]) if is_trial else PLUMBING
        rounds = (1, 1) if is_trial else (3, 2, 2, 2)
        starts = 1 if is_trial else plumbing.STARTS
        results = await plumbing.measure(
            systems=systems, workloads=workloads, rounds=rounds, starts=starts, scale=scale
        )
        sections.append(plumbing.section(results, systems))
    if "whole-job" in parts:
        jobs = (WHOLE_JOB_TEXT,) if is_trial else (WHOLE_JOB_TEXT, WHOLE_JOB_PAGES)
        whole = await whole_job.measure(workloads=jobs, rounds=1 if is_trial else 2, scale=scale)
        throughput_per_s = whole[0].per_s(TAGWIRE.name) or FALLBACK_PER_S
        sections.append(whole_job.section(whole))
    if "latency" in parts:
        sections.append(
            latency.section(
                await latency.measure(
                    throughput_per_s, loads=(0.5,) if is_trial else LOADS, seconds=2.0 if is_trial else 12.0
                )
            )
        )
    if "memory" in parts:
        sections.append(memory.section(await memory.measure(round(MEMORY_DOCUMENTS * scale))))
    if "growth" in parts:
        sections.append(growth.section(await growth.measure(scale, is_trial=is_trial)))
    if "metrics" in parts:
        sections.append(metrics.section(metrics.measure()))
    return sections


def written(sections: Sequence[Section], *, command: str, commit: str, minutes: float) -> str:
    """Return the part of the page that is figures: where they are from, then the sections."""
    peers = ", ".join(
        f"{system.name} {system.version}" + (f" on {clients}" if (clients := _clients(system.script)) else "")
        for system in SYSTEMS
        if not system.is_ours
    )
    head = [
        f"Measured on {time.strftime('%Y-%m-%d', time.gmtime())} in {minutes:.0f} minutes with `{command}`:",
        f"{machine()}, {platform.system()}, Python {platform.python_version()}.",
        f"tagwire {version('tagwire')} at commit {commit}, aiokafka {version('aiokafka')}.",
        f"Apache Kafka {KAFKA_VERSION}, embedded, on the same cores.",
        f"Peers: {peers}.",
    ]
    return "\n\n".join(["\n".join(head), *(section.markdown(CHARTS) for section in sections)]) + "\n"


def write(page: str, sections: Sequence[Section]) -> None:
    """Put the figures below the mark in docs/benchmarks.md, whose beginning is written by hand, and the charts."""
    by_hand = PAGE.read_text().partition(WRITTEN_BELOW)[0]
    PAGE.write_text(f"{by_hand}{WRITTEN_BELOW}\n\n{page}")
    folder = PAGE.parent / CHARTS
    folder.mkdir(exist_ok=True)
    for section in sections:
        for name, svg in section.charts.items():
            (folder / f"{name}.svg").write_text(svg)


def _clients(script: str) -> str:
    """Return the Kafka client of a peer that is not one itself."""
    if script == "confluent":
        return ""
    found = versions(script)
    return next(f"{client} {found[client]}" for client in ("aiokafka", "confluent-kafka") if client in found)


def _commit() -> str:
    command = ("git", "describe", "--always", "--dirty")
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
