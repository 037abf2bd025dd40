"""
Every metric's name, labels and unit, in one list.

A metric is added to by the code whose doing it counts, and served by whoever runs it. No label takes values from
documents without a bound.
"""

from collections.abc import Iterator
from enum import StrEnum
from itertools import accumulate
from typing import Final

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from services.telemetry.tally import STAGE_BUCKETS_S, Tally


class RestartCause(StrEnum):
    """Why a lane went back to the committed offset."""

    FENCED = "fenced"
    BREAKER_OPEN = "breaker_open"
    KAFKA = "kafka"
    """An error of Kafka, the network or a time-out."""
    UNFORESEEN = "unforeseen"
    """Anything else, told with its traceback."""


class ChildEnd(StrEnum):
    """Why a child process was replaced."""

    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASHED = "crashed"
    DIED = "died"
    """Idle; somebody ended it."""
    RENEWED = "renewed"
    """After its share of documents."""


class TallyCollector(Collector):
    """A tally as a histogram of Prometheus."""

    def __init__(self, tally: Tally, name: str, documentation: str, *, label: str) -> None:
        self._tally = tally
        self._name = name
        self._documentation = documentation
        self._label = label

    def describe(self) -> Iterator[Metric]:
        yield HistogramMetricFamily(self._name, self._documentation, labels=[self._label])

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(self._name, self._documentation, labels=[self._label])
        bounds = [*(str(float(bound)) for bound in self._tally.buckets), "+Inf"]
        for label, (counts, total) in self._tally.counts().items():
            family.add_metric([label], list(zip(bounds, accumulate(counts), strict=True)), total)
        yield family


disable_created_metrics()  # type: ignore[no-untyped-call]


def _expose(tally: Tally, name: str, documentation: str, *, label: str) -> None:
    REGISTRY.register(TallyCollector(tally, name, documentation, label=label))


SOURCES: Final = 100
"""Sources with an age of their own, the first that come; those after them are `other`."""
AGE_BUCKETS_S: Final = (
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    1800.0,
    3600.0,
    86400.0,
)

STAGE_DURATION: Final = Tally(STAGE_BUCKETS_S)
_expose(
    STAGE_DURATION,
    "tagwire_stage_duration_seconds",
    "Time that a document took in a stage, in a child process; decoding counts to the first, encoding to its own. Work "
    "that was done again counts again; what ended its child by a limit is not in it, but in the dead letters.",
    label="stage",
)
DOCUMENT_AGE: Final = Tally(AGE_BUCKETS_S, most_labels=SOURCES)
_expose(
    DOCUMENT_AGE,
    "tagwire_document_age_seconds",
    f"From the raw record's timestamp to the commit of its document, by source: the first {SOURCES}, then `other`.",
    label="source",
)
DOCUMENTS: Final = Counter(
    "tagwire_documents_total",
    "Records whose transaction was committed. outcome: processed or dead_letter; reason: of the dead letter, or none.",
    ["outcome", "reason"],
)
BATCH_RECORDS: Final = Histogram(
    "tagwire_batch_records",
    "Records that were committed at once.",
    buckets=(1, 3, 10, 30, 100, 300, 1000, 3000),
)
BATCH_BYTES: Final = Histogram(
    "tagwire_batch_bytes",
    "Bytes of the records that were committed at once: keys, values and headers.",
    buckets=(2**10, 2**12, 2**14, 2**16, 2**18, 2**20, 2**22, 2**24, 2**26),
)
TRANSACTION_RECORDS: Final = Histogram(
    "tagwire_transaction_records",
    "Records that were written in a transaction: documents, tags' copies and dead letters.",
    buckets=(0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000),
)
TRANSACTION_DURATION: Final = Histogram(
    "tagwire_transaction_duration_seconds",
    "From the beginning of a transaction to its commit.",
    buckets=(0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0),
)
TRANSACTIONS: Final = Counter(
    "tagwire_transactions_total", "Transactions that ended. outcome: committed or failed.", ["outcome"]
)
BYTES_IN_FLIGHT: Final = Gauge("tagwire_in_flight_bytes", "Bytes of the records in work: keys, values and headers.")
LANES: Final = Gauge("tagwire_lanes", "Partitions that this worker has, by the state of their lane.", ["state"])
LANE_RESTARTS: Final = Counter(
    "tagwire_lane_restarts_total",
    "Times that a lane went back to the committed offset. cause: fenced, breaker_open, kafka or unforeseen.",
    ["cause"],
)
REBALANCES: Final = Counter("tagwire_rebalances_total", "Times that the group gave this worker its partitions anew.")
CHILD_ENDS: Final = Counter(
    "tagwire_child_ends_total",
    "Child processes that were replaced. cause: timeout, memory or crashed, in work; died, idle; renewed, in time.",
    ["cause"],
)
BUILD: Final = Info(
    "tagwire_build", "What runs: version of tagwire, and of the taxonomy that its children have loaded."
)

# From the beginning, so that the first one is an increase, too.
for _cause in RestartCause:
    LANE_RESTARTS.labels(_cause)
for _end in ChildEnd:
    CHILD_ENDS.labels(_end)
for _outcome in ("committed", "failed"):
    TRANSACTIONS.labels(_outcome)
