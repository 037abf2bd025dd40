"""The topic `workers` -> what each worker has said of itself last, kept in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import ValidationError

from schemas.topics import WORKERS
from schemas.workers import WorkerHeartbeat
from services.kafka.cluster import Ends, Partition
from services.kafka.errors import CLUSTER_ERRORS
from services.kafka.latest import Latest
from services.kafka.records import Record
from services.kafka.settings import KafkaSettings
from services.monitor.snapshot import Snapshot

log = structlog.get_logger()

FORGOTTEN_S: Final = 600.0
"""A worker that has been silent for so long is no longer shown. The longest interval of heartbeats is a tenth of it."""
MOST_RECORDS: Final = 20_000
"""That are read at one time: ten minutes of 300 workers. Whoever is missed by it is heard the next time."""
MOST_WORKERS: Final = 1000
LARGEST_BYTES: Final = 64 * 1024
"""A larger one is nobody's of ours."""


@dataclass(frozen=True, slots=True)
class Heard:
    heartbeat: WorkerHeartbeat
    at_s: float
    """When the broker got it: seconds since 1970."""


class Heartbeats:
    """Takes in what is new each time that it is told to `read`."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._topic = kafka.topic(WORKERS)
        self._heard: dict[str, Heard] = {}
        self._is_refused = False
        self.read_at_s = 0.0
        """When the cluster was looked at before they were read; who is silent is told as of then."""
        self.changes = 0
        """How often somebody came, went or said something new of himself."""

    @property
    def heard(self) -> Mapping[str, Heard]:
        """Worker id -> its last heartbeat."""
        return self._heard

    async def read(self, snapshot: Snapshot, latest: Latest) -> None:
        """Take in what has come since the last time. What cannot be read is said once: workers are shown without it."""
        try:
            records = await self._new(snapshot, latest)
            self._is_refused, self.read_at_s = False, snapshot.at_s
        except CLUSTER_ERRORS as error:
            records = []
            if not self._is_refused:
                log.warning("heartbeats_not_read", topic=self._topic, error=repr(error))
            self._is_refused = True
        before = {name: _state(each) for name, each in self._heard.items()}
        self._heard = after(self._heard, records, now_s=snapshot.at_s)
        self.changes += before != {name: _state(each) for name, each in self._heard.items()}

    async def _new(self, snapshot: Snapshot, latest: Latest) -> list[Record]:
        state = snapshot.topics.get(self._topic)
        if state is None or not state.partitions:
            return []
        ends: Mapping[Partition, Ends] = {Partition(self._topic, each): told for each, told in state.partitions.items()}
        return await latest.new(ends, most=max(1, MOST_RECORDS // len(ends)))


def after(heard: Mapping[str, Heard], records: Iterable[Record], *, now_s: float) -> dict[str, Heard]:
    """Return who has been heard of with these records, in their order: without the stopped and the forgotten."""
    last = {record.key: record for record in records}
    found = dict(heard)
    for key, record in last.items():
        name = (key or b"").decode(errors="replace")
        found.pop(name, None)
        heartbeat = _heartbeat(record)
        if heartbeat is not None and heartbeat.id == name:
            found[name] = Heard(heartbeat, record.timestamp_ms / 1000)
    alive = [(name, each) for name, each in found.items() if now_s - each.at_s <= FORGOTTEN_S]
    return dict(sorted(alive, key=lambda each: each[1].at_s)[-MOST_WORKERS:])


def _heartbeat(record: Record) -> WorkerHeartbeat | None:
    """Return what a record says; None for a tombstone, and for somebody else's record in our topic."""
    if not record.value or len(record.value) > LARGEST_BYTES:
        return None
    try:
        return WorkerHeartbeat.model_validate_json(record.value)
    except ValidationError:
        return None


def _state(heard: Heard) -> object:
    return heard.heartbeat.model_copy(update={"heartbeat_at": None, "documents": 0, "dead_letters": 0})
