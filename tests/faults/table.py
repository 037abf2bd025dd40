"""Counts -> docs/faults.md: a row for each scenario, and on what it was measured."""

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from services.kafka.embedded.jars import KAFKA_VERSION
from tests.faults.harness import Count

HEAD = """\
# Faults

Real workers, a real broker and real signals; then a read-committed reader counts what came out.
Each document is published in several versions under one key; every output names the raw record it came of.
`make faults` runs this and writes this page; `make test` runs a short form of all but scenarios 7 and 10.

| scenario | runs | published | lost | doubled | out of order | dead letters | longest stall, s |
|---|---|---|---|---|---|---|---|
"""

TAIL = """
*Published* to *dead letters* are sums over the runs, *longest stall* is the longest of any run.
*Lost*: raw records that came out neither as a document nor as a dead letter, or not in the topic of one of their tags.
*Doubled*: records beyond the first of one raw record, in any topic.
*Out of order*: records behind a later one of the same key.
*Longest stall*: for how long a partition had something to do and nothing came out.
A killed or frozen worker's partitions wait for the session timeout, 6 s here and 10 s by default.
Dead letters are exactly those that a scenario provokes; its test names each.
"""


def write(path: Path, counts: Mapping[str, Sequence[Count]]) -> None:
    """Write the page. Nothing in it tells one machine's name or folders."""
    rows = [row(scenario, runs) for scenario, runs in sorted(counts.items(), key=lambda pair: number(pair[0]))]
    measured = (
        f"\nMeasured with `make faults` on {os.cpu_count()} shared cores ({platform.machine()}, {platform.system()}), "
        f"Python {platform.python_version()}, Kafka {KAFKA_VERSION}, aiokafka {version('aiokafka')}, "
        f"tagwire {version('tagwire')}.\n"
    )
    path.write_text(HEAD + "".join(rows) + TAIL + measured)


def row(scenario: str, runs: Sequence[Count]) -> str:
    sums = [
        sum(getattr(count, name) for count in runs) for name in ("published", "lost", "doubled", "out_of_order", "dead")
    ]
    cells = [scenario, len(runs), *sums, f"{max(count.longest_stall_s for count in runs):.1f}"]
    return f"| {' | '.join(map(str, cells))} |\n"


def number(scenario: str) -> int:
    return int(scenario.split(maxsplit=1)[0])
