"""A worker -> the topic `workers`: who it is, what it has, that it lives."""

import os
import re
import secrets
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final
from urllib.parse import urlsplit

from schemas.topics import WORKERS
from schemas.workers import LaneHeartbeat, WorkerHeartbeat
from services.core.clean import PIPELINE_VERSION
from services.kafka.lanes import Lanes
from services.kafka.presence import Presence
from services.kafka.settings import KafkaSettings
from services.worker.counting import counted
from services.worker.pool import Pool
from services.worker.settings import WorkerSettings
from services.worker.transform import Plan

STRANGE: Final = re.compile(r"[^A-Za-z0-9._-]+")
EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  # to be told from others, not to be bound to
RANDOM_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process this is, among all the workers of a cluster."""

    id: str
    host: str
    pid: int
    started_at: datetime


def identity(group: str) -> Identity:
    """Return what this process is called from now on."""
    host, pid = socket.gethostname() or "unknown", os.getpid()
    # Containers that share their machine's network share its name, too, and each has a process 1.
    chance = secrets.token_hex(RANDOM_BYTES)
    return Identity(f"{group}-{STRANGE.sub('-', host)}-{pid}-{chance}", host, pid, datetime.now(UTC))


def presence(
    kafka: KafkaSettings,
    settings: WorkerSettings,
    me: Identity,
    plan: Plan,
    lanes: Lanes,
    pool: Pool,
    *,
    address: str | None,
) -> Presence | None:
    """Return what is to write the heartbeats of a worker; None where none are wanted."""
    if not settings.heartbeat_s:
        return None

    release = version("tagwire")

    def told() -> bytes:
        heartbeat = WorkerHeartbeat(
            id=me.id,
            group=plan.group,
            stages=tuple(stage.name.value for stage in plan.stages),
            reads=kafka.topic(plan.reads),
            host=me.host,
            pid=me.pid,
            started_at=me.started_at,
            heartbeat_at=datetime.now(UTC),
            interval_s=settings.heartbeat_s,
            partitions=tuple(LaneHeartbeat(partition=each, state=state) for each, state in lanes.states.items()),
            tagwire_version=release,
            pipeline_version=PIPELINE_VERSION,
            taxonomy_version=pool.taxonomy_version,
            http_address=reachable(address, me.host),
            children=settings.children,
            child_restarts=pool.restarts,
            documents=counted("processed"),
            dead_letters=counted("dead_letter"),
        )
        return heartbeat.model_dump_json(exclude_none=True).encode()

    return Presence(kafka, WORKERS, me.id, told=told, state=lambda: lanes.states, interval_s=settings.heartbeat_s)


def reachable(address: str | None, host: str) -> str | None:
    """Return the address as others may reach it: a server that listens everywhere is at its machine's name."""
    if address is None:
        return None
    split = urlsplit(address)
    return f"http://{host}:{split.port}" if split.hostname in EVERYWHERE else address
