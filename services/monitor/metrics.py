"""A snapshot -> what Prometheus scrapes. No scrape asks Kafka anything."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from services.core.lag import lost, retention_ratio
from services.monitor.burrow import CODES, group_code
from services.monitor.snapshot import GroupState, PartitionState, Snapshot
from services.monitor.watch import Watch
from services.telemetry import lag_metrics as names
from services.telemetry.exposition import exposition
from services.telemetry.lag_metrics import FAMILIES, Family

Labels = tuple[str, ...]
Samples = Iterator[tuple[Family, Labels, float | None]]


class SnapshotMetrics:
    """The latest snapshot of a watch as text; made once for each snapshot, whoever scrapes."""

    def __init__(self, watch: Watch, cluster: str) -> None:
        self._watch = watch
        self._cluster = cluster
        self._lossy: set[tuple[str, str, int]] = set()
        self._losses = 0
        self._made: tuple[tuple[int, int, bool], bytes] | None = None
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)

    def text(self) -> bytes:
        """Return what there is to scrape. Of a large cluster it is a second's work: call it in a thread."""
        watch, snapshot = self._watch, self._watch.snapshot
        state = (snapshot.looks if snapshot else 0, watch.failures, watch.failure is None)
        if self._made is None or self._made[0] != state:
            samples = (
                (family, (self._cluster, *labels), value)
                for family, labels, value in self._samples(snapshot)
                if value is not None
            )
            self._made = state, exposition(FAMILIES, samples)
        return self._made[1] + generate_latest(self._process)

    def _samples(self, snapshot: Snapshot | None) -> Samples:
        yield names.UP, (), int(snapshot is not None and self._watch.failure is None)
        yield names.LOOKS, ("done",), snapshot.looks if snapshot else 0
        yield names.LOOKS, ("failed",), self._watch.failures
        if snapshot is None:
            return
        yield names.LAST_UPDATE, (), snapshot.at_s
        yield names.POLL_TIME, (), snapshot.took_s * 1000
        yield names.UNREADABLE, (), len(snapshot.errors)
        yield names.DATA_LOSS, (), self._count_losses(snapshot)
        yield from _of_topics(snapshot)
        for group in snapshot.groups.values():
            yield from _of_group(group)

    def _count_losses(self, snapshot: Snapshot) -> int:
        """Count each time that a partition of a group begins to have lost records."""
        lossy = {
            (group.name, each.topic, each.number)
            for group in snapshot.groups.values()
            for each in group.partitions
            if lost(each.now)
        }
        self._losses += len(lossy - self._lossy)
        self._lossy = lossy
        return self._losses


def _of_topics(snapshot: Snapshot) -> Samples:
    for topic in snapshot.topics.values():
        for number, ends in topic.partitions.items():
            labels = (topic.name, str(number))
            yield names.LATEST_OFFSET, labels, ends.end
            yield names.EARLIEST_OFFSET, labels, ends.low
            yield names.BURROW_TOPIC_OFFSET, labels, ends.end
            if ends.end is not None and ends.high is not None:
                yield names.BLOCKED, labels, max(0, ends.high - ends.end)


def _of_group(group: GroupState) -> Samples:
    labels = (group.name,)
    yield names.GROUP_MAX_LAG, labels, group.max_lag
    yield names.GROUP_MAX_LAG_SECONDS, labels, group.point.lag_s
    yield names.GROUP_SUM_LAG, labels, group.point.lag
    yield names.GROUP_STATE, (group.name, group.state), 1
    yield names.STATUS, (group.name, group.verdict.status), 1
    yield names.BURROW_GROUP_STATUS, labels, int(group_code(group))
    yield names.BURROW_GROUP_LAG, labels, group.point.lag
    by_topic: dict[str, int] = {}
    for each in group.partitions:
        by_topic[each.topic] = by_topic.get(each.topic, 0) + (each.lag or 0)
        yield from _of_partition(group.name, each)
    for topic, lag in by_topic.items():
        yield names.GROUP_TOPIC_SUM_LAG, (group.name, topic), lag


def _of_partition(group: str, each: PartitionState) -> Samples:
    labels = (group, each.topic, str(each.number))
    now = each.now
    yield names.GROUP_OFFSET, labels, now.committed
    yield names.GROUP_LAG, labels, each.lag
    yield names.GROUP_LAG_SECONDS, labels, each.lag_s
    yield names.BURROW_OFFSET, labels, now.committed
    yield names.BURROW_PARTITION_LAG, labels, each.lag
    yield names.BURROW_PARTITION_STATUS, labels, int(CODES[each.verdict.status])
    if now.committed is not None and now.low is not None:
        yield names.GROUP_MESSAGES_LOST, labels, lost(now)
        yield names.GROUP_RETENTION_MARGIN, labels, now.committed - now.low
    if (ratio := retention_ratio(now)) is not None:
        yield names.GROUP_RETENTION_RATIO, labels, ratio * 100
