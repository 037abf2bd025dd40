"""What tagwire's own metrics cost: in a child and in the parent for a document, and for a scrape."""

import mmap
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final

from prometheus_client.exposition import generate_latest

from bench.table import Section, Table
from services.telemetry.metrics import (
    BATCH_BYTES,
    BATCH_RECORDS,
    STAGE_DURATION,
    TRANSACTION_DURATION,
    TRANSACTION_RECORDS,
    TRANSACTIONS,
)
from services.telemetry.tally import STAGE_BUCKETS_S, Tally
from services.worker.channel import MARK
from services.worker.child import Progress
from services.worker.counting import count
from services.worker.flow import JOURNEY
from services.worker.transform import Outcome, Plan

DOCUMENTS: Final = 100
"""In a batch, and in each repetition."""
REPETITIONS: Final = 200
SOURCES: Final = 20
TEXT: Final = """\
What counting costs by itself, without Kafka: the median of {repetitions} batches of {documents} documents.
In a child that is the clock at the end of each of the {stages} stages, and its mark in shared memory, by which the parent knows who was in work; in the parent, what is counted when a batch is committed."""  # noqa: E501  # one sentence a line


@dataclass(frozen=True, slots=True)
class Result:
    child_us: float
    """A document."""
    parent_us: float
    """A document."""
    scrape_ms: float


def measure() -> Result:
    plan = Plan(JOURNEY, "bench")
    marks = mmap.mmap(-1, MARK.size)
    durations = Tally(STAGE_BUCKETS_S)
    outcomes = [
        Outcome((), f"{number}", source=f"source-{number % SOURCES}", received_at_ms=int(time.time() * 1000))
        for number in range(DOCUMENTS)
    ]

    def in_child() -> None:
        for number in range(DOCUMENTS):
            progress = Progress(number, plan, marks, durations)
            for stage in range(len(JOURNEY)):
                progress.enter(stage)
            progress.end()

    def in_parent() -> None:
        STAGE_DURATION.add(durations.drain())
        count(outcomes)
        BATCH_RECORDS.observe(DOCUMENTS)
        BATCH_BYTES.observe(DOCUMENTS)
        TRANSACTIONS.labels("committed").inc()
        TRANSACTION_DURATION.observe(0.02)
        TRANSACTION_RECORDS.observe(DOCUMENTS)

    child_s, parent_s = _median_s(in_child), _median_s(in_parent)
    return Result(child_s / DOCUMENTS * 1e6, parent_s / DOCUMENTS * 1e6, _median_s(generate_latest) * 1e3)


def section(result: Result) -> Section:
    rows: list[tuple[str, ...]] = [
        ("in a child, µs a document", f"{result.child_us:.1f}"),
        ("in the parent, µs a document", f"{result.parent_us:.1f}"),
        ("a scrape of `/metrics`, ms", f"{result.scrape_ms:.1f}"),
    ]
    text = TEXT.format(repetitions=REPETITIONS, documents=DOCUMENTS, stages=len(JOURNEY))
    return Section("Metrics", text, [Table(("", "cost"), rows)])


def _median_s(doing: Callable[[], object]) -> float:
    taken = []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        doing()
        taken.append(time.perf_counter() - began)
    return median(taken)
