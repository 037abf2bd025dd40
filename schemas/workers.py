"""What each worker says of itself, again and again: who it is, what it has, that it lives."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveFloat

from schemas.documents import Model, Timestamp

Name = Annotated[str, Field(min_length=1, max_length=512)]


class LaneState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    FENCED = "fenced"
    """Another worker took the partition over; a rebalance will end this lane."""
    BACKING_OFF = "backing_off"
    BREAKER_OPEN = "breaker_open"
    """Our own code fails on most records; one batch is tried after each pause."""


class LaneHeartbeat(Model):
    """A partition that the worker has, and how its work goes."""

    partition: NonNegativeInt
    state: LaneState


class WorkerHeartbeat(Model):
    """What a worker says of itself every few seconds, and when its partitions change. A tombstone: it has stopped."""

    id: Name
    """Of the process: group, host, process id and some random letters. Its member of the group has it as client id."""
    group: Name
    """Consumer group, as it is on the broker."""
    stages: Annotated[tuple[Name, ...], Field(min_length=1)]
    reads: Name
    """Topic, as it is on the broker."""
    host: Name
    """Name of the machine or container."""
    pid: NonNegativeInt
    """Process id there."""
    started_at: Timestamp
    heartbeat_at: Timestamp
    """By the worker's clock. The record's own timestamp is by the broker's."""
    interval_s: PositiveFloat
    """Seconds until the next one, at most."""
    partitions: tuple[LaneHeartbeat, ...]
    """Those that it has, in order; none: it has not joined yet, or is a spare."""
    tagwire_version: Name
    pipeline_version: Name
    """As on the documents that it writes."""
    taxonomy_version: Name
    """Of the definitions that it gives tags by."""
    http_address: Annotated[str | None, Field(max_length=512)] = None
    """Where it serves health and metrics: `http://host:port`. Absent or null: nowhere."""
    children: NonNegativeInt
    """Child processes that do the work."""
    child_restarts: NonNegativeInt
    """Children that were replaced although nobody had planned it."""
    documents: NonNegativeInt
    """Processed and committed since its start."""
    dead_letters: NonNegativeInt
    """Written and committed since its start."""
