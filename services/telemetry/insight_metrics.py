"""Every metric of insights: name, labels and unit, in one list; a registry of its own, for no worker has them."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

from schemas.dead_letters import Reason
from services.telemetry import metrics

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
assert metrics.BUILD  # which takes the `_created` series out of all counters

FORWARDED: Final = Counter(
    "tagwire_insights_documents_total",
    "Documents that were forwarded to be counted and compared. What a crash makes come again counts again.",
    registry=REGISTRY,
)
RECEIVED: Final = Counter(
    "tagwire_insights_records_total", "Records that an agent has done.", ["agent"], registry=REGISTRY
)
DEAD_LETTERS: Final = Counter(
    "tagwire_insights_dead_letters_total",
    "Records that are not what their topic holds. reason: of the dead letter.",
    ["reason"],
    registry=REGISTRY,
)
COMPARED: Final = Counter(
    "tagwire_insights_compared_total",
    "Documents that were compared with those that share a band, once in each partition that has some of theirs.",
    registry=REGISTRY,
)
LINKS: Final = Counter(
    "tagwire_insights_links_total", "Pairs that are one story, as they were found.", registry=REGISTRY
)
STORY_EVENTS: Final = Counter(
    "tagwire_insights_story_events_total", "What `stories` was told. event: as there.", ["event"], registry=REGISTRY
)
TREND_EVENTS: Final = Counter(
    "tagwire_insights_trend_events_total", "What `trends` was told. event: as there.", ["event"], registry=REGISTRY
)
OUT_OF_RANGE: Final = Counter(
    "tagwire_insights_out_of_range_total",
    "Documents that came too late to be counted or compared: out of the kept days, or of the story window.",
    ["agent"],
    registry=REGISTRY,
)
STORY_DOCUMENTS: Final = Gauge(
    "tagwire_insights_story_documents",
    "Documents of a story, or of several versions, that are kept.",
    registry=REGISTRY,
)
BURSTS: Final = Gauge("tagwire_insights_bursts", "Tags of this process that burst now.", registry=REGISTRY)
ROWS: Final = Gauge("tagwire_insights_table_rows", "Rows of this process's tables.", ["table"], registry=REGISTRY)
LAG: Final = Gauge(
    "tagwire_insights_lag_records",
    "Records that an agent of this process has before it, in its partitions, as the brokers tell it.",
    ["agent"],
    registry=REGISTRY,
)
RECOVERY: Final = Gauge(
    "tagwire_insights_recovery_seconds",
    "From the last assignment of partitions until the tables were whole again.",
    registry=REGISTRY,
)

# From the beginning, so that the first one is an increase, too.
for _reason in (Reason.NULL_VALUE, Reason.INVALID_DOCUMENT):
    DEAD_LETTERS.labels(_reason)
