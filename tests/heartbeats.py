"""Heartbeats as workers write them."""

from datetime import UTC, datetime
from typing import Any

from schemas.workers import LaneHeartbeat, LaneState, WorkerHeartbeat
from tests.brokers import Message

STARTED = datetime(2026, 1, 31, 8, tzinfo=UTC)


def heartbeat(name: str = "w-1", *, group: str = "tagwire-clean-route", **more: Any) -> WorkerHeartbeat:
    """Of a worker with partition 0 running, and 2 where the breaker is open."""
    told: dict[str, Any] = {
        "id": name,
        "group": group,
        "stages": ("clean", "enrich", "classify", "route"),
        "reads": "documents.raw",
        "host": "web-1",
        "pid": 42,
        "started_at": STARTED,
        "heartbeat_at": STARTED,
        "interval_s": 10.0,
        "partitions": (
            LaneHeartbeat(partition=0, state=LaneState.RUNNING),
            LaneHeartbeat(partition=2, state=LaneState.BREAKER_OPEN),
        ),
        "tagwire_version": "0.1.0",
        "pipeline_version": "0.1.0",
        "taxonomy_version": "0123456789abcdef",
        "children": 2,
        "child_restarts": 0,
        "documents": 17,
        "dead_letters": 1,
    }
    return WorkerHeartbeat(**{**told, **more})


def message(told: WorkerHeartbeat) -> Message:
    return told.id.encode(), told.model_dump_json(exclude_none=True).encode(), ()
